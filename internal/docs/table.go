package main

import (
	"strings"

	"github.com/openchoreo/backstage-setup/steps"
)

// tables returns the generated blocks of docs/answers.md by name.
func tables(entries []steps.Entry) map[string]string {
	return map[string]string{
		"answers": answersTable(entries),
		"secret":  secretTable(entries),
		"checks":  checksTable(entries),
	}
}

// answersTable has one table for each step, in the order they are asked.
func answersTable(entries []steps.Entry) string {
	var b strings.Builder
	group := ""
	for _, e := range entries {
		if e.Kind != steps.AnswerEntry {
			continue
		}
		if e.Group != group {
			if group != "" {
				b.WriteString("\n")
			}
			group = e.Group
			b.WriteString("### " + group + "\n\n")
			header(&b, "key", "what", "default", "goes to", "charts")
		}
		row(&b, code(e.Name), what(e), defaults(e), places(e.GoesTo), e.Charts)
	}
	return b.String()
}

func secretTable(entries []steps.Entry) string {
	var b strings.Builder
	header(&b, "key of the Secret", "what", "answers key", "required", "charts")
	for _, e := range entries {
		if e.Kind == steps.SecretEntry {
			row(&b, code(e.Name), e.Meaning, places(e.ComesFrom), e.Required, e.Charts)
		}
	}
	return b.String()
}

func checksTable(entries []steps.Entry) string {
	var b strings.Builder
	header(&b, "check", "what it looks at", "what to do")
	for _, e := range entries {
		if e.Kind == steps.CheckEntry {
			row(&b, code(e.Name), e.Meaning, e.Do)
		}
	}
	return b.String()
}

// what says in one cell what an answer is, what it may be and when it counts.
func what(e steps.Entry) string {
	parts := []string{sentence(e.Title), e.Meaning}
	switch {
	case strings.HasPrefix(e.Type, "secret"):
		parts = append(parts, "A [reference](#rules), never the secret itself.")
	case len(e.Values) > 0:
		names := make([]string, len(e.Values))
		for i, v := range e.Values {
			names[i] = code(v.Value)
		}
		parts = append(parts, "One of "+strings.Join(names, ", ")+".")
	default:
		parts = append(parts, sentence(strings.ToUpper(e.Type[:1])+e.Type[1:]))
	}
	if e.Required != "" {
		parts = append(parts, "**Required** "+sentence(e.Required))
	}
	if e.Only != "" && e.Only != e.Required {
		parts = append(parts, "Counts only "+sentence(e.Only))
	}
	return strings.Join(parts, " ")
}

func sentence(s string) string {
	if strings.HasSuffix(s, "?") || strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

func defaults(e steps.Entry) string {
	list := make([]string, len(e.Defaults))
	for i, d := range e.Defaults {
		list[i] = d.Value
		if d.For != "" {
			list[i] = d.For + ": " + d.Value
		}
	}
	return strings.Join(list, "; ")
}

func places(list []steps.Place) string {
	words := make([]string, len(list))
	for i, p := range list {
		switch p.Kind {
		case "run": // a place in words: "says which namespace"
			words[i] = p.Name
		case steps.SecretEntry:
			words[i] = "Secret " + code(p.Name)
		case "binding":
			words[i] = "binding " + code(p.Name)
		default:
			words[i] = code(p.Name)
		}
	}
	return strings.Join(words, ", ")
}

func header(b *strings.Builder, cells ...string) {
	row(b, cells...)
	b.WriteString(strings.Repeat("|---", len(cells)) + "|\n")
}

// row writes one row; a cell must not hold what would end it.
func row(b *strings.Builder, cells ...string) {
	for _, c := range cells {
		b.WriteString("| " + strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(c) + " ")
	}
	b.WriteString("|\n")
}

func code(s string) string { return "`" + s + "`" }
