package openbao

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode"
)

// Health is the state of the server.
type Health struct {
	Initialized bool
	Sealed      bool
	Standby     bool   // another node of the cluster is the active one
	Version     string // such as "2.4.1"; OpenBao and Vault do not say which of them they are
	Cluster     string // its name, "" while sealed
	Seal        string // how it is unsealed: "shamir", or the service that does it; "" for not known
	Threshold   int    // of Shares: how many key shares unseal it
	Shares      int
	Storage     string // such as "raft", "file", "inmem"; "" for not known
}

// InMemory says whether the server forgets everything when it stops. It is false
// where the kind of storage is not known.
//
// The API does not tell whether the server runs in dev mode. That would be
// in-memory storage with one key share, but a configured server may look the same,
// and what dev mode does beyond that (a root token that is known, the mount
// "secret") does not show without a token. That it forgets is what matters here.
func (h Health) InMemory() bool { return strings.HasPrefix(h.Storage, "inmem") }

// Health asks the server for its state, which takes no token. A server that is
// sealed, standby or not initialized is no error. What /sys/seal-status adds is
// left out where that does not answer.
func (s *Store) Health(ctx context.Context) (Health, error) {
	// Both pages are the server's, and refused within a namespace.
	c := call{verb: "read", method: http.MethodGet, path: "sys/health", root: true}
	a, err := s.send(ctx, &c)
	if err != nil {
		return Health{}, err
	}
	// The status tells the state too: 200, 429 standby, 472 and 473 replicas, 501
	// not initialized, 503 sealed. The body is the same for all.
	h, err := parseHealth(a.body)
	if err != nil && a.status >= 400 {
		return Health{}, c.refusal(a)
	}
	if err != nil {
		return Health{}, c.unreadable(a.status, "the answer is not of OpenBao or Vault: something else may listen there")
	}
	c = call{verb: "read", method: http.MethodGet, path: "sys/seal-status", root: true}
	a, err = s.send(ctx, &c)
	switch {
	case err != nil && ctx.Err() != nil:
		return Health{}, err
	case err == nil && a.status == http.StatusOK:
		h.addSeal(a.body)
	}
	return h, nil
}

var errNotHealth = errors.New("not a server's state")

// parseHealth reads the answer of /sys/health. The error holds nothing of it.
func parseHealth(body []byte) (Health, error) {
	var said struct {
		Initialized *bool  `json:"initialized"`
		Sealed      *bool  `json:"sealed"`
		Standby     bool   `json:"standby"`
		Version     string `json:"version"`
		Cluster     string `json:"cluster_name"`
	}
	if json.Unmarshal(body, &said) != nil || said.Initialized == nil || said.Sealed == nil {
		return Health{}, errNotHealth
	}
	return Health{Initialized: *said.Initialized, Sealed: *said.Sealed, Standby: said.Standby, Version: printable(said.Version), Cluster: printable(said.Cluster)}, nil
}

func (h *Health) addSeal(body []byte) {
	var said struct {
		Type    string `json:"type"`
		T       int    `json:"t"`
		N       int    `json:"n"`
		Storage string `json:"storage_type"`
	}
	if json.Unmarshal(body, &said) == nil {
		h.Seal, h.Threshold, h.Shares, h.Storage = printable(said.Type), said.T, said.N, printable(said.Storage)
	}
}

// printable returns s, or "" if it would do something to a terminal.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	return s
}
