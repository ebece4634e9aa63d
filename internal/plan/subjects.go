package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/values"
)

// subjectsPath is where the API is told which claim makes a person, and which a
// program. Its schema wants both of them, each complete.
const subjectsPath = "openchoreoApi.config.security.subjects."

// subjects completes both kinds of caller where one of them is written: what the
// API tells them apart by is then in one place, whatever a later chart has for
// the other.
func (p *Plan) subjects() {
	var key answers.Key
	for _, v := range p.Values {
		if strings.HasPrefix(v.Path, subjectsPath) {
			key = v.Key
		}
	}
	if key == "" {
		return
	}
	for _, path := range slices.Sorted(maps.Keys(p.in.Profile.Defaults)) {
		if !strings.HasPrefix(path, subjectsPath) || p.sets(path) {
			continue
		}
		at := values.MustPath(path)
		if _, inFile := values.Lookup(p.in.own(), at); inFile {
			continue
		}
		value, ok := values.Lookup(p.under, at)
		if !ok {
			value = p.in.Profile.Defaults[path]
		}
		p.Values = append(p.Values, ValueChange{Key: key, Path: path, Value: value, Source: p.in.Draft.From[key]})
		p.edits = append(p.edits, values.Edit{Path: at, Value: value})
	}
}

// strangers warns of bindings for claims that the API does not look at.
func (p *Plan) strangers() {
	d := &p.in.Draft
	known := []string{d.Authorization.Groups.Claim, d.Authorization.SubjectClaim}
	if !slices.ContainsFunc([]answers.Key{"authorization.groups.claim", "authorization.subjectClaim"}, func(k answers.Key) bool {
		return d.From[k].Rank > answers.FromChart
	}) {
		return
	}
	for _, b := range p.Bindings {
		if b.Claim != "" && !slices.Contains(known, b.Claim) {
			p.Warn("authorization", "%s is for the claim %s, which the API does not look at: nobody matches it", b.Name, b.Claim)
		}
	}
}
