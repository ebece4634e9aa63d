package openbao

import (
	"context"
	"errors"
	"net/http"
	"strconv"
)

// Write makes a new version of the entry at path, which holds data and nothing
// else, and returns its number. cas is the version that was read, 0 for an entry
// that must not exist; if the latest version is another one by then, nothing is
// written and the error is ErrChanged. It is sent at most once: see ErrUnknown.
func (s *Store) Write(ctx context.Context, path string, data Data, cas int) (version int, err error) {
	if err := checkPath("path", path); err != nil {
		return 0, err
	}
	if cas < 0 {
		return 0, errors.New("cas: must be 0 or the version that was read")
	}
	if !s.versioned.Load() {
		if _, err := s.Mounted(ctx); err != nil {
			return 0, err
		}
	}
	body := append([]byte(`{"options":{"cas":`+strconv.Itoa(cas)+`},"data":`), data.encode()...)
	right := "update"
	if cas == 0 {
		right = "create"
	}
	c := call{verb: "write", right: right, method: http.MethodPost, path: s.mount + "/data/" + path, body: append(body, '}'), write: true}
	a, err := s.send(ctx, &c)
	if err != nil {
		return 0, err
	}
	if a.status >= 400 {
		return 0, s.refused(ctx, c, a)
	}
	return c.written(a)
}

// written reads the new version from the answer to a write.
func (c call) written(a answer) (int, error) {
	var said struct {
		Version int `json:"version"`
	}
	if err := c.decode(a, &said); err != nil {
		return 0, err
	}
	if said.Version < 1 {
		return 0, c.unreadable(a.status, "the answer names no version")
	}
	return said.Version, nil
}
