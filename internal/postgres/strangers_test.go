package postgres_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/openchoreo/backstage-setup/internal/postgres"
	"github.com/openchoreo/backstage-setup/internal/postgres/pgtest"
)

// serve lets a handler speak on every connection, and returns what leads there.
func serve(t *testing.T, handler func(net.Conn)) func(context.Context, string, string) (net.Conn, error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				defer func() { _ = conn.Close() }()
				handler(conn)
			})
		}
	})
	t.Cleanup(func() { _ = listener.Close(); open.Wait() })
	return dial(listener.Addr().(*net.TCPAddr).Port)
}

// hurry lets a wait for the server end after a moment in place of five seconds.
func hurry(lead func(context.Context, string, string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := lead(ctx, network, address)
		return hurried{conn}, err
	}
}

type hurried struct{ net.Conn }

func (h hurried) Read(p []byte) (int, error) {
	_ = h.SetReadDeadline(time.Now().Add(400 * time.Millisecond))
	return h.Conn.Read(p)
}

func (hurried) SetDeadline(time.Time) error { return nil }

// says sends bytes at once, and reads until the client goes.
func says(s string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = io.WriteString(conn, s)
		_, _ = io.Copy(io.Discard, conn)
	}
}

// answers waits for the client's first word.
func answers(s string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 1024))
		_, _ = io.WriteString(conn, s)
		_, _ = io.Copy(io.Discard, conn)
	}
}

// closes ends the connection after the client's first word.
func closes(conn net.Conn) { _, _ = conn.Read(make([]byte, 1024)) }

func silent(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// backend speaks the server's side of the protocol, without TLS, up to what a
// test does.
func backend(then func(b *pgproto3.Backend)) func(net.Conn) {
	return func(conn net.Conn) {
		b := pgproto3.NewBackend(conn, conn)
		if _, err := b.ReceiveStartupMessage(); err == nil {
			then(b)
		}
		_, _ = io.Copy(io.Discard, conn)
	}
}

func send(messages ...pgproto3.BackendMessage) func(net.Conn) {
	return backend(func(b *pgproto3.Backend) {
		for _, m := range messages {
			b.Send(m)
		}
		_ = b.Flush()
	})
}

func refuse(code, message string) func(net.Conn) {
	return send(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: code, Message: message})
}

// challenge answers SCRAM with a first message that may take the client's nonce.
func challenge(format string) func(net.Conn) {
	return backend(func(b *pgproto3.Backend) {
		b.Send(&pgproto3.AuthenticationSASL{AuthMechanisms: []string{"SCRAM-SHA-256"}})
		if b.Flush() != nil || b.SetAuthType(pgproto3.AuthTypeSASL) != nil {
			return
		}
		message, err := b.Receive()
		if err != nil {
			return
		}
		initial := message.(*pgproto3.SASLInitialResponse)
		_, nonce, _ := strings.Cut(string(initial.Data), "r=")
		b.Send(&pgproto3.AuthenticationSASLContinue{Data: []byte(strings.ReplaceAll(format, "NONCE", nonce))})
		if b.Flush() != nil || b.SetAuthType(pgproto3.AuthTypeSASLContinue) != nil {
			return
		}
		if _, err := b.Receive(); err != nil {
			return
		}
		sum := sha256.Sum256([]byte("not the password"))
		b.Send(&pgproto3.AuthenticationSASLFinal{Data: []byte("v=" + base64.StdEncoding.EncodeToString(sum[:]))})
		_ = b.Flush()
	})
}

// product logs anybody in and answers every query with one row.
func product(row ...string) func(net.Conn) {
	return backend(func(b *pgproto3.Backend) {
		b.Send(&pgproto3.AuthenticationOk{})
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		for b.Flush() == nil {
			message, err := b.Receive()
			if err != nil {
				return
			}
			query, ok := message.(*pgproto3.Query)
			if !ok {
				return
			}
			if strings.HasPrefix(query.String, "select") {
				var fields []pgproto3.FieldDescription
				var values [][]byte
				for _, value := range row {
					fields, values = append(fields, pgproto3.FieldDescription{Name: []byte("c")}), append(values, []byte(value))
				}
				b.Send(&pgproto3.RowDescription{Fields: fields})
				b.Send(&pgproto3.DataRow{Values: values})
			}
			b.Send(&pgproto3.CommandComplete{CommandTag: []byte("OK")})
			b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		}
	})
}

// strangers are servers that are not what was asked for.
var strangers = []struct {
	name, fact string
	handler    func(net.Conn)
	plain      string // what is wanted without TLS, after the warning that there is none
	tls        string // and with it
}{
	{"web server", "3.5 host and port", answers("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"), "fail server.other", "fail server.other"},
	{"mail server", "3.5 host and port", says("220 mail.example.com ESMTP\r\n"), "fail server.other", "fail server.other"},
	{"SSH", "3.5 host and port", says("SSH-2.0-OpenSSH_9.2\r\n"), "fail server.other", "fail server.other"},
	{"MySQL", "3.5 host and port", says("\x4a\x00\x00\x00\x0a8.0.36\x00" + strings.Repeat("x", 60)), "fail server.other", "fail server.other"},
	{"Redis", "3.5 host and port", answers("-ERR unknown command\r\n"), "fail server.other", "fail server.other"},
	{"closes", "3.5 ECONNREFUSED and its like", closes, "inconclusive network.closed", "inconclusive network.closed"},
	{"silent", "3.5 timeout", silent, "inconclusive server.silent", "inconclusive server.silent"},
	{"garbage", "3.5 host and port", answers(strings.Repeat("\xde\xad\xbe\xef", 100)), "fail server.other", "fail server.other"},
	{"a letter that may be right", "3.5 host and port", answers("S" + strings.Repeat("\xff", 100)), "fail server.other", "fail server.other"},
	{"huge message", "3.3", answers("R\x00\xff\xff\xff" + strings.Repeat("x", 4096)), "fail server.large", "fail server.other"},
	{"endless notices", "3.3", endless, "fail server.other", "fail server.other"},
	{"TLS at once", "3.2", answers("\x15\x03\x03\x00\x02\x02\x28"), "fail server.tlsfirst", "fail server.tlsfirst"},
	{"agrees to TLS and talks on", "3.2", answers("SHTTP"), "fail server.other", "fail server.other"},
	{"agrees to TLS and speaks it not", "3.2", answers("S"), "fail server.other", "inconclusive server.silent"},
	{"error before TLS", "3.5 53300", answers("E\x00\x00\x00\x1cSFATAL\x00C53300\x00Mfull up\x00\x00"), "fail limit.server", "fail limit.server"},
	{"old error before TLS", "3.5", answers("Eunsupported frontend protocol\x00"), "fail server.other", "fail server.other"},
	{"plain password", "3.2 plain text", send(&pgproto3.AuthenticationCleartextPassword{}), "inconclusive login.cleartext", "fail server.other"},
	{"OAuth alone", "pg-protocol knows passwords only", send(&pgproto3.AuthenticationSASL{AuthMechanisms: []string{"OAUTHBEARER"}}), "fail login.method", "fail server.other"},
	{"Windows login", "pg-protocol knows passwords only", says("R\x00\x00\x00\x08\x00\x00\x00\x09"), "fail login.method", "fail server.other"},
	{"too much of an answer", "3.3", flood, "inconclusive login.unchecked, fail server.large", "fail server.other"},
	{"too many iterations", "sasl.js", challenge("r=NONCEmore,s=c2FsdA==,i=999999999"), "inconclusive login.scram", "fail server.other"},
	{"other nonce", "sasl.js", challenge("r=other,s=c2FsdA==,i=4096"), "inconclusive login.scram", "fail server.other"},
	{"own nonce alone", "sasl.js", challenge("r=NONCE,s=c2FsdA==,i=4096"), "inconclusive login.scram", "fail server.other"},
	{"does not know the password", "sasl.js: server signature does not match", challenge("r=NONCEmore,s=c2FsdA==,i=4096"), "fail login.signature", "fail server.other"},
	{"CockroachDB", "knex 3.1.0 _parseVersion", product("CockroachDB CCL v24.1.0", "13.0.0", "130000"), "inconclusive login.unchecked, fail server.product", "fail server.other"},
	{"Redshift", "3.1 versions", product("PostgreSQL 8.0.2 on i686-pc-linux-gnu, Redshift 1.0.7", "8.0.2", "80002"), "inconclusive login.unchecked, fail server.old", "fail server.other"},
	{"old PostgreSQL", "3.1 versions: below 12", product("PostgreSQL 9.6.24", "9.6.24", "90624"), "inconclusive login.unchecked, fail server.old", "fail server.other"},
	{"odd catalogs, 13", "3.1 versions: below 14", product("PostgreSQL 13.1", "13.1", "130001"), "inconclusive login.unchecked, warn server.version, fail server.odd", "fail server.other"},
	{"odd catalogs, 19", "3.1 versions", product("PostgreSQL 19beta1", "19beta1", "190000"), "inconclusive login.unchecked, warn server.newer, fail server.odd", "fail server.other"},
	{"no answer to a query", "3.4", send(&pgproto3.AuthenticationOk{}, &pgproto3.ReadyForQuery{TxStatus: 'I'}), "inconclusive login.unchecked, inconclusive server.slow", "fail server.other"},

	// Errors that a real server is hard to bring to, word for word from its source.
	{"starting up", "3.5 57P03", refuse("57P03", "the database system is starting up"), "inconclusive server.starting", "fail server.other"},
	{"shut down", "3.5 57P01", refuse("57P01", "terminating connection due to administrator command"), "inconclusive server.stopping", "fail server.other"},
	{"disk full", "3.5 53", refuse("53100", "could not extend file: No space left on device"), "fail server.resources", "fail server.other"},
	{"corrupt", "3.5", refuse("XX001", "could not read block 0"), "inconclusive server.internal", "fail server.other"},
	{"something new", "3.5", refuse("0A000", "unsupported frontend protocol"), "fail server.error", "fail server.other"},
	{"startup parameter", "3.4 08P01", refuse("08P01", "unsupported startup parameter: options"), "fail pooler.parameter", "fail server.other"},
	{"translated", "3.5 28000 in another language", refuse("28000", "kein pg_hba.conf-Eintrag für Host »10.0.0.1«, Benutzer »portal«, Datenbank »postgres«, SSL aus"), "fail login.hba.tls", "fail server.other"},
	{"CONNECT, translated", "3.5 42501 in another language", refuse("42501", "keine Berechtigung für Datenbank »postgres«"), "fail database.connect", "fail server.other"},
	{"hostile words", "secrets.md", refuse("28P01", "\x1b]0;owned\x07 "+password+" \u202egnp"), "fail login.password", "fail server.other"},
}

// flood answers a query with row after row.
var flood = backend(func(b *pgproto3.Backend) {
	b.Send(&pgproto3.AuthenticationOk{})
	b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	for b.Flush() == nil {
		b.Send(&pgproto3.DataRow{Values: [][]byte{make([]byte, 900_000)}})
	}
})

func endless(conn net.Conn) {
	if _, err := conn.Read(make([]byte, 1024)); err != nil {
		return
	}
	one, err := (&pgproto3.NoticeResponse{Severity: "NOTICE", Message: "and on"}).Encode(nil)
	if err != nil {
		return
	}
	many := strings.Repeat(string(one), 1000)
	for {
		if _, err := io.WriteString(conn, many); err != nil {
			return
		}
	}
}

func TestStrangers(t *testing.T) {
	for _, v := range strangers {
		for _, encrypted := range []bool{false, true} {
			if encrypted && v.tls == "fail server.other" && v.plain != v.tls {
				continue // pgproto3's backend answers no request for TLS
			}
			t.Run(fmt.Sprintf("%s, TLS %v", v.name, encrypted), func(t *testing.T) {
				want, lead := "warn tls.off, "+v.plain, serve(t, v.handler)
				if encrypted {
					want = v.tls
				}
				if strings.Contains(want+v.tls, "silent") || strings.Contains(want, "slow") {
					lead = hurry(lead)
				}
				ask := target()
				ask.SSL = encrypted
				_, verdicts := client(t, postgres.Config{Dial: lead}).Probe(t.Context(), ask, small)
				expect(t, verdicts, want)
			})
		}
	}
}

// TestWebServer is a real one.
func TestWebServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: 100 * time.Millisecond}
	done := make(chan struct{})
	go func() { _ = server.Serve(listener); close(done) }()
	defer func() { _ = server.Close(); <-done }()
	_, verdicts := client(t, postgres.Config{Dial: dial(listener.Addr().(*net.TCPAddr).Port)}).Probe(t.Context(), target(), small)
	if got := outcome(verdicts); got != "fail server.other" && got != "inconclusive network.closed" {
		t.Error(verdicts)
	}
}

// TestTLSVersions are servers that answer the request for TLS as PostgreSQL does.
func TestTLSVersions(t *testing.T) {
	ca := pgtest.NewAuthority("Test Root")
	certificate := ca.Issue(pgtest.Certificate{Names: []string{host}}).TLS()
	after := func(config *tls.Config, then func(net.Conn)) func(net.Conn) {
		return func(conn net.Conn) {
			if _, err := io.ReadFull(conn, make([]byte, 8)); err != nil {
				return
			}
			_, _ = io.WriteString(conn, "S")
			server := tls.Server(conn, config)
			if server.Handshake() == nil {
				then(server)
			}
			_, _ = io.Copy(io.Discard, conn)
		}
	}
	for name, v := range map[string]struct {
		handler func(net.Conn)
		want    string
	}{
		"TLS 1.1":        {after(&tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, silent), "fail tls.version"},
		"TLS 1.2":        {after(&tls.Config{Certificates: []tls.Certificate{certificate}, MaxVersion: tls.VersionTLS12}, refuse("28P01", "password authentication failed")), "fail login.password"},
		"TLS 1.3":        {after(&tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13}, refuse("28P01", "password authentication failed")), "fail login.password"},
		"no certificate": {after(&tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errors.New("no") }}, silent), "inconclusive tls.handshake"},
		"no TLS in it": {func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 8))
			_, _ = io.WriteString(conn, "S")
			answers("HTTP/1.1 400 Bad Request\r\n\r\n")(conn)
		}, "inconclusive tls.handshake"},
		"closes in it":    {func(conn net.Conn) { _, _ = conn.Read(make([]byte, 8)); _, _ = io.WriteString(conn, "S"); closes(conn) }, "inconclusive network.closed"},
		"silence in it":   {func(conn net.Conn) { _, _ = conn.Read(make([]byte, 8)); _, _ = io.WriteString(conn, "S"); silent(conn) }, "inconclusive server.silent"},
		"closes after it": {after(&tls.Config{Certificates: []tls.Certificate{certificate}}, func(conn net.Conn) { closes(conn); _ = conn.Close() }), "inconclusive network.closed"},
		"garbage in it":   {after(&tls.Config{Certificates: []tls.Certificate{certificate}}, answers("what?")), "fail server.other"},
		"huge in it":      {after(&tls.Config{Certificates: []tls.Certificate{certificate}}, answers("E\x00\x7f\xff\xff")), "fail server.large"},
		"plain password":  {after(&tls.Config{Certificates: []tls.Certificate{certificate}}, backend(wrongPassword(password))), "fail login.password"},
	} {
		t.Run(name, func(t *testing.T) {
			lead := serve(t, v.handler)
			if strings.Contains(v.want, "silent") {
				lead = hurry(lead)
			}
			_, verdicts := client(t, postgres.Config{Dial: lead, Public: ca.Pool()}).Probe(t.Context(), target(), small)
			expect(t, verdicts, v.want)
		})
	}
}

// wrongPassword asks for the password in plain text, and refuses it only if it is
// the one that is expected.
func wrongPassword(expected string) func(*pgproto3.Backend) {
	return func(b *pgproto3.Backend) {
		b.Send(&pgproto3.AuthenticationCleartextPassword{})
		if b.Flush() != nil || b.SetAuthType(pgproto3.AuthTypeCleartextPassword) != nil {
			return
		}
		if m, err := b.Receive(); err == nil && m.(*pgproto3.PasswordMessage).Password == expected {
			b.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "28P01", Message: "as expected"})
			_ = b.Flush()
		}
	}
}

// TestNetwork has what goes wrong before anybody answers (3.5, last row).
func TestNetwork(t *testing.T) {
	failing := func(err error) func(context.Context, string, string) (net.Conn, error) {
		return func(context.Context, string, string) (net.Conn, error) { return nil, err }
	}
	blackHole := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := listener.Addr().(*net.TCPAddr).Port
	_ = listener.Close()
	for name, v := range map[string]struct {
		config postgres.Config
		want   string
	}{
		"refused":         {postgres.Config{Dial: dial(free)}, "inconclusive network.refused"},
		"refused, alone":  {postgres.Config{Dial: failing(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED})}, "inconclusive network.refused"},
		"no route":        {postgres.Config{Dial: failing(&net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH})}, "inconclusive network.unreachable"},
		"unresolvable":    {postgres.Config{Resolve: resolve(&net.DNSError{Name: host, IsNotFound: true})}, "inconclusive network.name"},
		"no address":      {postgres.Config{Resolve: resolve(nil)}, "inconclusive network.name"},
		"no resolver":     {postgres.Config{Resolve: resolve(&net.DNSError{Name: host, IsTemporary: true})}, "inconclusive network.resolver"},
		"resolver's time": {postgres.Config{Resolve: resolve(&net.DNSError{Name: host, IsTimeout: true})}, "inconclusive network.timeout"},
		"black hole":      {postgres.Config{Dial: blackHole}, "inconclusive network.timeout"},
		"port-forward":    {postgres.Config{Dial: failing(errors.New("pod is not running"))}, "inconclusive network.unreachable"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := t.Context(), func() {}
			if name == "black hole" {
				ctx, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
			}
			defer cancel()
			_, verdicts := client(t, v.config).Probe(ctx, target(), small)
			expect(t, verdicts, v.want)
			_, verdicts = client(t, v.config).Chain(ctx, target())
			expect(t, verdicts, v.want)
		})
	}
}

// TestForward: what a port-forward says later is about the way, not the server.
func TestForward(t *testing.T) {
	for at, said := range []string{"", "R\x00\x00\x00\x08"} {
		ask := target()
		ask.SSL = false
		_, verdicts := client(t, postgres.Config{Dial: func(context.Context, string, string) (net.Conn, error) {
			return &scripted{Reader: io.MultiReader(strings.NewReader(said), failing{})}, nil
		}}).Probe(t.Context(), ask, small)
		expect(t, verdicts, "warn tls.off, inconclusive network.unreachable")
		if at == 0 {
			_, verdicts = client(t, postgres.Config{Dial: func(context.Context, string, string) (net.Conn, error) {
				return &scripted{Reader: failing{}}, nil
			}}).Chain(t.Context(), ask)
			expect(t, verdicts, "inconclusive network.unreachable")
		}
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("lost connection to pod") }

func resolve(err error, addresses ...string) func(context.Context, string) ([]string, error) {
	return func(context.Context, string) ([]string, error) { return addresses, err }
}

// TestAddresses: a name with several addresses is tried at each, and one that
// means this machine is told.
func TestAddresses(t *testing.T) {
	w := theWorld(t)
	ask := target()
	ask.Port = w.Port
	c := client(t, postgres.Config{Public: w.ca.Pool(), Resolve: resolve(nil, "127.0.0.2", "127.0.0.1")})
	_, verdicts := c.Probe(t.Context(), ask, small)
	expect(t, verdicts, "warn target.loopback, pass database.ok")
}

// TestCancel: whatever is waited for, a cancelled probe says so. Each of these
// waits would last for seconds, and end in another verdict.
func TestCancel(t *testing.T) {
	w := theWorld(t)
	startTLS := func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 8))
		_, _ = io.WriteString(conn, "S")
		silent(conn)
	}
	for name, v := range map[string]struct {
		handler func(net.Conn)
		ssl     bool
	}{
		"first word":  {silent, false},
		"request":     {silent, true},
		"handshake":   {startTLS, true},
		"password":    {send(&pgproto3.AuthenticationMD5Password{}), false},
		"after login": {send(&pgproto3.AuthenticationOk{}, &pgproto3.ReadyForQuery{TxStatus: 'I'}), false},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			lead := serve(t, func(conn net.Conn) {
				time.AfterFunc(50*time.Millisecond, cancel)
				v.handler(conn)
			})
			ask := target()
			ask.SSL = v.ssl
			_, verdicts := client(t, postgres.Config{Dial: lead}).Probe(ctx, ask, small)
			if got := outcome(verdicts); !strings.HasSuffix(got, "inconclusive canceled") {
				t.Error(verdicts)
			}
		})
	}
	t.Run("dialling", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := client(t, postgres.Config{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			cancel()
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		_, verdicts := c.Probe(ctx, target(), small)
		expect(t, verdicts, "inconclusive canceled")
	})
	t.Run("a query of the real server", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		_, verdicts := w.client(t).Ask(ctx, target(), "postgres", "select pg_sleep(4)")
		expect(t, verdicts, "inconclusive canceled")
	})
	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, verdicts := w.client(t).Probe(ctx, target(), small)
		expect(t, verdicts, "inconclusive canceled")
	})
}

// script is a server that has said all it has to say before it is asked.
func script(said string) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		return &scripted{Reader: strings.NewReader(said)}, nil
	}
}

type scripted struct{ io.Reader }

func (*scripted) Write(p []byte) (int, error)      { return len(p), nil }
func (*scripted) Close() error                     { return nil }
func (*scripted) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (*scripted) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (*scripted) SetDeadline(time.Time) error      { return nil }
func (*scripted) SetReadDeadline(time.Time) error  { return nil }
func (*scripted) SetWriteDeadline(time.Time) error { return nil }
