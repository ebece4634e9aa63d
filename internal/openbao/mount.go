package openbao

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Mount is the engine at the Store's mount.
type Mount struct {
	Path    string // with a slash at its end, as the server has it
	Type    string // "kv"; "" where it may not be asked for
	Version int    // of the key-value engine: 2
}

// Mounted looks at what is mounted. The error is ErrWrongMount if it is not a
// key-value engine of version 2, and ErrForbidden if the server does not tell
// whether there is nothing or the token has no right to anything on it: a token
// that may do nothing there cannot find out which mounts there are.
//
// A write to version 1 by the rules of version 2 would succeed and leave a
// wrong entry below "data/", so every Write makes sure of the version first.
func (s *Store) Mounted(ctx context.Context) (Mount, error) {
	// This page exists for clients that have to know the version. It needs no
	// right but some right on the mount. It is not documented as stable, so a
	// proxy may not let it through.
	c := call{verb: "read", right: "read", method: http.MethodGet, path: "sys/internal/ui/mounts/" + s.mount}
	a, err := s.send(ctx, &c)
	if err != nil {
		return Mount{}, err
	}
	if a.status != http.StatusOK {
		return s.mountedByConfig(ctx, c.refusal(a))
	}
	var said struct {
		Path    string         `json:"path"`
		Type    string         `json:"type"`
		Options map[string]any `json:"options"`
	}
	if err := c.decode(a, &said); err != nil {
		return Mount{}, err
	}
	m := Mount{Path: said.Path, Type: said.Type, Version: 1}
	if fmt.Sprint(said.Options["version"]) == "2" {
		m.Version = 2
	}
	wrong := func(format string, args ...any) (Mount, error) {
		e := c.error(a.status, ErrWrongMount, fmt.Sprintf(format, args...))
		e.Path = s.mount
		return m, e
	}
	switch {
	case m.Path == "" || m.Type == "":
		return Mount{}, c.unreadable(a.status, "the answer does not describe a mount")
	case m.Path != s.mount+"/":
		return wrong("the mount is %q; the rest belongs to the path of an entry", m.Path)
	case m.Type != "kv" && m.Type != "generic": // its name until Vault 0.8
		return wrong("it is an engine of type %q", m.Type)
	case m.Version != 2:
		return wrong("it is a key-value engine of version 1, which keeps no versions")
	}
	s.versioned.Store(true)
	return m, nil
}

const orNoMount = ", or nothing is mounted there: the server does not tell which"

// mountedByConfig finds out by the engine's own configuration, which only
// version 2 has. It fails with why unless it learns more.
func (s *Store) mountedByConfig(ctx context.Context, why *Error) (Mount, error) {
	if why.Status < 400 || why.Status >= 500 || errors.Is(why, ErrWrongMount) {
		return Mount{}, why
	}
	_, err := s.Limits(ctx)
	switch {
	case err == nil:
		return Mount{Path: s.mount + "/", Version: 2}, nil
	case errors.Is(err, ErrWrongMount):
		return Mount{}, err
	case errors.Is(why, ErrForbidden) && errors.Is(err, ErrForbidden):
		why.Detail += orNoMount
	}
	return Mount{}, why
}

// Limits are the settings of the whole engine.
type Limits struct {
	MaxVersions        int           // of each entry, 0 for the server's own 10
	CASRequired        bool          // every write has to be a check-and-set
	DeleteVersionAfter time.Duration // 0 for never
}

// Limits reads the engine's settings, which takes the right to read
// "<mount>/config".
func (s *Store) Limits(ctx context.Context) (Limits, error) {
	c := call{verb: "read", right: "read", method: http.MethodGet, path: s.mount + "/config"}
	a, err := s.send(ctx, &c)
	if err != nil {
		return Limits{}, err
	}
	if a.status != http.StatusOK {
		return Limits{}, c.refusal(a)
	}
	var said struct {
		MaxVersions *int     `json:"max_versions"`
		CASRequired bool     `json:"cas_required"`
		DeleteAfter duration `json:"delete_version_after"`
	}
	if err := c.decode(a, &said); err != nil {
		return Limits{}, err
	}
	if said.MaxVersions == nil { // version 1 has an entry of this name there
		return Limits{}, c.unreadable(a.status, "the answer is not the configuration of a key-value engine of version 2")
	}
	s.versioned.Store(true)
	return Limits{MaxVersions: *said.MaxVersions, CASRequired: said.CASRequired, DeleteVersionAfter: max(0, time.Duration(said.DeleteAfter))}, nil
}

// duration is a duration of the API, such as "3h25m19s", "" for none.
type duration time.Duration

// UnmarshalText takes "" for no duration.
func (d *duration) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = 0
		return nil
	}
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return errors.New("not a duration") // time's own error repeats the input
	}
	*d = duration(parsed)
	return nil
}
