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
	if j.UID == "" {
		r.kept, err = r.env.Cluster.CreateSecret(ctx, change)
	} else {
		r.kept, err = r.env.Cluster.PatchSecret(ctx, change)
	}
	if err != nil && !refused(err) {
		if s, again := r.env.Cluster.Secret(ctx, change.Namespace, change.Name); again == nil && s.Annotations[plan.JournalAnnotation] == text {
			r.kept, err = s, nil // only the answer was lost
		}
	}
	return Done, err
}

func (r *run) keepLocal(text string) error {
	if r.env.Journal == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(r.env.Journal), 0o700); err != nil {
		return err
	}
	snapshot, err := file.Read(r.env.Journal)
	if err != nil {
		return err
	}
	return snapshot.Replace([]byte(text), file.Options{Mode: 0o600})
}

// drop takes the journal away, and the old bytes that were kept beside files.
func (r *run) drop(ctx context.Context, j plan.Journal) error {
	for _, f := range j.Files {
		if err := dropKept(f); err != nil {
			return err
		}
	}
	if r.env.Journal != "" {
		if snapshot, err := file.Read(r.env.Journal); err == nil && snapshot.Exists {
			if err := snapshot.Remove(); err != nil {
				return err
			}
		}
	}
	uid, version := j.UID, j.ResourceVersion
	if r.kept != nil {
		uid, version = r.kept.UID, r.kept.ResourceVersion
	}
	if uid == "" {
		return nil // nothing was kept in a cluster
	}
	name := plan.PreviousName(j.Secret)
	err := r.env.Cluster.DeleteSecret(ctx, j.Namespace, name, uid, version)
	if errors.Is(err, k8s.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w\nrun: kubectl delete secret %s -n %s", err, plan.Quote(name), plan.Quote(j.Namespace))
	}
	r.kept = nil
	return nil
}

func dropKept(f plan.JournalFile) error {
	if f.Kept == "" || f.Backup {
		return nil
	}
	kept, err := file.Read(f.Kept)
	if err != nil || !kept.Exists || kept.Sum() != f.Before {
		return nil // not there, or somebody else's
	}
	return kept.Remove()
}

// restoreFile puts the old bytes of a file back.
func restoreFile(f plan.JournalFile) (Status, error) {
	if f.Bytes != nil || f.Snapshot.Path != "" {
		if now, err := file.Read(f.Snapshot.Path); err == nil && now.Sum() == f.Before {
			return Unchanged, nil
		}
		return Done, f.Snapshot.Restore(f.Bytes)
	}
	now, err := file.Read(f.Path)
	switch {
	case err != nil:
		return Failed, err
	case now.Sum() == f.Before:
		return Unchanged, nil
	case now.Sum() != f.After:
		return Failed, fmt.Errorf("%w: it is not what the run wrote", file.ErrChanged)
	case f.Before == "":
		return Done, now.Remove()
	}
	kept, err := file.Read(f.Kept)
	if err != nil {
		return Failed, err
	}
	if kept.Sum() != f.Before {
		return Failed, fmt.Errorf("%q does not hold the old bytes any more", f.Kept)
	}
	return Done, now.Replace(kept.Bytes, file.Options{})
}
