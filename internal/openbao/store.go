// Package openbao reads and writes entries of a key-value engine, version 2, in
// OpenBao or HashiCorp Vault, over an HTTP client that is given. It must not
// know Kubernetes, who reads the entries, or what they are for.
//
// It follows no redirect, repeats no write and reads nothing from the
// environment. Every write is a check-and-set: it counts only while nobody else
// has written.
package openbao

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/openchoreo/backstage-setup/internal/secret"
)

// Config is what Open needs.
type Config struct {
	// Address is where the server is: http or https, host, perhaps a port and a
	// path before /v1, such as "https://bao.example.com:8200".
	Address string
	// Namespace of OpenBao or Vault Enterprise, "" for the root.
	Namespace string
	// Mount is the path of the key-value engine, such as "secret".
	Mount string
	// Token goes out in a header. The zero Text is enough for Health alone.
	Token secret.Text
	// HTTP carries the requests; its transport knows how to dial and whom to
	// trust. Its redirect policy and cookies are not used.
	HTTP *http.Client
}

// Store is a key-value engine, version 2. Its methods wait until their context
// ends, may be used at once, and fail with an *Error.
type Store struct {
	address   url.URL // without a trailing slash
	namespace string
	mount     string // without slashes around it
	token     secret.Text
	client    http.Client
	versioned atomic.Bool // the mount has shown that it is version 2
}

// Open checks c and sends nothing. The errors complete "The value …" behind the
// name of the field, and repeat nothing of an address, which may hold a
// password.
func Open(c Config) (*Store, error) {
	address, err := parseAddress(c.Address)
	if err != nil {
		return nil, err
	}
	mount := strings.TrimSuffix(c.Mount, "/")
	if err := checkPath("mount", mount); err != nil {
		return nil, err
	}
	namespace := strings.Trim(c.Namespace, "/")
	if namespace != "" {
		if err := checkPath("namespace", namespace); err != nil {
			return nil, err
		}
	}
	if strings.ContainsFunc(c.Token.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("token: must be letters, digits and punctuation alone: it goes into a header")
	}
	if c.HTTP == nil {
		return nil, errors.New("no HTTP client is given")
	}
	s := &Store{address: *address, namespace: namespace, mount: mount, token: c.Token, client: *c.HTTP}
	// A redirect would take the token and the secret to another host.
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.client.Jar = nil
	return s, nil
}

// Address returns where requests go.
func (s *Store) Address() string { return s.address.String() }

// Encrypted says whether requests travel over TLS. Without it the token and the
// secrets can be read on the way.
func (s *Store) Encrypted() bool { return s.address.Scheme == "https" }

// parseAddress never repeats its input.
func parseAddress(raw string) (*url.URL, error) {
	const form = "address: must be http or https with a host, such as https://bao.example.com:8200"
	u, err := url.Parse(raw)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", u.Opaque != "":
		return nil, errors.New(form)
	case u.User != nil:
		return nil, errors.New("address: must not hold a user or password: the token is all that is needed")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(raw, "#"):
		return nil, errors.New("address: must not hold a query or fragment")
	}
	u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"), ""
	if u.Path != "" {
		if err := checkPath("address", strings.TrimPrefix(u.Path, "/")); err != nil {
			return nil, err
		}
	}
	if strings.HasSuffix(u.Path, "/v1") {
		return nil, errors.New("address: must end before /v1, which is added")
	}
	return u, nil
}
