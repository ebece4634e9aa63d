package apply

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
)

// How often something is read again whose outcome is not known, and the pause
// before each time.
const (
	rereads     = 4
	rereadAfter = 500 * time.Millisecond
)

// secret writes the portal's Secret. A write whose answer was lost is looked for,
// and one that comes too late too: it may be the same one, sent twice on the way.
func (r *run) secret(ctx context.Context, a plan.WriteSecret) (Status, error) {
	write := r.env.Cluster.PatchSecret
	if a.Create {
		write = r.env.Cluster.CreateSecret
	}
	if a.History != nil {
		text := k8s.WithHistory(a.History, r.env.Now(), slices.Collect(maps.Keys(a.Change.Set))...)
		a.Change.Annotations = map[string]string{k8s.HistoryAnnotation: text}
	}
	written, err := write(ctx, a.Change)
	switch {
	case err == nil && !a.Create && written.ResourceVersion == a.Change.ResourceVersion:
		return Unchanged, nil // the API server writes nothing where nothing differs
	case err == nil || refused(err) && !errors.Is(err, k8s.ErrChanged):
		return Done, err
	}
	if s, unknown := r.look(ctx, a.Change.Namespace, a.Change.Name, err); unknown == nil && s != nil && wrote(s, a.Change.Set) {
		return Done, nil
	}
	return Done, err
}

// look reads a Secret after a write that failed with lost. Where its outcome is
// not known the write gets time to arrive. It returns nil when there is no such
// Secret, and an error when that cannot be found out.
func (r *run) look(ctx context.Context, namespace, name string, lost error) (s *k8s.Secret, err error) {
	for attempt := range rereads {
		if attempt > 0 || !refused(lost) {
			if err := pause(ctx, rereadAfter); err != nil {
				return nil, err
			}
		}
		s, err = r.env.Cluster.Secret(ctx, namespace, name)
		if err == nil {
			return s, nil
		}
		if errors.Is(err, k8s.ErrNotFound) {
			return nil, nil
		}
	}
	return nil, err
}

// wrote tells whether s holds what this program wrote.
func wrote(s *k8s.Secret, written map[string]secret.Text) bool {
	for key := range written {
		if s.Holders[key] != k8s.FieldManager {
			return false
		}
	}
	return holds(s, written)
}

func holds(s *k8s.Secret, want map[string]secret.Text) bool {
	for key, value := range want {
		if now, there := s.Values[key]; !there || !now.Equal(value) {
			return false
		}
	}
	return true
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// restoreSecret gives the keys their old values. It reads the Secret, so that a
// key that somebody else has written meanwhile stays theirs, and writes under the
// version that it read, if the journal still is this run's then: another run that
// has written since has taken the journal over before.
func (r *run) restoreSecret(ctx context.Context, a plan.RestoreSecret) (Status, error) {
	return persist(ctx, func() (Status, error) { return r.restoreOnce(ctx, a) })
}

// persist repeats what puts something back, and finds that it is done when only
// the answer was lost, until that is of no use.
func persist(ctx context.Context, once func() (Status, error)) (Status, error) {
	var err error
	for attempt := range rereads {
		if attempt > 0 {
			if err := pause(ctx, rereadAfter); err != nil {
				return Failed, err
			}
		}
		var status Status
		status, err = once()
		if err == nil && attempt > 0 {
			status = Done // by an attempt whose answer was lost
		}
		if err == nil || errors.Is(err, errTheirs) || refused(err) && !changed(err) {
			return status, err
		}
	}
	return Failed, err
}

// errTheirs is something that somebody else has written since; errTheirKeys, keys
// of the Secret.
var (
	errTheirs    = errors.New("written by somebody else meanwhile, and left to them")
	errTheirKeys = fmt.Errorf("%w", errTheirs)
)

func (r *run) restoreOnce(ctx context.Context, a plan.RestoreSecret) (Status, error) {
	s, err := r.env.Cluster.Secret(ctx, a.Namespace, a.Name)
	if errors.Is(err, k8s.ErrNotFound) {
		if a.Created {
			return Unchanged, nil
		}
		return Failed, fmt.Errorf("%w: there is no such Secret any more", errTheirs)
	}
	if err != nil {
		return Failed, err
	}
	switch stands, err := r.stands(ctx); {
	case err != nil:
		return Failed, err
	case !stands:
		return Failed, fmt.Errorf("%w: another run of this program has gone on with it", errTheirs)
	}
	if a.Created && holdsOnly(s, a.New) {
		return Done, r.env.Cluster.DeleteSecret(ctx, a.Namespace, a.Name, s.UID, s.ResourceVersion)
	}
	change := k8s.SecretChange{Namespace: a.Namespace, Name: a.Name, ResourceVersion: s.ResourceVersion, Set: map[string]secret.Text{}}
	var theirs []string
	for _, key := range slices.Sorted(maps.Keys(a.Old)) {
		now, there := s.Values[key]
		switch {
		case there && now.Equal(a.Old[key]):
		case ours(s, key, a):
			change.Set[key] = a.Old[key]
		default:
			theirs = append(theirs, key)
		}
	}
	for _, key := range a.Added {
		switch _, there := s.Values[key]; {
		case !there:
		case ours(s, key, a):
			change.Remove = append(change.Remove, key)
		default:
			theirs = append(theirs, key)
		}
	}
	status := Unchanged
	if len(change.Set)+len(change.Remove) > 0 {
		if s.Annotations[k8s.HistoryAnnotation] != "" {
			text := k8s.WithHistory(s.Annotations, r.env.Now(), slices.Collect(maps.Keys(change.Set))...)
			change.Annotations = map[string]string{k8s.HistoryAnnotation: text}
		}
		if _, err := r.env.Cluster.PatchSecret(ctx, change); err != nil {
			return Failed, err
		}
		status = Done
	}
	if len(theirs) > 0 {
		return status, fmt.Errorf("%s: %w", strings.Join(theirs, ", "), errTheirKeys)
	}
	return status, nil
}

// holdsOnly tells whether s is as the run created it.
func holdsOnly(s *k8s.Secret, written map[string]secret.Text) bool {
	return written != nil && len(s.Keys) == len(written) && holds(s, written)
}

// ours tells whether the key holds what the run wrote: the value itself, or,
// where that is not known any more, the API server's record of who wrote it last.
func ours(s *k8s.Secret, key string, a plan.RestoreSecret) bool {
	if value, ok := a.New[key]; ok && s.Values[key].Equal(value) {
		return true
	}
	return (a.New == nil || slices.Contains(a.Earlier, key)) && s.Holders[key] == k8s.FieldManager
}
