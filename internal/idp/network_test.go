package idp_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/openchoreo/backstage-setup/internal/idp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const anAnswer = "HTTP/1.1 404 Not Found\n\n"

// TestConnections has what goes wrong before there is an answer.
func TestConnections(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	day := 24 * time.Hour
	dial := func(err error) func(context.Context, string, string) (net.Conn, error) {
		return func(context.Context, string, string) (net.Conn, error) { return nil, err }
	}
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	tests := map[string]struct {
		server *tls.Config
		config idp.Config
		ask    string
		want   string
	}{
		"refused":     {config: idp.Config{Dial: dial(refused)}, want: "inconclusive network.refused"},
		"no route":    {config: idp.Config{Dial: dial(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.EHOSTUNREACH})}, want: "inconclusive network.unreachable"},
		"no name":     {config: idp.Config{Dial: dial(&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{IsNotFound: true}})}, want: "inconclusive network.name"},
		"dial's time": {config: idp.Config{Dial: dial(&net.OpError{Op: "dial", Net: "tcp", Err: context.DeadlineExceeded})}, want: "inconclusive network.timeout"},
		"expired":     {server: ca.serverConfig(t, host, now.Add(-2*day), now.Add(-day)), want: "fail tls.expired"},
		"not yet":     {server: ca.serverConfig(t, host, now.Add(day), now.Add(2*day)), want: "fail tls.early"},
		"other host":  {server: ca.serverConfig(t, "other.example.com", now.Add(-day), now.Add(day)), want: "fail tls.host"},
		"unknown CA":  {server: other.valid(t), want: "fail tls.authority"},
		"private CA":  {server: ca.valid(t), config: idp.Config{Public: other.pool()}, want: "warn tls.private, warn tls.private, fail discovery.absent"},
		"no TLS":      {want: "inconclusive network.closed"},
		"alert":       {server: &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errors.New("no") }}, want: "inconclusive tls.handshake"},
		"no address":  {ask: "id.example.com", want: "fail discovery.address"},
		"other kind":  {ask: "ftp://id.example.com", want: "fail discovery.address"},
		"no host":     {ask: "https:///x", want: "fail discovery.address"},
		"password":    {ask: "https://me:secret@id.example.com", want: "fail discovery.address"},
		"blank":       {ask: "https://id.example.com ", want: "fail discovery.address"},
		"fragment":    {ask: "https://id.example.com/#", want: "fail discovery.address"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := serve(t, test.server, wire(anAnswer), wire(anAnswer))
			config := test.config
			config.CA, config.Now = ca.pem, func() time.Time { return now }
			if config.Public == nil {
				config.Public = ca.pool()
			}
			if config.Dial == nil {
				config.Dial = s.dial
			}
			c, err := idp.New(config)
			if err != nil {
				t.Fatal(err)
			}
			ask := "https://id.example.com"
			if test.ask != "" {
				ask = test.ask
			}
			_, verdicts := c.Discover(t.Context(), ask)
			if got := outcome(verdicts); got != test.want {
				t.Errorf("got %s, want %s: %v", got, test.want, verdicts)
			}
			for _, v := range verdicts {
				presentable(t, v)
			}
		})
	}
}

func TestPlainServerBehindHTTPS(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler()}
	done := make(chan struct{})
	go func() { _ = server.Serve(listener); close(done) }()
	defer func() { _ = server.Close(); <-done }()
	c, err := idp.New(idp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	_, verdicts := c.Discover(t.Context(), "https://"+listener.Addr().String())
	if got := outcome(verdicts); got != "fail tls.plain" {
		t.Error(verdicts)
	}
}

func TestProxy(t *testing.T) {
	ca := newAuthority(t)
	proxy := func(*http.Request) (*url.URL, error) { return url.Parse("http://me:hunter22@proxy.example.com:3128") }
	s := serve(t, nil, wire(anAnswer), wire(anAnswer))
	c, err := idp.New(idp.Config{Dial: s.dial, Proxy: proxy, Public: ca.pool()})
	if err != nil {
		t.Fatal(err)
	}
	_, verdicts := c.Discover(t.Context(), "http://id.example.com")
	if got := outcome(verdicts); got != "warn network.proxy, warn network.proxy, fail discovery.absent" {
		t.Error(verdicts)
	}
	if !strings.Contains(verdicts[0].Found, "proxy.example.com:3128") || strings.Contains(verdicts[0].Found, "hunter22") {
		t.Error(verdicts[0])
	}
	for answer, want := range map[string]string{
		"HTTP/1.1 407 Proxy Authentication Required\nContent-Length: 0\n\n": "wants a user name and password before it connects to id.example.com (status 407)",
		"HTTP/1.1 502 Bad Gateway\nContent-Length: 3\n\nno\n":               "did not connect to id.example.com (status 502)",
		"HTTP/1.1 403 \n\n": "did not connect to id.example.com (status 403)",
	} {
		c, err = idp.New(idp.Config{Dial: serve(t, nil, wire(answer)).dial, Proxy: proxy, Public: ca.pool()})
		if err != nil {
			t.Fatal(err)
		}
		_, verdicts = c.Discover(t.Context(), "https://id.example.com")
		if outcome(verdicts) != "inconclusive network.proxy.refused" || !strings.Contains(verdicts[0].Found, want) {
			t.Errorf("%q: %v", answer, verdicts)
		}
	}
	c, err = idp.New(idp.Config{Dial: serve(t, nil, wire("HTTP/1.1 407 X\nContent-Length: 0\n\n")).dial, Proxy: proxy, Public: ca.pool()})
	if err != nil {
		t.Fatal(err)
	}
	if _, verdicts = c.Discover(t.Context(), "http://id.example.com"); outcome(verdicts) != "inconclusive network.proxy.refused" {
		t.Error("a proxy for plain HTTP", verdicts)
	}
	refuse := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	c, err = idp.New(idp.Config{Dial: refuse, Proxy: proxy})
	if err != nil {
		t.Fatal(err)
	}
	if _, verdicts = c.Discover(t.Context(), "https://id.example.com"); outcome(verdicts) != "inconclusive network.proxy.refused" {
		t.Error(verdicts)
	}
}

func TestAddressesAreToldInASentence(t *testing.T) {
	c, err := idp.New(idp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"id.example.com":           "the address of the key set does not begin with https:// or http://",
		"https:///x":               "the address of the key set has no host name in it",
		"https://id.example.com ":  "the address of the key set has blanks or control characters in it",
		"https://id.example.com:x": "the address of the key set is no URL",
	} {
		if _, verdicts := c.Keys(t.Context(), address); len(verdicts) != 1 || verdicts[0].Found != want {
			t.Errorf("%q: %v, want %s", address, verdicts, want)
		}
	}
}

func TestCancel(t *testing.T) {
	ca := newAuthority(t)
	s := serve(t, ca.valid(t), "!hang")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, verdicts := s.client(t, ca).Discover(ctx, "https://id.example.com"); outcome(verdicts) != "inconclusive canceled" {
		t.Error(verdicts)
	}
}

// TestDialIsTriedTwice: nothing was sent, so that even a request with a secret
// may be repeated; and only then.
func TestDialIsTriedTwice(t *testing.T) {
	ca := newAuthority(t)
	s := serve(t, ca.valid(t), wire("HTTP/1.1 404 Not Found\n\n"))
	dials := 0
	c, err := idp.New(idp.Config{CA: ca.pem, Public: ca.pool(), Now: func() time.Time { return now },
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if dials++; dials == 1 {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNRESET}
			}
			return s.dial(ctx, network, address)
		}})
	if err != nil {
		t.Fatal(err)
	}
	if _, verdicts := c.Keys(t.Context(), "https://id.example.com/keys"); outcome(verdicts) != "fail keys.absent" || dials != 2 {
		t.Error(dials, verdicts)
	}
}

func TestNewRefusesAFileWithoutCertificate(t *testing.T) {
	if _, err := idp.New(idp.Config{CA: []byte("no PEM")}); err == nil || !strings.Contains(err.Error(), "BEGIN CERTIFICATE") {
		t.Error(err)
	}
}

func TestWorst(t *testing.T) {
	if got := idp.Worst(nil); got != idp.Inconclusive {
		t.Errorf("nothing is known, not %s", got)
	}
	for want, list := range map[idp.Class][]idp.Verdict{
		idp.Fail:         {{Class: idp.Pass}, {Class: idp.Fail}, {Class: idp.Inconclusive}},
		idp.Inconclusive: {{Class: idp.Warn}, {Class: idp.Inconclusive}, {Class: idp.Pass}},
		idp.Warn:         {{Class: idp.Pass}, {Class: idp.Warn}},
		idp.Pass:         {{Class: idp.Pass}},
	} {
		if got := idp.Worst(list); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestScopes(t *testing.T) {
	d := idp.Discovery{Scopes: []string{"openid", "groups"}}
	for want, verdicts := range map[string][]idp.Verdict{
		"pass scopes.ok":             d.CheckScopes([]string{"openid", "groups", "openid"}),
		"warn discovery.scopes":      d.CheckScopes([]string{"openid", "email", "groups", "email"}),
		"warn scopes.unannounced":    d.CheckScopes([]string{"openid", "group"}),
		"inconclusive scopes.silent": (idp.Discovery{}).CheckScopes([]string{"openid", "api://x/.default"}),
	} {
		if got := outcome(verdicts); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
