package steps

import (
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/check"
)

// throughOwner has a value of the Secret mended by whoever writes the Secret: a run
// that may not write it could only tell the same at its end. Where that is a store
// that a run can write to, given a token, the finding still leads there.
func (x examiner) throughOwner(r *check.Result) {
	if r.Cure != nil && len(r.Guide) == 0 {
		x.guide(r, x.keysOf(r.Cure)...)
	}
	if len(r.Guide) > 0 && !x.in.StoreTakes() {
		r.Cure = nil
	}
}

// guide has a finding about keys of the Secret tell what its owner needs for them.
// The command of the finding becomes the first of those.
func (x examiner) guide(r *check.Result, keys ...string) {
	r.Guide = x.in.OwnerGuide(keys...)
	at := slices.IndexFunc(r.Guide, func(line string) bool { return strings.HasPrefix(line, "  ") })
	switch {
	case at >= 0:
		r.Fix = strings.TrimSpace(r.Guide[at])
	case len(r.Guide) > 0:
		r.Fix = x.kubectl("describe secret %s", x.secretName())
	}
}

// keysOf are the keys of the Secret whose values a cure is about; none where it
// changes something else.
func (x examiner) keysOf(c *check.Cure) []string {
	var keys []string
	for _, p := range c.Propose {
		if name, ok := p.Value.(string); ok && p.Key == "rotate.key" {
			keys = append(keys, name)
		}
	}
	for _, sk := range x.in.Profile.SecretKeys {
		if c.Flow == "install" && sk.Key == c.Key {
			keys = append(keys, sk.Name)
		}
	}
	return keys
}
