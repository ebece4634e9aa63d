package steps

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/values"
	"github.com/openchoreo/backstage-setup/templates"
)

// ExplainIn is Explain for one chart: its own description and default come
// first, and a Helm path that only this chart knows is found too. ref is a
// version, a directory or an archive. The error completes "The value …".
func (e *Env) ExplainIn(word, ref string) ([]Entry, error) {
	c, profile, _, _, err := e.Chart(context.Background(), ref)
	if err != nil {
		return nil, err
	}
	entries := Explain(word)
	for i := range entries {
		entries[i].in(c, profile)
	}
	if known, ok := c.Has(word); len(entries) == 0 && known && ok {
		entry := Entry{Kind: HelmEntry, Name: word, Group: "Helm values", Meaning: "A value of chart " + c.Version + " that this program has no question for. An edit leaves it as it is."}
		entry.in(c, profile)
		entries = append(entries, entry)
	}
	return entries, nil
}

// in adds what one chart says.
func (e *Entry) in(c *chart.Chart, profile templates.Profile) {
	path := ""
	switch e.Kind {
	case AnswerEntry:
		path = profile.Paths[e.Name]
		if !profile.Has(e.Name) {
			e.Defaults = []Default{{For: "chart " + c.Version, Value: "none: this chart has no such thing"}}
			return
		}
	case HelmEntry:
		path = e.Name
	case VariableEntry:
		if _, ok := profile.EnvVar(e.Name); !ok {
			e.Defaults = []Default{{For: "chart " + c.Version, Value: "none: this chart does not set it"}}
		}
	}
	if path == "" {
		return
	}
	e.Schema = c.Describe(path)
	text := "none: this chart has no such value"
	if at, err := values.ParsePath(path); err == nil {
		if value, ok := values.Lookup(c.Defaults(), at); ok {
			text = treeText(value)
		} else if _, ok := c.Has(path); ok {
			text = "none"
		}
	}
	e.Defaults = append([]Default{{For: "chart " + c.Version, Value: text}}, onlyPresets(e.Defaults)...)
}

// onlyPresets takes out what other charts have.
func onlyPresets(defaults []Default) []Default {
	var kept []Default
	for _, d := range defaults {
		if !strings.HasPrefix(d.For, "chart") {
			kept = append(kept, d)
		}
	}
	return kept
}

// treeText prints a value of a chart at hand; a whole branch is JSON.
func treeText(value any) string {
	if m, ok := value.(map[string]any); ok && len(m) > 0 {
		out, err := json.Marshal(m)
		if err != nil {
			return fmt.Sprint(m)
		}
		return string(out)
	}
	return defaultText(value)
}
