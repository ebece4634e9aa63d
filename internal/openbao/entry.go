package openbao

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Entry is one version of an entry.
type Entry struct {
	Data    Data
	Version int       // from 1; what Write wants as cas
	Created time.Time // by the server's clock
	// Expires is when the server will delete the version by itself, zero for
	// never. With ErrDeleted it is when it was deleted, zero for destroyed.
	Expires time.Time
	Custom  map[string]string // metadata that people keep beside the versions
}

// Read returns the latest version of the entry at path. With ErrDeleted the
// Entry has its Version and no Data: a Write there wants that version as cas.
// With ErrNotFound there is no version at all, and Write wants 0.
func (s *Store) Read(ctx context.Context, path string) (Entry, error) {
	return s.read(ctx, path, nil)
}

// ReadVersion returns one version, from 1 on. ErrNotFound: there is none, or the
// engine does not keep it any more.
func (s *Store) ReadVersion(ctx context.Context, path string, version int) (Entry, error) {
	if version < 1 { // the server would take 0 for the latest
		return Entry{}, errors.New("version: must be 1 or more")
	}
	return s.read(ctx, path, url.Values{"version": {strconv.Itoa(version)}})
}

func (s *Store) read(ctx context.Context, path string, query url.Values) (Entry, error) {
	if err := checkPath("path", path); err != nil {
		return Entry{}, err
	}
	c := call{verb: "read", right: "read", method: http.MethodGet, path: s.mount + "/data/" + path, query: query}
	a, err := s.send(ctx, &c)
	if err != nil {
		return Entry{}, err
	}
	if a.status == http.StatusNotFound {
		if e, err := parseEntry(a.body); err == nil {
			s.versioned.Store(true)
			return e, c.error(a.status, ErrDeleted, "")
		}
	}
	if a.status != http.StatusOK {
		return Entry{}, s.refused(ctx, c, a)
	}
	e, err := parseEntry(a.body)
	if err != nil {
		// Version 1 of the engine answers with whatever lies at "data/…".
		if _, wrong := s.Mounted(ctx); errors.Is(wrong, ErrWrongMount) {
			return Entry{}, wrong
		}
		return Entry{}, c.unreadable(a.status, "the answer is not an entry of a key-value engine")
	}
	s.versioned.Store(true)
	return e, nil
}

// refused is refusal for a path below the mount. A missing entry and a missing
// right look the same when the mount is the wrong one, so the mount is looked at
// unless it is known.
func (s *Store) refused(ctx context.Context, c call, a answer) error {
	e := c.refusal(a)
	if s.versioned.Load() || (a.status != http.StatusNotFound && !errors.Is(e, ErrForbidden)) {
		return e
	}
	_, err := s.Mounted(ctx)
	switch {
	case errors.Is(err, ErrWrongMount), err != nil && errors.Is(e, ErrNotFound):
		return err
	case errors.Is(err, ErrForbidden):
		e.Detail += orNoMount
	}
	return e
}

var errNotEntry = errors.New("not an entry")

// parseEntry reads the answer to a read, with status 200 or, for a version that
// is deleted, 404. The error holds nothing of it.
func parseEntry(body []byte) (Entry, error) {
	var said struct {
		Data struct {
			Data     json.RawMessage `json:"data"`
			Metadata struct {
				Version  int               `json:"version"`
				Created  stamp             `json:"created_time"`
				Deletion stamp             `json:"deletion_time"`
				Custom   map[string]string `json:"custom_metadata"`
			} `json:"metadata"`
		} `json:"data"`
	}
	if json.Unmarshal(body, &said) != nil || said.Data.Metadata.Version < 1 || len(said.Data.Data) == 0 {
		return Entry{}, errNotEntry
	}
	data, err := parseData(said.Data.Data)
	if err != nil {
		return Entry{}, errNotEntry
	}
	m := said.Data.Metadata
	return Entry{Data: data, Version: m.Version, Created: time.Time(m.Created), Expires: time.Time(m.Deletion), Custom: m.Custom}, nil
}

// stamp is a time of the API: RFC 3339, or "" for none.
type stamp time.Time

// UnmarshalJSON takes "" for no time.
func (s *stamp) UnmarshalJSON(data []byte) error {
	if string(data) == `""` {
		*s = stamp{}
		return nil
	}
	var t time.Time
	if err := t.UnmarshalJSON(data); err != nil {
		return errNotEntry // time's own error repeats the input
	}
	*s = stamp(t)
	return nil
}
