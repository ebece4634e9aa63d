package idp_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openchoreo/backstage-setup/internal/idp"
)

const host = "id.example.com"

// now is the clock of the tests; certificates and tokens are made for it.
var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// authority is a certificate authority of a test.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  []byte
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: now.AddDate(-5, 0, 0), NotAfter: now.AddDate(5, 0, 0), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{key, cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

func (a authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// serverConfig is TLS for a host, valid from one day to another.
func (a authority) serverConfig(t testing.TB, name string, from, until time.Time) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: from, NotAfter: until, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{
		Time:         func() time.Time { return now },
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
	}
}

func (a authority) valid(t testing.TB) *tls.Config {
	return a.serverConfig(t, host, now.AddDate(0, 0, -1), now.AddDate(0, 0, 1))
}

// script is a server that answers the first request with the first text, byte for
// byte, and so on. "!hang" reads and says nothing, "!close" hangs up. It is asked
// over TLS with "https", in clear otherwise, whatever the address was.
type script struct {
	listener net.Listener
	stop     chan struct{}

	mu       sync.Mutex
	answers  []string
	requests []request
	dials    int
}

type request struct {
	*http.Request
	body string
}

func serve(t testing.TB, config *tls.Config, answers ...string) *script {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &script{listener: listener, stop: make(chan struct{}), answers: answers}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { s.one(conn, config) })
		}
	})
	t.Cleanup(func() {
		close(s.stop)
		_ = listener.Close()
		running.Wait()
	})
	return s
}

func (s *script) one(conn net.Conn, config *tls.Config) {
	defer conn.Close()
	first := bufio.NewReader(conn)
	secure := false
	if b, err := first.Peek(1); err == nil && b[0] == 0x16 && config != nil {
		secure = true
	}
	var stream net.Conn = &peeked{conn, first}
	if secure {
		stream = tls.Server(stream, config)
		defer stream.Close()
	}
	r, err := http.ReadRequest(bufio.NewReader(stream))
	if err != nil {
		return
	}
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	answer := "!close"
	if len(s.requests) < len(s.answers) {
		answer = s.answers[len(s.requests)]
	}
	s.requests = append(s.requests, request{r, string(body)})
	s.mu.Unlock()
	switch {
	case strings.HasPrefix(answer, "!hang"):
		<-s.stop
	case strings.HasPrefix(answer, "!close"):
	default:
		// {state} is the state of the request, as every provider sends it back.
		answer = strings.ReplaceAll(answer, "{state}", r.URL.Query().Get("state"))
		_, _ = io.WriteString(stream, answer)
		if c, ok := strings.CutSuffix(answer, "!drip"); ok && c != "" {
			<-s.stop
		}
	}
}

// asked returns the requests so far.
func (s *script) asked() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// dial reaches the server by every address.
func (s *script) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	s.mu.Lock()
	s.dials++
	s.mu.Unlock()
	var d net.Dialer
	return d.DialContext(ctx, "tcp", s.listener.Addr().String())
}

type peeked struct {
	net.Conn
	from *bufio.Reader
}

func (p *peeked) Read(b []byte) (int, error) { return p.from.Read(b) }

// client returns one that trusts ca as the world does, and reaches s alone.
func (s *script) client(t testing.TB, ca authority) *idp.Client {
	t.Helper()
	c, err := idp.New(idp.Config{Dial: s.dial, CA: ca.pem, Public: ca.pool(), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
