package apply

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/openchoreo/backstage-setup/internal/file"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

// do carries out one action: it is Done, or was so already. What writes is not
// stopped in the middle, since nobody would know then what was written: each
// request has its own time-out.
func (r *run) do(ctx context.Context, action plan.Action) (Status, error) {
	whole := context.WithoutCancel(ctx)
	switch a := action.(type) {
	case plan.KeepPrevious:
		return r.keep(whole, a)
	case plan.MarkKept:
		return Done, r.markKept(whole, a)
	case plan.DropPrevious:
		return Done, r.drop(whole, a.Journal, a.Local)
	case plan.WriteFile:
		status := Done
		if a.Change.File.Exists && bytes.Equal(a.Change.File.Bytes, a.Change.After) {
			status = Unchanged
		}
		return status, a.Change.File.Replace(a.Change.After, file.Options{Mode: a.Change.Mode, Backup: a.Backup || a.Keep})
	case plan.KeepVolume:
		return r.keepVolume(whole, a)
	case plan.FreeVolume:
		return r.freeVolume(whole, a)
	case plan.WriteSecret:
		return r.secret(whole, a)
	case plan.WriteStore:
		return r.writeStore(whole, a)
	case plan.RestoreStore:
		return r.restoreStore(whole, a)
	case plan.AddExternalKeys:
		return r.addExternalKeys(whole, a)
	case plan.RemoveExternalKeys:
		return r.removeExternalKeys(whole, a)
	case plan.CreateExternal:
		return r.createExternal(whole, a)
	case plan.DeleteExternal:
		return r.deleteExternal(whole, a)
	case plan.AwaitSync:
		return Done, r.sync(ctx, a)
	case plan.Upgrade:
		return Done, r.upgrade(ctx, a)
	case plan.Rollback:
		return r.rollback(whole, a)
	case plan.Restart:
		return r.restart(whole, a)
	case plan.AwaitRollout:
		return Done, r.await(ctx, a)
	case plan.ConfirmDatabase:
		return Done, r.confirmDatabase(ctx, a)
	case plan.Prove:
		return r.prove(ctx, a)
	case plan.AwaitAccepted:
		return Done, r.accepted(ctx, a)
	case plan.AwaitRejected:
		return Done, r.rejected(ctx, a)
	case plan.RestoreFile:
		return r.restoreFile(a.File)
	case plan.RestoreSecret:
		return r.restoreSecret(whole, a)
	}
	return Failed, fmt.Errorf("action %s: nobody knows how", action.ID())
}

// restart rolls the pods, unless an upgrade of this run does so already.
func (r *run) restart(ctx context.Context, a plan.Restart) (Status, error) {
	if r.template != "" && !a.Again {
		now, err := r.env.Cluster.PodTemplate(ctx, a.Namespace, a.Deployment)
		if err != nil {
			return Failed, err
		}
		if now != r.template {
			return Unchanged, nil
		}
	}
	at, last := r.env.Now(), r.restarted
	if a.Last.After(last) {
		last = a.Last
	}
	if !last.IsZero() && !at.Truncate(time.Second).After(last.Truncate(time.Second)) {
		at = last.Add(time.Second) // the mark has seconds: the same one would restart nothing
	}
	r.restarted = at
	return Done, r.env.Cluster.RestartDeployment(ctx, a.Namespace, a.Deployment, at)
}
