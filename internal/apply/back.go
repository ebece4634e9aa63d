package apply

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
)

// remain is an action of undoing an earlier run that could not be carried out.
type remain struct {
	action plan.Action
	err    error // nil where it was passed over for the sake of another one
}

// passes tells whether an action of undoing an earlier run makes no sense after
// what could not be put back. Files depend on nothing. What makes pods start does
// on Secret and store: they would start with a mixture. Keys and entries that are
// somebody else's by now are no mixture: they stay as they are.
func (r *run) passes(a plan.Action) bool {
	switch a.(type) {
	case plan.RestoreStore, plan.AwaitSync:
		return r.remains(func(left remain) bool {
			switch left.action.(type) {
			case plan.RemoveExternalKeys, plan.DeleteExternal: // one key that the store lacks stops every sync
				return true
			}
			return false
		})
	case plan.FreeVolume:
		return r.remains(func(left remain) bool { _, ok := left.action.(plan.Rollback); return ok })
	case plan.Rollback, plan.Restart, plan.AwaitRollout:
		return r.remains(func(left remain) bool {
			switch left.action.(type) {
			case plan.RestoreFile, plan.FreeVolume:
				return false
			case plan.RestoreSecret:
				return !errors.Is(left.err, errTheirKeys)
			case plan.RestoreStore:
				return !errors.Is(left.err, errTheirs)
			}
			return true
		})
	case plan.DropPrevious:
		return len(r.left) > 0
	}
	return false
}

func (r *run) remains(which func(remain) bool) bool { return slices.ContainsFunc(r.left, which) }

// partly ends a run that undoes an earlier one and could not put everything back:
// the journal stays, for what is left.
func (r *run) partly(ctx context.Context) (Outcome, error) {
	first := r.left[0]
	e := &Error{Action: first.action.Title(), Err: first.err, Journal: true}
	e.Changed = changed(first.err) && len(r.back) == 0
	for _, left := range r.left[1:] {
		switch left.action.(type) {
		case plan.DropPrevious, plan.AwaitRollout, plan.AwaitSync:
			if left.err == nil {
				continue
			}
		}
		text := describeLeft(left.action)
		if left.err != nil {
			text = fmt.Sprintf("%s: %v", text, left.err)
		}
		e.Left = append(e.Left, text)
	}
	if err := r.shorten(ctx); err != nil {
		e.Left = append(e.Left, fmt.Sprintf("the journal still tells of what was put back: %v", err))
	}
	return r.outcome, e
}

// shorten takes out of the journal what was put back: to undo the rest later must
// not take back what somebody does meanwhile, such as an upgrade.
func (r *run) shorten(ctx context.Context) error {
	whole := r.held
	restarts := r.remains(func(left remain) bool { _, ok := left.action.(plan.Restart); return ok })
	j := whole.Without(func(id string) bool { return r.back[id] && !(id == "secret" && restarts) })
	text, err := j.Encode()
	if err != nil {
		return err
	}
	if before, err := whole.Encode(); err != nil || before == text {
		return err
	}
	if whole.File != "" {
		err = r.keepLocal(text)
	} else {
		change := k8s.SecretChange{Namespace: whole.Namespace, Name: plan.PreviousName(whole.Secret), ResourceVersion: whole.ResourceVersion,
			Annotations: map[string]string{plan.JournalAnnotation: text}}
		old := maps.Clone(whole.Old)
		maps.DeleteFunc(old, func(key string, _ secret.Text) bool { return slices.Contains(j.Set, key) })
		change.Remove = slices.Sorted(maps.Keys(old))
		_, _, err = r.record(ctx, change, false)
	}
	if err != nil {
		return err
	}
	var left []error
	for _, f := range whole.Files {
		if r.back["file."+f.Name] {
			left = append(left, r.dropKept(f))
		}
	}
	return errors.Join(left...)
}
