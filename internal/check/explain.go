package check

import (
	"slices"
	"strings"
)

// Explanation says that one finding brings others about. By and each of Of name
// findings: a check's ID, an ID and a code as "portal.logs/postgres.refused", with
// a "*" at the end for everything that begins so.
//
// A warning explains a failure only with Warns: most of what merely works less well
// is beside what does not work.
type Explanation struct {
	By    string
	Of    []string
	Warns bool
}

// Explain sets Because of every finding that another one brings about, and returns
// the index of the one to mend first: of those that nothing explains, the first
// that fails, else the first that warns, however it is explained by the order of
// results. It is -1 where nothing fails or warns. Where several explain a finding,
// the first in the order of results counts. What is accepted explains too, and is
// never to be mended first.
//
// Results are in the order of their dependencies: a later one never explains an
// earlier one unless the table says so.
func Explain(results []Result, table []Explanation) (first int) {
	for i := range results {
		results[i].Because = ""
		if !results[i].wrong() {
			continue
		}
		for j := range results {
			if i != j && results[j].explains() && brings(table, results[j], results[i]) && !leadsTo(results, results[j].ID, results[i].ID) {
				results[i].Because = results[j].ID
				break
			}
		}
	}
	first = -1
	for i, r := range results {
		if r.Because != "" || r.Status != Fail && r.Status != Warn {
			continue
		}
		weight := weightOf(results, r)
		if first < 0 || weight > weightOf(results, results[first]) {
			first = i
		}
	}
	return first
}

// weightOf orders what nothing explains: what fails, or brings a failure about,
// comes before what only warns.
func weightOf(results []Result, r Result) int {
	if r.Status == Fail {
		return 1
	}
	for _, other := range results {
		if other.Status == Fail && leadsTo(results, other.ID, r.ID) {
			return 1
		}
	}
	return 0
}

// leadsTo tells whether the finding of id is, by way of others, because of the
// one of root.
func leadsTo(results []Result, id, root string) bool {
	for range results { // a circle would go on for ever
		i := slices.IndexFunc(results, func(r Result) bool { return r.ID == id })
		if i < 0 || results[i].Because == "" {
			return false
		}
		if id = results[i].Because; id == root {
			return true
		}
	}
	return false
}

// Consequences returns the IDs of the findings that follow from the one of id.
func Consequences(results []Result, id string) []string {
	var ids []string
	for _, r := range results {
		if r.wrong() && r.ID != id && leadsTo(results, r.ID, id) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// wrong tells whether r is a finding that another one can explain.
func (r Result) wrong() bool { return r.Status == Fail || r.Status == Warn || r.Status == Inconclusive }

// explains tells whether r is a finding that can explain others.
func (r Result) explains() bool { return r.Status == Fail || r.Status == Warn || r.Status == Accepted }

func brings(table []Explanation, cause, effect Result) bool {
	return slices.ContainsFunc(table, func(e Explanation) bool {
		if cause.Status == Warn && effect.Status == Fail && !e.Warns {
			return false
		}
		return names(e.By, cause) && slices.ContainsFunc(e.Of, func(of string) bool { return names(of, effect) })
	})
}

// names tells whether a pattern of the table means r.
func names(pattern string, r Result) bool {
	text := r.ID
	if strings.Contains(pattern, "/") {
		text += "/" + r.Code
	}
	if prefix, open := strings.CutSuffix(pattern, "*"); open {
		return strings.HasPrefix(text, prefix)
	}
	return text == pattern
}
