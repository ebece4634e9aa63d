package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgproto3"
)

// fault is why a connection goes no further: the ID of a verdict, and its line or
// what the server has said.
type fault struct {
	id    string
	found string
	said  string // by the server; then there is no found
	code  string // its SQLSTATE
}

func faultf(id, format string, args ...any) *fault {
	return &fault{id: id, found: fmt.Sprintf(format, args...)}
}

// Error makes a fault an error within this package; it is shown as a Verdict.
func (f *fault) Error() string { return f.id }

// stage is how far a connection has come.
type stage int

const (
	dialing stage = iota
	waiting       // for the answer to the request for TLS
	securing
	greeting // until the server's first message
	loggingIn
	asking
)

// broken says why a connection broke off at a stage. Errors of libraries may
// repeat what a server sent, so only what is known is worded.
func broken(ctx context.Context, at stage, address string, err error) *fault {
	var known *fault
	var name *net.DNSError
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(ctx.Err(), context.Canceled), errors.Is(err, context.Canceled):
		return faultf("canceled", "canceled before %s had answered", address)
	case timedOut(err):
		return late(at, address)
	case errors.As(err, &name) && name.IsNotFound:
		return faultf("network.name", "the name %s does not resolve here", name.Name)
	case errors.As(err, &name):
		return faultf("network.resolver", "the name server here does not answer for %s", name.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return faultf("network.refused", "nothing listens on %s (ECONNREFUSED)", address)
	case at == dialing:
		return faultf("network.unreachable", "%s cannot be reached from here", address)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe):
		if at > greeting {
			return faultf("network.dropped", "%s closed the connection in the middle of it", address)
		}
		return faultf("network.closed", "%s closed the connection without an answer", address)
	}
	return faultf("network.unreachable", "the connection to %s broke", address) // a port-forward's own words
}

// late says who is slow.
func late(at stage, address string) *fault {
	switch at {
	case dialing:
		return faultf("network.timeout", "%s does not answer (a connection is neither accepted nor refused)", address)
	case asking:
		return faultf("server.slow", "%s did not answer a query in time", address)
	}
	return faultf("server.silent", "%s accepts the connection and says nothing", address)
}

// strange names what speaks there, by its first bytes.
func strange(address string, first []byte) *fault {
	has := func(prefixes ...string) bool {
		for _, prefix := range prefixes {
			if len(first) >= len(prefix) && string(first[:len(prefix)]) == prefix {
				return true
			}
		}
		return false
	}
	switch {
	case has("HTTP/", "<html", "<!DOC"):
		return faultf("server.other", "%s is a web server", address)
	case has("\x15\x03", "\x16\x03"):
		return faultf("server.tlsfirst", "%s wants TLS from the first byte", address)
	case has("SSH-"):
		return faultf("server.other", "%s is an SSH server", address)
	case has("220 ", "220-"):
		return faultf("server.other", "%s is a mail or file server", address)
	case has("-ERR", "-NOAUTH"):
		return faultf("server.other", "%s is a Redis server", address)
	case len(first) > 4 && first[1] == 0 && first[2] == 0 && first[3] == 0 && (first[4] == 10 || first[4] == 0xff):
		return faultf("server.other", "%s is a MySQL or MariaDB server", address)
	}
	return faultf("server.other", "%s does not speak PostgreSQL's protocol", address)
}

// alien says whether a server's first bytes can be no message of PostgreSQL: not
// of a type that may come first, or of 16 MiB and more.
func alien(first []byte) bool {
	if len(first) == 0 {
		return false
	}
	switch first[0] {
	case 'R', 'E', 'N', 'v':
		return len(first) > 1 && first[1] != 0
	}
	return true
}

func timedOut(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &network) && network.Timeout()
}

// tooLarge says whether a message was larger than what is read.
func tooLarge(err error) bool {
	var exceeded *pgproto3.ExceededMaxBodyLenErr
	return errors.As(err, &exceeded)
}

// text is s if it is one, shortened.
func text(s string) string {
	if !utf8.ValidString(s) {
		return "text that is not UTF-8"
	}
	return s
}
