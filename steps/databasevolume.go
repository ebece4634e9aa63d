package steps

import (
	"fmt"

	"github.com/openchoreo/backstage-setup/internal/plan"
)

// planVolume keeps the volume that SQLite is left with, unless the answer is no:
// what is deleted cannot be had back, and a volume that is kept can be deleted any
// time.
func planVolume(in plan.Input, p *plan.Plan) {
	claim, leaves := in.LeavesVolume()
	drop := in.Draft.Has("database.sqlite.keepVolume") && !in.Draft.Database.SQLite.KeepVolume
	if !drop {
		p.KeepVolume()
	}
	if !leaves {
		return
	}
	remove := fmt.Sprintf("kubectl delete pvc %s -n %s", plan.Quote(claim.Name), plan.Quote(claim.Namespace))
	switch {
	case in.KeepsVolume():
		p.Warn("database", "the volume of SQLite stays, since claim %s is annotated to be kept: `%s` deletes it with its data", claim.Name, remove)
	case !drop:
		p.Warn("database", "the volume of SQLite stays, as claim %s (%s): a portal that goes back to SQLite on a volume finds its data of today there; `%s` deletes it", claim.Name, claim.Size, remove)
	case in.Current.Upgrade && in.Current.UndoOnFailure:
		p.Warn("database", "claim %s is deleted with all data of SQLite: if the portal does not come up with PostgreSQL, what is put back starts with an empty volume", claim.Name)
	default:
		p.Warn("database", "the upgrade deletes claim %s with all data of SQLite, for good", claim.Name)
	}
}
