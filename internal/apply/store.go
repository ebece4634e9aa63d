package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/openchoreo/backstage-setup/internal/openbao"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
)

func (r *run) store(target plan.StoreTarget, mount string) (*openbao.Store, error) {
	if r.env.Store == nil {
		return nil, errors.New("there is no way to the store")
	}
	return r.env.Store(target, mount)
}

// readEntry reads an entry; one that is not there, or whose latest version is
// deleted, has no data.
func readEntry(ctx context.Context, s *openbao.Store, entry string) (openbao.Entry, error) {
	e, err := s.Read(ctx, entry)
	if errors.Is(err, openbao.ErrNotFound) || errors.Is(err, openbao.ErrDeleted) {
		e.Data = openbao.Data{}
		return e, nil
	}
	return e, err
}

// writeStore sets the properties of one entry, under the version that was read
// when the run was planned.
func (r *run) writeStore(ctx context.Context, a plan.WriteStore) (Status, error) {
	s, err := r.store(a.Target, a.At.Mount)
	if err != nil {
		return Failed, err
	}
	before, err := readEntry(ctx, s, a.At.Entry)
	if err != nil {
		return Failed, err
	}
	data := before.Data
	for property, value := range a.Set {
		if data, err = data.With(property, value); err != nil {
			return Failed, fmt.Errorf("property %s: %w", property, err)
		}
	}
	if before.Version > 0 && data.Equal(before.Data) {
		return Unchanged, nil
	}
	if before.Version != a.Version {
		return Failed, fmt.Errorf("%s: %w: version %d was read, and it is %d by now", a.At, openbao.ErrChanged, a.Version, before.Version)
	}
	r.entries[a.ID()] = before
	_, err = s.Write(ctx, a.At.Entry, data, a.Version)
	if errors.Is(err, openbao.ErrUnknown) {
		if now, again := readEntry(ctx, s, a.At.Entry); again == nil && now.Version == a.Version+1 && now.Data.Equal(data) {
			return Done, nil // only the answer was lost
		}
	}
	return Done, err
}

// restoreStore puts an entry back as it was before the run, when it is as the run
// left it.
func (r *run) restoreStore(ctx context.Context, a plan.RestoreStore) (Status, error) {
	s, err := r.store(a.Target, a.Entry.Mount)
	if err != nil {
		return Failed, err
	}
	return persist(ctx, func() (Status, error) { return r.restoreEntry(ctx, s, a) })
}

func (r *run) restoreEntry(ctx context.Context, s *openbao.Store, a plan.RestoreStore) (Status, error) {
	now, err := readEntry(ctx, s, a.Entry.Entry)
	ours := a.Entry.Before + 1
	switch {
	case err != nil:
		return Failed, err
	case now.Version == a.Entry.Before:
		return Unchanged, nil
	case now.Version != ours && !a.Entry.Live:
		return Failed, fmt.Errorf("%w: version %d is there, and the run wrote %d", errTheirs, now.Version, ours)
	case !a.Entry.Live:
		return Done, s.DeleteNew(ctx, a.Entry.Entry, ours)
	}
	before, kept := r.entries[a.Undoes()] // also where the store keeps one version
	if !kept {
		if before, err = s.ReadVersion(ctx, a.Entry.Entry, a.Entry.Before); err != nil {
			return Failed, err
		}
	}
	switch {
	case now.Version == ours:
		_, err = s.Write(ctx, a.Entry.Entry, before.Data, ours)
		return Done, err
	case now.Data.Equal(before.Data):
		return Unchanged, nil // put back already: that is a version of its own
	}
	return Failed, fmt.Errorf("%w: version %d is there, and the run wrote %d", errTheirs, now.Version, ours)
}

func (r *run) addExternalKeys(ctx context.Context, a plan.AddExternalKeys) (Status, error) {
	after, added, err := r.env.Cluster.AddExternalKeys(ctx, a.External, a.Keys)
	if err != nil {
		return Failed, err
	}
	r.external = &after
	if len(added) == 0 {
		r.external = nil // nothing has told External Secrets to sync
		return Unchanged, nil
	}
	return Done, nil
}

func (r *run) createExternal(ctx context.Context, a plan.CreateExternal) (Status, error) {
	made, err := r.env.Cluster.CreateExternalSecret(ctx, a.New)
	if err != nil {
		return Failed, err
	}
	r.external = &made
	return Done, nil
}

func (r *run) removeExternalKeys(ctx context.Context, a plan.RemoveExternalKeys) (Status, error) {
	return persist(ctx, func() (Status, error) {
		es, err := r.env.Cluster.ExternalSecret(ctx, a.Namespace, a.Name)
		if err != nil {
			return Failed, err
		}
		_, err = r.env.Cluster.RemoveExternalKeys(ctx, es, a.Keys)
		return Done, err
	})
}

func (r *run) deleteExternal(ctx context.Context, a plan.DeleteExternal) (Status, error) {
	return persist(ctx, func() (Status, error) {
		es, err := r.env.Cluster.ExternalSecret(ctx, a.Namespace, a.Name)
		if errors.Is(err, k8s.ErrNotFound) {
			return Unchanged, nil
		}
		if err != nil {
			return Failed, err
		}
		return Done, r.env.Cluster.DeleteExternalSecret(ctx, es)
	})
}

// sync waits until the store's values are in the Secret. Undoing asks for two
// syncs: the run that is undone may have asked for one itself, whose answer was
// lost or not waited for. That one began before the store was put back and may be
// the first to end; one that is asked for after a sync has ended is not.
func (r *run) sync(ctx context.Context, a plan.AwaitSync) error {
	if a.Again {
		if err := r.syncOnce(ctx, a); err != nil {
			return err
		}
	}
	return r.syncOnce(ctx, a)
}

func (r *run) syncOnce(ctx context.Context, a plan.AwaitSync) error {
	es := a.External
	switch {
	case !a.Again && r.external != nil:
		es = *r.external
	default:
		whole := context.WithoutCancel(ctx)
		now, err := r.env.Cluster.ExternalSecret(whole, es.Namespace, es.Name)
		if err != nil {
			return err
		}
		at := r.env.Now()
		if !at.After(r.forced) {
			at = r.forced.Add(time.Second) // the same mark would tell External Secrets nothing
		}
		r.forced = at
		if es, err = r.env.Cluster.ForceSync(whole, now, at); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	last := ""
	_, err := r.env.Cluster.AwaitSync(ctx, k8s.SyncWait{External: es, Keys: a.Keys, Progress: func(state k8s.SyncState) {
		text := "waiting for External Secrets"
		switch {
		case state.Failure != "":
			text = state.Failure
		case state.Synced && len(state.Missing) > 0:
			text = fmt.Sprintf("synced, and the Secret lacks %d keys", len(state.Missing))
		case state.Synced:
			text = "synced"
		}
		if text != last {
			last = text
			r.tell(a, Progress, text)
		}
	}})
	return inWords(err, "stopped by you; External Secrets goes on")
}
