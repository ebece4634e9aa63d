package main

import (
	"strings"

	"github.com/openchoreo/backstage-setup/steps"
)

// providers returns the generated blocks of docs/identity-providers.md by name.
func providers(entries []steps.Entry) map[string]string {
	var rows, trust strings.Builder
	for _, e := range entries {
		switch {
		case e.Kind == steps.ProviderEntry:
			if rows.Len() > 0 {
				rows.WriteString("\n")
			}
			rows.WriteString("### " + e.Title + "\n\n`identity.provider: " + e.Name + "`. " + text(e.Meaning) + "\n\n")
			sections(&rows, e)
		case e.Kind == steps.TopicEntry && e.Name == "private-ca":
			sections(&trust, e)
		}
	}
	return map[string]string{"providers": rows.String(), "private-ca": trust.String()}
}

// sections writes a list of the sections, each with its lines as a list.
func sections(b *strings.Builder, e steps.Entry) {
	for _, s := range e.Sections {
		b.WriteString("- " + s.Title + "\n")
		for _, line := range s.Lines {
			b.WriteString("  - " + text(line) + "\n")
		}
	}
}

// text keeps what looks like HTML from being taken for it.
func text(s string) string { return strings.ReplaceAll(s, "<", "&lt;") }
