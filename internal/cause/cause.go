// Package cause tells what lines of the portal's log, of the OpenChoreo API's,
// of Helm and of Kubernetes mean, and what mends it. It reads text and nothing
// else; it must not know clusters, answers, steps or printing.
package cause

import (
	"regexp"
	"slices"
	"strings"
)

// Finding is one thing that lines complain about.
type Finding struct {
	ID    string // stable, such as "postgres.refused"
	Line  string // the first line that says so, trimmed and without secrets
	Title string // what is wrong, in a few words
	Cause string // what it comes from
	Fix   string // what to do
	Step  string // the answers key that mends it, such as "database.postgresql.host"; "" is none
	Count int    // log entries that say so
	After string // ID of the finding that it follows from, which is before it; "" is none
}

// row is a line of the table: what an entry looks like, and what it means. All
// matching is in lower case.
type row struct {
	id                string
	words             []string       // the entry holds one of these; a cheap sieve, or all there is to it
	match             *regexp.Regexp // and matches this, if it is set
	not               []string       // and holds none of these
	of                peer           // and is about this
	general           bool           // it counts only where nothing else explains the entry
	title, cause, fix string
	step              string
	hides             []string // findings that follow from this one: IDs, or a topic such as "api."
}

// Explain returns what the lines complain about: first the cause to mend first,
// last what follows from it. Lines may be JSON, plain text with colours, or
// stacks of many lines. It knows no more than the lines say: an empty answer
// does not mean that all is well.
func Explain(lines []string) []Finding {
	table := table()
	found := make([]Finding, len(table))
	for _, e := range entries(lines) {
		e.note(table, found)
	}
	var out []Finding
	for i := range found {
		if found[i].Count == 0 {
			continue
		}
		for j := range found { // the table is in order of importance: the first that hides it counts
			if found[j].Count > 0 && i != j && table[j].hide(table[i].id) {
				found[i].After = table[j].id
				break
			}
		}
		out = append(out, found[i])
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return follows(a) - follows(b) })
	return out
}

func follows(f Finding) int {
	if f.After != "" {
		return 1
	}
	return 0
}

// note counts the entry for all rows that match it.
func (e entry) note(table []row, found []Finding) {
	about := peerOf(e.lower)
	explained := false
	for _, general := range []bool{false, true} {
		for i := range table {
			r := &table[i]
			if r.general != general || general && explained || r.of != "" && r.of != about {
				continue
			}
			at, ok := r.find(e.lower)
			if !ok {
				continue
			}
			explained = true
			if found[i].Count++; found[i].Count == 1 {
				found[i] = Finding{
					ID: r.id, Line: e.line(at), Title: r.title, Cause: r.cause, Fix: r.fix, Step: r.step, Count: 1,
				}
			}
		}
	}
}

// place is a part of an entry's text, in bytes.
type place struct{ from, to int }

// find returns what of the text made the row match.
func (r *row) find(text string) (place, bool) {
	at := place{from: -1}
	for _, word := range r.words {
		if i := strings.Index(text, word); i >= 0 {
			at = place{i, i + len(word)}
			break
		}
	}
	if at.from < 0 || slices.ContainsFunc(r.not, func(word string) bool { return strings.Contains(text, word) }) {
		return at, false
	}
	if r.match == nil {
		return at, true
	}
	if found := r.match.FindStringIndex(text); found != nil {
		return place{found[0], found[1]}, true
	}
	return at, false
}

func (r *row) hide(id string) bool {
	return slices.ContainsFunc(r.hides, func(hidden string) bool {
		return hidden == id || strings.HasSuffix(hidden, ".") && strings.HasPrefix(id, hidden)
	})
}

// lesser are findings that come up in the log of a portal that works: of one
// person's session, or of what is beside it. A topic ends with a period.
var lesser = []string{"session.", "signin.denied", "signin.state", "jwt.expired", "github.", "assistant.absent", "general.webhook", "node.files", "discovery.failed", "token.rate", "helm.busy"}

// Fatal tells whether the finding keeps the portal, or everybody's sign-in, from
// working. What is not is of one person's session, or beside the portal.
func (f Finding) Fatal() bool {
	return !slices.ContainsFunc(lesser, func(id string) bool {
		return f.ID == id || strings.HasSuffix(id, ".") && strings.HasPrefix(f.ID, id)
	})
}

// Known returns everything that Explain can find, once each, the most fundamental
// first. Line and Count are empty.
func Known() []Finding {
	var all []Finding
	for _, r := range table() {
		if !slices.ContainsFunc(all, func(f Finding) bool { return f.ID == r.id }) {
			all = append(all, Finding{ID: r.id, Title: r.title, Cause: r.cause, Fix: r.fix, Step: r.step})
		}
	}
	return all
}
