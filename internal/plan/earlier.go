package plan

import (
	"maps"
	"slices"

	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
)

// lasting returns the journal of an earlier run without the keys that somebody
// else has written since: what those hold now is what was there before this run.
func (p *Plan) lasting(earlier Journal) Journal {
	state := p.in.Current.Cluster.Secret
	if state.Unknown != "" {
		return earlier
	}
	theirs := func(key string) bool { return state.Secret == nil || state.Secret.Holders[key] != k8s.FieldManager }
	earlier.Set = slices.DeleteFunc(slices.Clone(earlier.Set), theirs)
	earlier.Added = slices.DeleteFunc(slices.Clone(earlier.Added), theirs)
	earlier.Old = maps.Clone(earlier.Old)
	maps.DeleteFunc(earlier.Old, func(key string, _ secret.Text) bool { return theirs(key) })
	earlier.Created = earlier.Created && state.Secret != nil
	return earlier
}
