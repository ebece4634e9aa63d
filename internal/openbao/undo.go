package openbao

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Undo says whether a write that is yet to come could be undone.
type Undo struct {
	Possible bool
	Unknown  bool      // not Possible only because the token may not read enough
	Version  int       // for Restore, and the cas of the write; 0 if there is no entry
	Live     bool      // the Version has data: Restore undoes. Otherwise DeleteNew does
	Until    time.Time // when the server deletes the Version by itself, zero for never
	Why      string    // why not, or why it cannot be known
}

// Undoable looks whether the store could put the entry at path back after one
// more write. It needs the right to read the entry's metadata and, unless those
// tell enough, the engine's configuration: where they may not be read, it is not
// Possible but Unknown. Only a failed read of the entry itself is an error. Whoever
// still has the earlier Data can write it back without any of this.
func (s *Store) Undoable(ctx context.Context, path string) (Undo, error) {
	e, err := s.Read(ctx, path)
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrDeleted):
		return Undo{Possible: true, Version: e.Version}, nil
	case err != nil:
		return Undo{}, err
	}
	u := Undo{Version: e.Version, Live: true, Until: e.Expires}
	m, err := s.Metadata(ctx, path)
	if err != nil {
		return u.unknown(err), nil
	}
	// Two versions that are there now prove that two are kept.
	if m.MaxVersions >= 2 || len(m.Versions) >= 2 {
		u.Possible = true
		return u, nil
	}
	l, err := s.Limits(ctx)
	switch {
	case err != nil:
		return u.unknown(err), nil
	case m.KeptVersions(l) < 2:
		u.Why = "the store keeps one version: a write destroys the one before"
	default:
		u.Possible = true
	}
	return u, nil
}

func (u Undo) unknown(err error) Undo {
	u.Unknown, u.Why = true, fmt.Sprintf("how many versions the store keeps is not known: %v", err)
	return u
}

// Restore writes the data of an earlier version as a new one and returns its
// number. cas is the version to replace, as for Write. The version that failed
// stays in the history. ErrNotFound and ErrDeleted: the earlier version is gone.
func (s *Store) Restore(ctx context.Context, path string, toVersion, cas int) (version int, err error) {
	e, err := s.ReadVersion(ctx, path, toVersion)
	if err != nil {
		return 0, err
	}
	return s.Write(ctx, path, e.Data, cas)
}

// DeleteNew undoes a write to where there was no live version: it deletes the
// version that the write made, so that readers find nothing again. If that is
// not the latest any more, nothing is deleted and the error is ErrChanged; if it
// is deleted already, that is fine.
//
// The version is only marked: a person can undelete it, and the next Write wants
// it as cas. To delete the metadata instead would leave no trace, but there is no
// check-and-set for it, and it would destroy every version, with what anybody
// wrote in the meantime, for good.
//
// Marking that one version takes the right to update "<mount>/delete/<path>" and
// can hit no other. Where only delete on "<mount>/data/<path>" is given, the
// latest version is marked: a write by somebody else in the moment after the
// look would be marked in its place, and could be undeleted.
func (s *Store) DeleteNew(ctx context.Context, path string, version int) error {
	e, err := s.Read(ctx, path)
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrDeleted) && e.Version == version:
		return nil
	case err != nil && !errors.Is(err, ErrDeleted):
		return err
	}
	one := call{
		verb: "delete", right: "update", method: http.MethodPost, path: s.mount + "/delete/" + path,
		body: fmt.Appendf(nil, `{"versions":[%d]}`, version), write: true,
	}
	if e.Version != version {
		return one.error(0, ErrChanged, fmt.Sprintf("version %d is there by now, not %d", e.Version, version))
	}
	err = s.delete(ctx, one)
	if errors.Is(err, ErrForbidden) {
		return s.delete(ctx, call{verb: "delete", right: "delete", method: http.MethodDelete, path: s.mount + "/data/" + path, write: true})
	}
	return err
}

func (s *Store) delete(ctx context.Context, c call) error {
	a, err := s.send(ctx, &c)
	switch {
	case err != nil:
		return err
	case a.status >= 400:
		return c.refusal(a)
	}
	return nil
}
