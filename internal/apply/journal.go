package apply

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/openchoreo/backstage-setup/internal/file"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
)

// managedBy is on the Secrets that are this program's own.
var managedBy = map[string]string{"app.kubernetes.io/managed-by": k8s.FieldManager}

// keep writes the journal and what undo takes.
func (r *run) keep(ctx context.Context, a plan.KeepPrevious) (Status, error) {
	j := a.Journal
	if j.Started.IsZero() {
		j.Started = r.env.Now()
	}
	if j.Followed {
		j.Resumed = r.env.Now() // a write that changes nothing would not take it over from a run that goes on still
	}
	if j.Database != nil && r.before != nil && r.before.err == nil {
		j.Database = &plan.JournalDatabase{Known: true, Names: r.before.names}
	}
	text, err := j.Encode()
	if err != nil {
		return Failed, err
	}
	if a.Local {
		return Done, r.keepLocal(text)
	}
	change := k8s.SecretChange{
		Namespace: j.Namespace, Name: plan.PreviousName(j.Secret), Set: j.Old, ResourceVersion: j.ResourceVersion,
		Labels: managedBy, Annotations: map[string]string{plan.JournalAnnotation: text},
	}
	s, unsure, err := r.record(ctx, change, j.UID == "")
	r.kept = s
	if unsure {
		r.unsure = fmt.Sprintf("Secret %s/%s may have been written; it keeps the old values", change.Namespace, change.Name)
	}
	return Done, err
}

// record writes the Secret with the journal. unsure tells that the error leaves
// open whether it was written.
func (r *run) record(ctx context.Context, change k8s.SecretChange, create bool) (s *k8s.Secret, unsure bool, err error) {
	write := r.env.Cluster.PatchSecret
	if create {
		write = r.env.Cluster.CreateSecret
	}
	s, err = write(ctx, change)
	if err == nil {
		return s, false, nil
	}
	if refused(err) && !errors.Is(err, k8s.ErrChanged) {
		return nil, false, err
	}
	// Only the answer may have been lost, or what was sent was sent once more.
	s, unknown := r.look(ctx, change.Namespace, change.Name, err)
	if unknown == nil && s != nil && s.Annotations[plan.JournalAnnotation] == change.Annotations[plan.JournalAnnotation] {
		return s, false, nil
	}
	return nil, unknown != nil && !refused(err), err
}

// markKept notes in the journal, as this run wrote it or found it, that the run
// has ended.
func (r *run) markKept(ctx context.Context, a plan.MarkKept) error {
	j := a.Journal
	if r.kept != nil {
		written, err := plan.FoundJournal(r.kept)
		if err != nil {
			return err
		}
		j = *written
	}
	j.Kept = true
	text, err := j.Encode()
	if err != nil {
		return err
	}
	_, _, err = r.record(ctx, k8s.SecretChange{Namespace: j.Namespace, Name: plan.PreviousName(j.Secret), ResourceVersion: j.ResourceVersion,
		Annotations: map[string]string{plan.JournalAnnotation: text}}, false)
	return err
}

func (r *run) keepLocal(text string) error {
	if r.env.Journal == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(r.env.Journal), 0o700); err != nil {
		return err
	}
	snapshot, err := r.read(r.env.Journal)
	if err != nil {
		return err
	}
	err = snapshot.Replace([]byte(text), file.Options{Mode: 0o600})
	if now, unknown := r.read(r.env.Journal); unknown != nil || now.Sum() == file.Sum([]byte(text)) {
		r.keptHere = true // an error may also tell of what came after the writing
	}
	return err
}

// keeps tells whether a journal is there that this run has written.
func (r *run) keeps() bool { return r.kept != nil || r.keptHere || r.unsure != "" }

// stands tells whether the journal in the cluster is as this run has written it,
// or found it, which gives the right to undo. Another run that goes on with it has
// written it anew, and may have ended since. It is so where there is none.
func (r *run) stands(ctx context.Context) (bool, error) {
	j := r.held
	if r.kept != nil {
		j.UID, j.ResourceVersion = r.kept.UID, r.kept.ResourceVersion
	}
	if j.UID == "" {
		return true, nil
	}
	s, err := r.env.Cluster.Secret(ctx, j.Namespace, plan.PreviousName(j.Secret))
	if errors.Is(err, k8s.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return s.UID == j.UID && s.ResourceVersion == j.ResourceVersion, nil
}

// drop takes the journal away, and then the old bytes that were kept beside
// files: the journal is of no use without them.
func (r *run) drop(ctx context.Context, j plan.Journal, local bool) error {
	if err := r.dropJournal(ctx, j, local); err != nil {
		for _, f := range j.Files {
			if f.Kept != "" && !f.Backup {
				err = fmt.Errorf("%w\n%s stays with it", err, f.Kept)
			}
		}
		return err
	}
	r.kept, r.keptHere, r.earlier = nil, false, false
	var left []error
	for _, f := range j.Files {
		if err := r.dropKept(f); err != nil {
			left = append(left, fmt.Errorf("%w\ndelete %s", err, f.Kept))
		}
	}
	return errors.Join(left...)
}

func (r *run) dropJournal(ctx context.Context, j plan.Journal, local bool) error {
	if local && r.env.Journal != "" {
		snapshot, err := r.read(r.env.Journal)
		if err != nil {
			return err
		}
		return snapshot.Remove()
	}
	uid, version := j.UID, j.ResourceVersion
	if r.kept != nil {
		uid, version = r.kept.UID, r.kept.ResourceVersion
	}
	if uid == "" {
		return nil // nothing was kept
	}
	return r.dropSecret(ctx, j.Namespace, plan.PreviousName(j.Secret), uid, version)
}

// dropSecret deletes the Secret with the journal. Once more where the answer was
// lost: there is nothing to be deleted then.
func (r *run) dropSecret(ctx context.Context, namespace, name, uid, version string) error {
	var err error
	for attempt := range rereads {
		if attempt > 0 {
			if err := pause(ctx, rereadAfter); err != nil {
				return err
			}
		}
		err = r.env.Cluster.DeleteSecret(ctx, namespace, name, uid, version)
		if errors.Is(err, k8s.ErrNotFound) {
			return nil
		}
		if err == nil || refused(err) {
			break
		}
	}
	if err != nil && !errors.Is(err, k8s.ErrChanged) { // which another run goes on with
		return fmt.Errorf("%w\nrun: kubectl delete secret %s -n %s", err, plan.Quote(name), plan.Quote(namespace))
	}
	return err
}

func (r *run) dropKept(f plan.JournalFile) error {
	if f.Kept == "" || f.Backup {
		return nil
	}
	kept, err := r.read(f.Kept)
	if err != nil {
		return err
	}
	if !kept.Exists || kept.Sum() != f.Before {
		return nil // not there, or somebody else's
	}
	return kept.Remove()
}

// restoreFile puts the old bytes of a file back.
func (r *run) restoreFile(f plan.JournalFile) (Status, error) {
	if f.Bytes != nil || f.Snapshot.Path != "" {
		if now, err := r.read(f.Snapshot.Path); err == nil && now.Sum() == f.Before {
			return Unchanged, nil
		}
		return Done, f.Snapshot.Restore(f.Bytes)
	}
	now, err := r.read(f.Path)
	switch {
	case err != nil:
		return Failed, err
	case now.Sum() == f.Before:
		return Unchanged, nil
	case !f.Wrote(now.Sum()):
		return Failed, fmt.Errorf("%w: it is not what the run wrote", file.ErrChanged)
	case f.Before == "":
		return Done, now.Remove()
	}
	kept, err := r.read(f.Kept)
	if err != nil {
		return Failed, err
	}
	if kept.Sum() != f.Before {
		return Failed, fmt.Errorf("%q does not hold the old bytes any more", f.Kept)
	}
	return Done, now.Replace(kept.Bytes, file.Options{})
}

func (r *run) read(path string) (file.Snapshot, error) {
	if r.env.Read != nil {
		return r.env.Read(path)
	}
	return file.Read(path)
}
