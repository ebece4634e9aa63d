package openbao

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// Metadata is what the engine knows of an entry beside its versions' data.
type Metadata struct {
	CurrentVersion     int           // 0 when there is metadata and no version yet
	OldestVersion      int           // the oldest that is kept, 0 until one had to go
	MaxVersions        int           // of this entry, 0 for the engine's; the larger of the two counts
	CASRequired        bool          // every write has to be a check-and-set
	DeleteVersionAfter time.Duration // of this entry, 0 for the engine's
	Created, Updated   time.Time
	Custom             map[string]string
	Versions           map[int]Version // those that are kept
}

// Version is one version of an entry, without its data.
type Version struct {
	Created   time.Time
	Deleted   time.Time // zero for not deleted; a time to come is when the server will delete it
	Destroyed bool
}

// Metadata reads it, which takes the right to read "<mount>/metadata/<path>".
func (s *Store) Metadata(ctx context.Context, path string) (Metadata, error) {
	if err := checkPath("path", path); err != nil {
		return Metadata{}, err
	}
	c := call{verb: "read", right: "read", method: http.MethodGet, path: s.mount + "/metadata/" + path}
	a, err := s.send(ctx, &c)
	if err != nil {
		return Metadata{}, err
	}
	if a.status != http.StatusOK {
		return Metadata{}, s.refused(ctx, c, a)
	}
	var said struct {
		CurrentVersion *int              `json:"current_version"`
		OldestVersion  int               `json:"oldest_version"`
		MaxVersions    int               `json:"max_versions"`
		CASRequired    bool              `json:"cas_required"`
		DeleteAfter    duration          `json:"delete_version_after"`
		Created        stamp             `json:"created_time"`
		Updated        stamp             `json:"updated_time"`
		Custom         map[string]string `json:"custom_metadata"`
		Versions       map[string]struct {
			Created   stamp `json:"created_time"`
			Deleted   stamp `json:"deletion_time"`
			Destroyed bool  `json:"destroyed"`
		} `json:"versions"`
	}
	if err := c.decode(a, &said); err != nil {
		return Metadata{}, err
	}
	if said.CurrentVersion == nil {
		return Metadata{}, c.unreadable(a.status, "the answer is not the metadata of a key-value engine of version 2")
	}
	s.versioned.Store(true)
	m := Metadata{
		CurrentVersion: *said.CurrentVersion, OldestVersion: said.OldestVersion, MaxVersions: said.MaxVersions,
		CASRequired: said.CASRequired, DeleteVersionAfter: time.Duration(said.DeleteAfter),
		Created: time.Time(said.Created), Updated: time.Time(said.Updated), Custom: said.Custom,
		Versions: make(map[int]Version, len(said.Versions)),
	}
	for number, v := range said.Versions {
		if n, err := strconv.Atoi(number); err == nil {
			m.Versions[n] = Version{Created: time.Time(v.Created), Deleted: time.Time(v.Deleted), Destroyed: v.Destroyed}
		}
	}
	return m, nil
}

// defaultVersions is how many versions the engine keeps when neither it nor the
// entry says.
const defaultVersions = 10

// KeptVersions returns how many versions of the entry the engine keeps. The
// documentation lets the entry's own number win; the code of OpenBao and Vault
// takes the larger one.
func (m Metadata) KeptVersions(l Limits) int {
	if kept := max(m.MaxVersions, l.MaxVersions); kept > 0 {
		return kept
	}
	return defaultVersions
}
