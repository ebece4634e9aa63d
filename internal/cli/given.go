package cli

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/file"
	"github.com/openchoreo/backstage-setup/steps"
	"github.com/openchoreo/backstage-setup/wizard"
)

// offer is one answer on its way to the session.
type offer struct {
	answers.Entry
	rank answers.Rank
}

// give hands answers files, --set and flags to the session, in this order; every
// wrong one is in the result. What a later one replaces is not looked at: the
// reference of a base file need not lead anywhere under an overlay.
func (a *app) give(s *wizard.Session, f *flags) answers.Problems {
	offers, problems := a.offers(f)
	for i, o := range offers {
		if slices.ContainsFunc(offers[i+1:], func(later offer) bool { return later.Key == o.Key }) {
			continue
		}
		notes, err := s.Give(o.Key, o.Value, o.rank, o.Where)
		for _, note := range notes {
			fmt.Fprintf(a.err, "note: %s: %s\n", o.Key, note)
		}
		if err != nil {
			problems = append(problems, answers.Problem{Key: o.Key, Where: o.Where, Message: err.Error()})
		}
	}
	return problems
}

func (a *app) offers(f *flags) ([]offer, answers.Problems) {
	var offers []offer
	var problems answers.Problems
	for _, name := range f.answers {
		entries, err := a.readAnswers(name)
		var wrong answers.Problems
		if errors.As(err, &wrong) {
			problems = append(problems, wrong...)
		} else if err != nil {
			problems = append(problems, answers.Problem{Where: name, Message: err.Error()})
		}
		for _, e := range entries {
			offers = append(offers, offer{e, answers.FromAnswers})
		}
	}
	for _, assignment := range f.set {
		key, value, problem := parseSet(assignment)
		if problem != nil {
			problems = append(problems, *problem)
			continue
		}
		offers = append(offers, offer{answers.Entry{Key: key, Value: value}, answers.FromSet})
	}
	for _, assignment := range f.arguments {
		key, value, problem := parseSet(assignment)
		if problem != nil {
			problems = append(problems, *problem)
			continue
		}
		offers = append(offers, offer{answers.Entry{Key: key, Value: value, Where: "argument"}, answers.FromFlag})
	}
	if f.from != "" {
		value, problem := a.newValue(f.from)
		if problem != nil {
			problems = append(problems, *problem)
		} else {
			offers = append(offers, offer{answers.Entry{Key: "rotate.value", Value: value, Where: "--from"}, answers.FromFlag})
		}
	}
	for key, text := range map[answers.Key]string{
		"target.context": f.context, "target.namespace": f.namespace, "target.release": f.release, "chart": f.chart,
		"secret.name": f.secretName, "secret.delivery": f.delivery, "secret.manifest": f.secretOut, "database.postgresql.trustCA": f.trustCA,
	} {
		if text != "" {
			offers = append(offers, offer{answers.Entry{Key: key, Value: text}, answers.FromFlag})
		}
	}
	if len(f.values) > 0 {
		offers = append(offers, offer{answers.Entry{Key: "target.values", Value: f.values}, answers.FromFlag})
	}
	return offers, problems
}

func (a *app) readAnswers(name string) ([]answers.Entry, error) {
	if name == "-" {
		src, err := io.ReadAll(io.LimitReader(a.In, 1<<20))
		if err != nil {
			return nil, err
		}
		return answers.Decode("stdin", src)
	}
	snapshot, err := file.Read(name)
	if err != nil {
		return nil, err
	}
	if !snapshot.Exists {
		return nil, fmt.Errorf("there is no such file")
	}
	return answers.Decode(filepath.Base(name), snapshot.Bytes)
}

// parseSet reads KEY=VALUE by the rules of the key's question.
func parseSet(assignment string) (answers.Key, any, *answers.Problem) {
	name, text, ok := strings.Cut(assignment, "=")
	key := answers.Key(strings.TrimSpace(name))
	_, q, known := steps.Catalog().Find(key)
	switch {
	case !ok || key == "":
		return key, nil, &answers.Problem{Message: "--set must be KEY=VALUE, such as --set portal.baseUrl=https://console.example.com"}
	case !known:
		message := "is not an answers key; `backstage-setup explain` lists them"
		if near := answers.Near(string(key)); near != "" {
			message = fmt.Sprintf("is not an answers key; did you mean %s?", near)
		}
		return key, nil, &answers.Problem{Key: key, Message: message}
	}
	value, err := q.Value.Parse(text)
	if err != nil {
		return key, nil, &answers.Problem{Key: key, Message: err.Error()}
	}
	return key, value, nil
}
