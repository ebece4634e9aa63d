package steps

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/templates"
)

const exampleHead = `# Answers for ` + "`backstage-setup install --answers FILE`" + `.
# What is filled in sets up a development installation with ThunderID; what is
# commented out has a default, is found, or is for another kind of installation.
# A line that begins with "#" and no blank after it can be taken in as it is.
# Secrets are references: {env: NAME}, {file: PATH}, {generate: true} or
# {keep: true}; a secret itself is never written here.
`

// Example returns an answers file with every key, what it is for and an example.
// It works as it is, once the environment variable CLIENT_SECRET is set. Prose
// begins with "# ", a setting that is commented out with "#" and its name.
func Example() string {
	given, known := exampleAnswers(), knownCharts()
	var b strings.Builder
	b.WriteString(exampleHead)
	flow := Catalog()
	var open []string
	for _, key := range answers.Keys() {
		_, q, ok := flow.Find(key)
		if !ok {
			continue // a test holds questions and keys together
		}
		path := strings.Split(string(key), ".")
		groups := path[:len(path)-1]
		for i := range groups {
			if i < len(open) && open[i] == groups[i] && strings.Join(open[:i], ".") == strings.Join(groups[:i], ".") {
				continue
			}
			indent := strings.Repeat("  ", i)
			fmt.Fprintf(&b, "\n%s# %s.\n%s%s:\n", indent, groupTitles[strings.Join(groups[:i+1], ".")], indent, groups[i])
			open = append(open[:i:i], groups[i])
		}
		open = open[:len(groups)]
		writeExample(&b, q, strings.Repeat("  ", len(groups)), path[len(path)-1], given, known)
	}
	return b.String()
}

func writeExample(b *strings.Builder, q Question, indent, name string, given map[answers.Key]string, known charts) {
	if indent == "" {
		b.WriteString("\n")
	}
	for _, line := range exampleComment(known.answerEntry(Step{}, q), q, 78-len(indent)) {
		fmt.Fprintf(b, "%s# %s\n", indent, line)
	}
	value, active := given[q.Key]
	if !active {
		value = exampleValue(q)
		name = "#" + name
	}
	fmt.Fprintf(b, "%s%s: %s\n", indent, name, value)
}

func exampleComment(e Entry, q Question, width int) []string {
	title := q.Title
	if !strings.HasSuffix(title, "?") {
		title += "."
	}
	lines := Wrap(title+" "+q.Why, width)
	longest := 0
	for _, c := range e.Values {
		longest = max(longest, len(c.Value))
	}
	for _, c := range e.Values {
		notes := Wrap(c.Note, width-longest-4)
		lines = append(lines, strings.TrimRight(fmt.Sprintf("  %-*s  %s", longest, c.Value, strings.Join(notes[:min(1, len(notes))], "")), " "))
		for _, note := range notes[min(1, len(notes)):] {
			lines = append(lines, strings.Repeat(" ", longest+4)+note)
		}
	}
	var more []string
	if e.Charts != "all" {
		more = append(more, "Charts "+e.Charts+".")
	}
	usual := usualDefault(e.Defaults)
	if q.Required.Holds != nil && (usual == "" || q.Required.Text != always.Text) {
		more = append(more, "Required "+q.Required.Text+".")
	}
	if usual != "" {
		more = append(more, "Default: "+usual+".")
	}
	return append(lines, Wrap(strings.Join(more, " "), width)...)
}

// usualDefault is the default in words, else that of the newest chart unless it
// is only a placeholder there.
func usualDefault(defaults []Default) string {
	text := ""
	for _, d := range defaults {
		if strings.HasPrefix(d.For, "preset ") || strings.HasSuffix(d.For, unasked) || strings.HasSuffix(d.Value, refused) {
			continue
		}
		text = d.Value
	}
	return text
}

// exampleValue is YAML for a setting that is commented out.
func exampleValue(q Question) string {
	if q.Example != "" {
		if value, err := q.Value.Parse(q.Example); err == nil {
			return flowYAML(value)
		}
	}
	if len(q.Options) > 0 {
		return flowYAML(q.Options[0].Value)
	}
	newest, _ := templates.Newest()
	if value, ok := profileDefault(newest, string(q.Key)); ok {
		return flowYAML(value)
	}
	return "true" // what is left are switches without a default
}

// flowYAML writes value on one line, every text in quotes.
func flowYAML(value any) string {
	switch v := value.(type) {
	case secret.Value:
		return secretYAML(v.Ref)
	case []answers.EnvVar:
		value = envDocument(v)
	case []string:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = flowYAML(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	var b strings.Builder
	enc := json.NewEncoder(&b) // JSON is YAML's flow style
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return "null"
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func secretYAML(r secret.Ref) string {
	switch {
	case r.Env != "":
		return "{env: " + r.Env + "}"
	case r.File != "":
		return "{file: " + flowYAML(r.File) + "}"
	case r.Generate:
		return "{generate: true}"
	}
	return "{keep: true}"
}

// exampleAnswers answers what a development installation cannot do without, as
// the questions themselves suggest it.
func exampleAnswers() map[answers.Key]string {
	profile, version := templates.Newest()
	in := plan.Input{Current: plan.Current{Offline: true, Files: []plan.ValuesFile{{Path: "backstage-values.yaml"}}}, Profile: profile, Chart: chart.FromProfile(profile, version)}
	given := map[answers.Key]string{}
	flow := Install()
	give := func(q Question, value any) {
		set(&in, q.Key, value, answers.Source{Rank: answers.FromAnswers})
		given[q.Key] = flowYAML(value)
	}
	_, first, _ := flow.Find("preset")
	give(first, "development")
	for range answers.Keys() { // every round answers one question at least
		complete := flow.Complete(in)
		_, missing := flow.Problems(complete)
		if len(missing) == 0 {
			break
		}
		for _, problem := range missing {
			_, q, _ := flow.Find(problem.Key)
			var value any
			if q.Suggest != nil {
				value = q.Suggest(complete)
			}
			if value == nil {
				value, _ = q.Value.Parse(q.Example)
			}
			if q.Suggest != nil && problem.Key != missing[0].Key {
				continue // what it suggests may follow from the one before
			}
			give(q, value)
		}
	}
	return given
}
