// Package baotest is a server for tests that speaks the HTTP API of OpenBao and
// Vault as far as a client of a key-value engine sees it: entries of version 1
// and 2, tokens with policies, sealing, standby. Its answers, status codes and
// words are those of OpenBao 2.6. It must not know the client.
package baotest

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	pathpkg "path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
)

// maxBody is what the real server takes, in bytes.
const maxBody = 32 << 20

// RootToken may do everything, as in the dev mode of OpenChoreo's own set-up.
const RootToken = "root"

// Server is a running server. It starts as a dev server does: unsealed, with a
// key-value engine of version 2 at "secret".
type Server struct {
	// URL is the address, on loopback.
	URL string

	http     *httptest.Server
	mu       sync.Mutex
	mounts   map[string]*engine // by namespace and path, with a slash at the end
	tokens   map[string]policy
	sealed   bool
	fresh    bool   // not initialized
	active   string // address of the active node if this one is standby
	storage  string
	requests []Request
	fault    func(*http.Request) Fault
}

// Start runs a server that speaks plain HTTP until the test ends.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s := newServer()
	s.http = httptest.NewServer(s)
	return s.run(tb)
}

// StartTLS runs a server with a certificate that Client trusts.
func StartTLS(tb testing.TB) *Server {
	tb.Helper()
	s := newServer()
	s.http = httptest.NewUnstartedServer(s)
	s.http.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that do not trust it
	s.http.StartTLS()
	return s.run(tb)
}

func newServer() *Server {
	s := &Server{
		mounts:  map[string]*engine{},
		tokens:  map[string]policy{RootToken: {root: true}},
		storage: "inmem",
	}
	s.Mount("secret", 2)
	return s
}

func (s *Server) run(tb testing.TB) *Server {
	s.URL = s.http.URL
	tb.Cleanup(func() {
		s.http.CloseClientConnections() // of a test that failed, waiting
		s.http.Close()
	})
	return s
}

// Client returns an HTTP client that trusts the server's certificate.
func (s *Server) Client() *http.Client { return s.http.Client() }

// Stop closes the server: connections are refused from then on.
func (s *Server) Stop() { s.http.Close() }

// Seal seals the server.
func (s *Server) Seal() { s.set(func() { s.sealed = true }) }

// Unseal undoes Seal.
func (s *Server) Unseal() { s.set(func() { s.sealed = false }) }

// Uninitialize makes it a server that was never initialized, which is sealed too.
func (s *Server) Uninitialize() { s.set(func() { s.fresh, s.sealed = true, true }) }

// Standby makes it a standby node that points to the active one at an address;
// "" makes it the active one again.
func (s *Server) Standby(active string) { s.set(func() { s.active = active }) }

// Storage changes what the server says about where it stores, "inmem" at first.
func (s *Server) Storage(kind string) { s.set(func() { s.storage = kind }) }

// Restart empties every entry, as the restart of a server in dev mode does.
func (s *Server) Restart() {
	s.set(func() {
		for _, m := range s.mounts {
			m.entries, m.plain = map[string]*entry{}, map[string]json.RawMessage{}
		}
	})
}

func (s *Server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// Token makes a token with a policy: patterns of paths, as in a policy's file,
// with the capabilities for each. A pattern may end with "*" and hold "+" for
// one segment. What the policy "default" allows, it may too.
func (s *Server) Token(rules map[string][]string) string {
	token := "s." + rand.Text()
	s.set(func() { s.tokens[token] = newPolicy(rules) })
	return token
}

// Revoke makes the server forget a token.
func (s *Server) Revoke(token string) { s.set(func() { delete(s.tokens, token) }) }

// Request is one that the server got.
type Request struct {
	Method  string
	Path    string   // decoded, with /v1/
	Query   string   // as sent
	Headers []string // names, sorted
}

// Requests returns all that came, in order, those too that a fault hit.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Fault is what goes wrong with a request. The zero Fault is nothing.
type Fault struct {
	Wait       <-chan struct{} // go on only when it is closed, or the client has left
	DropBefore bool            // close the connection, do nothing
	DropAfter  bool            // do it, then close the connection without an answer
	Status     int             // answer this instead, and Body, and do nothing
	AfterDoing bool            // answer Status, but do it
	Body       string
	Header     http.Header // of the answer with Status
}

// Break lets choose decide about every request from now on; nil for none. It may
// read the request's method, address and headers.
func (s *Server) Break(choose func(*http.Request) Fault) { s.set(func() { s.fault = choose }) }

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// net/http notices that a client has left only when the body is read.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	var fault Fault
	s.mu.Lock()
	s.requests = append(s.requests, Request{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Headers: slices.Sorted(maps.Keys(r.Header)),
	})
	choose := s.fault
	s.mu.Unlock()
	if choose != nil {
		fault = choose(r)
	}
	if fault.Wait != nil {
		select {
		case <-fault.Wait:
		case <-r.Context().Done():
		}
	}
	if fault.DropBefore {
		panic(http.ErrAbortHandler)
	}
	doing := fault.Status == 0 || fault.AfterDoing
	var a reply
	if doing {
		a = s.answer(r, body)
	}
	if fault.DropAfter {
		panic(http.ErrAbortHandler)
	}
	if fault.Status != 0 {
		maps.Copy(w.Header(), fault.Header)
		w.WriteHeader(fault.Status)
		_, _ = w.Write([]byte(fault.Body))
		return
	}
	a.write(w)
}

// reply is a status and what is written as JSON, nil for an empty body.
type reply struct {
	status   int
	body     any
	location string
}

func (a reply) write(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	if a.location != "" {
		w.Header().Set("Location", a.location)
	} else {
		w.Header().Set("Content-Type", "application/json") // with 204 too
	}
	w.WriteHeader(a.status)
	if a.body != nil {
		_ = json.NewEncoder(w).Encode(a.body)
	}
}

// success wraps data in what surrounds every answer.
func success(status int, data any) reply {
	return reply{status: status, body: map[string]any{
		"request_id": rand.Text(), "lease_id": "", "renewable": false, "lease_duration": 0,
		"data": data, "wrap_info": nil, "warnings": nil, "auth": nil,
	}}
}

// failure is the shape of an error.
func failure(status int, errors ...string) reply {
	if errors == nil {
		errors = []string{}
	}
	return reply{status: status, body: map[string]any{"errors": errors}}
}

var noContent = reply{status: http.StatusNoContent}

// answer does what r asks.
func (s *Server) answer(r *http.Request, body []byte) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.ContainsFunc(r.URL.Path, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return reply{status: http.StatusBadRequest}
	}
	if clean := pathpkg.Clean(r.URL.Path); clean != strings.TrimSuffix(r.URL.Path, "/") {
		return reply{status: http.StatusTemporaryRedirect, location: (&url.URL{Path: clean, RawQuery: r.URL.RawQuery}).String()}
	}
	path, ok := strings.CutPrefix(r.URL.Path, "/v1/")
	if !ok {
		return failure(http.StatusNotFound)
	}
	namespace := strings.Trim(r.Header.Get("X-Vault-Namespace"), "/")
	switch path {
	case "sys/health", "sys/seal-status":
		if namespace != "" && path == "sys/health" {
			return failure(http.StatusBadRequest, "operation unavailable in namespaces")
		}
		if r.Method != http.MethodGet {
			return failure(http.StatusMethodNotAllowed)
		}
		if path == "sys/health" {
			return s.health()
		}
		return s.sealStatus()
	}
	if s.sealed {
		return failure(http.StatusServiceUnavailable, "Vault is sealed")
	}
	if s.active != "" {
		return reply{status: http.StatusTemporaryRedirect, location: s.active + r.URL.RequestURI()}
	}
	if !s.hasNamespace(namespace) {
		return failure(http.StatusNotFound, "namespace not found")
	}
	q := request{method: r.Method, path: path, namespace: namespace, query: r.URL.Query()}
	if err := q.readBody(body); err != nil {
		return failure(http.StatusBadRequest, "failed to decode JSON input: "+err.Error())
	}
	if q.updates() && strings.HasSuffix(path, "/") {
		return failure(http.StatusBadRequest, "cannot write to a path ending in '/'")
	}
	token := r.Header.Get("X-Vault-Token")
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && token == "" {
		token = bearer
	}
	p, known := s.tokens[token]
	if !known {
		return failure(http.StatusForbidden, "permission denied")
	}
	return s.route(q, p)
}

// hasNamespace says whether something is mounted in it.
func (s *Server) hasNamespace(namespace string) bool {
	for at := range s.mounts {
		if strings.HasPrefix(at, namespace+"|") {
			return true
		}
	}
	return namespace == ""
}

// request is what the engines see of one.
type request struct {
	method, path, namespace string
	query                   map[string][]string
	body                    map[string]json.RawMessage // nil for none
}

func (q request) updates() bool { return q.method == http.MethodPost || q.method == http.MethodPut }

func (q *request) readBody(body []byte) error {
	if !q.updates() || len(body) == 0 {
		return nil
	}
	return json.Unmarshal(body, &q.body)
}

// now is what the server writes into its answers.
func now() time.Time { return time.Now().UTC() }
