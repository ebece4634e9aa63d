package postgres

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

const (
	applicationName = "backstage-setup"
	maxMessage      = 1 << 20 // bytes
	maxLogin        = 64 << 10
	maxMessages     = 10_000 // of one answer
	maxAnswer       = 4 << 20
)

// session is a connection that is logged in. pgproto3 has the messages; TLS and
// login are done here, so that they are node-postgres's (8.16.3, of all charts)
// and not libpq's: no channel binding, no SASLprep, no environment, no files.
type session struct {
	target   Target
	database string
	raw      net.Conn
	conn     net.Conn // raw, or TLS over it
	front    *pgproto3.Frontend
	first    *head // conn, from its first message on
	loopback bool  // the name means this machine here
	tls      *TLS
	auth     string        // how the server asked for the password; "" when it did not
	process  uint32        // of the server, as it says
	patience time.Duration // with a query
	at       stage
	replay   func(sql string) ([][]*string, *fault) // of a Job that has asked before
}

// head is a connection that remembers the first bytes that came in, and its own
// last error.
type head struct {
	net.Conn
	bytes []byte
	err   error
}

func (h *head) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	if room := 64 - len(h.bytes); room > 0 {
		h.bytes = append(h.bytes, p[:min(n, room)]...)
	}
	h.err = err
	return n, err
}

// open connects and logs in to a database. The session's tls is there also when
// the fault is about it.
func (c *Client) open(ctx context.Context, t Target, database string) (*session, *fault) {
	if c.recorded != nil {
		return c.recorded(database), nil
	}
	s := &session{target: t, database: database, patience: queryTimeout}
	raw, err := c.dial(ctx, s)
	if err != nil {
		return s, broken(ctx, dialing, t.address(), err)
	}
	s.raw, s.conn, s.at = raw, raw, waiting
	if err := s.within(ctx, loginTimeout, func() error { return c.secure(s) }); err != nil {
		s.drop()
		return s, err
	}
	if err := s.within(ctx, loginTimeout, s.login); err != nil {
		s.drop()
		return s, err
	}
	return s, nil
}

// dial connects, and tries the addresses of the name one after the other.
func (c *Client) dial(ctx context.Context, s *session) (net.Conn, error) {
	t := s.target
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if _, is := t.ip(); is || c.resolve == nil {
		return c.dialer(ctx, "tcp", t.address())
	}
	addresses, err := c.resolve(ctx, t.Host)
	if err == nil && len(addresses) == 0 {
		err = &net.DNSError{Name: t.Host, IsNotFound: true}
	}
	s.loopback = len(addresses) > 0
	for _, address := range addresses {
		ip, err := netip.ParseAddr(address)
		s.loopback = s.loopback && err == nil && ip.Unmap().IsLoopback()
	}
	for i, address := range addresses {
		var conn net.Conn
		each, done := context.WithTimeout(ctx, dialTimeout/time.Duration(min(len(addresses), 4)))
		t.Host = address
		conn, err = c.dialer(each, "tcp", t.address())
		done()
		if err == nil || ctx.Err() != nil || i == 7 {
			return conn, err
		}
	}
	return nil, err
}

// within does one exchange: what waits in it ends when ctx does, or after limit.
func (s *session) within(ctx context.Context, limit time.Duration, exchange func() error) *fault {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	deadline, _ := ctx.Deadline()
	_ = s.raw.SetDeadline(deadline)
	// AfterFunc may come late, when the next exchange has begun; then ctx has ended
	// for that one too.
	stop := context.AfterFunc(ctx, func() { _ = s.raw.SetDeadline(time.Unix(1, 0)) })
	err := exchange()
	stop()
	if err == nil {
		return nil
	}
	return broken(ctx, s.at, s.target.address(), err)
}

// secure asks for TLS as node-postgres does: a request, and one byte in answer.
func (c *Client) secure(s *session) error {
	if !s.target.SSL {
		return nil
	}
	request, err := (&pgproto3.SSLRequest{}).Encode(nil)
	if err != nil {
		return err
	}
	if _, err := s.conn.Write(request); err != nil {
		return err
	}
	// More than the one byte would be from somebody who speaks before TLS protects.
	answer := make([]byte, 64)
	n, err := s.conn.Read(answer)
	if err != nil {
		return err
	}
	switch address := s.target.address(); {
	case n == 1 && answer[0] == 'S':
	case n == 1 && answer[0] == 'N':
		return faultf("tls.unsupported", "%s has no TLS", address)
	case answer[0] == 'E':
		return s.refusal(answer[:n])
	default:
		return strange(address, answer[:n])
	}
	s.at = securing
	return c.handshake(s)
}

// refusal is the error of a server that does not even answer the request for TLS.
func (s *session) refusal(begun []byte) error {
	front := pgproto3.NewFrontend(io.MultiReader(bytes.NewReader(begun), s.conn), s.conn)
	front.SetMaxBodyLen(maxLogin)
	message, err := front.Receive()
	if timedOut(err) {
		return err
	}
	if err != nil {
		return strange(s.target.address(), begun)
	}
	if e, ok := message.(*pgproto3.ErrorResponse); ok && e.Code != "" {
		return s.known(serverError(e))
	}
	return strange(s.target.address(), begun)
}

// login sends the startup message and answers what the server asks for.
func (s *session) login() error {
	s.first = &head{Conn: s.conn}
	s.at = greeting
	s.front = pgproto3.NewFrontend(s.first, s.conn)
	s.front.SetMaxBodyLen(maxLogin)
	s.front.Send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: map[string]string{
		"user": s.target.User, "database": s.database, "client_encoding": "UTF8", "application_name": applicationName,
	}})
	if err := s.front.Flush(); err != nil {
		return err
	}
	for range maxMessages {
		message, err := s.receive()
		if err != nil {
			return err
		}
		s.at = loggingIn
		switch m := message.(type) {
		case *pgproto3.ErrorResponse:
			return s.known(serverError(m))
		case *pgproto3.BackendKeyData:
			s.process = m.ProcessID
		case *pgproto3.ReadyForQuery:
			s.front.SetMaxBodyLen(maxMessage)
			s.at = asking
			return nil
		case *pgproto3.NoticeResponse, *pgproto3.ParameterStatus, *pgproto3.NegotiateProtocolVersion, *pgproto3.AuthenticationOk:
		default:
			if err := s.authenticate(message); err != nil {
				return err
			}
		}
	}
	return faultf("server.other", "%s talks without end", s.target.address())
}

// receive reads the next message.
func (s *session) receive() (pgproto3.BackendMessage, error) {
	message, err := s.front.Receive()
	switch address := s.target.address(); {
	case err == nil:
		return message, nil
	case s.at == greeting && alien(s.first.bytes):
		return nil, strange(address, s.first.bytes)
	case s.first.err != nil: // of the connection, not of what it brought
		return nil, err
	case tooLarge(err):
		return nil, faultf("server.large", "%s sends a message of more than what PostgreSQL sends here", address)
	case s.at <= loggingIn && s.front.GetAuthType() != pgproto3.AuthTypeOk:
		return nil, faultf("login.method", "the server asks for a login of the type %d", s.front.GetAuthType())
	}
	return nil, strange(s.target.address(), s.first.bytes)
}

// query asks in the simple protocol and returns the last result's rows; nil is
// SQL's NULL.
func (s *session) query(ctx context.Context, sql string) ([][]*string, *fault) {
	if s.replay != nil {
		return s.replay(sql)
	}
	var rows [][]*string
	size := 0
	f := s.within(ctx, s.patience, func() error {
		s.front.Send(&pgproto3.Query{String: sql})
		if err := s.front.Flush(); err != nil {
			return err
		}
		var failed error
		for range maxMessages {
			message, err := s.receive()
			if err != nil {
				return errors.Join(failed, err)
			}
			switch m := message.(type) {
			case *pgproto3.RowDescription:
				rows = nil
			case *pgproto3.DataRow:
				for _, value := range m.Values {
					size += len(value)
				}
				if size > maxAnswer {
					return faultf("server.large", "%s answers with more than what PostgreSQL says here", s.target.address())
				}
				rows = append(rows, values(m.Values))
			case *pgproto3.ErrorResponse:
				failed = s.known(serverError(m))
				if m.Severity == "FATAL" || m.SeverityUnlocalized == "FATAL" {
					return failed
				}
			case *pgproto3.ReadyForQuery:
				return failed
			}
		}
		return faultf("server.other", "%s talks without end", s.target.address())
	})
	return rows, f
}

func values(raw [][]byte) []*string {
	row := make([]*string, len(raw))
	for i, value := range raw {
		if value != nil {
			s := string(value)
			row[i] = &s
		}
	}
	return row
}

// close says goodbye, so that the server frees the slot at once.
func (s *session) close() {
	if s == nil || s.raw == nil {
		return
	}
	_ = s.raw.SetDeadline(time.Now().Add(100 * time.Millisecond))
	if s.front != nil {
		s.front.Send(&pgproto3.Terminate{})
		_ = s.front.Flush()
	}
	s.drop()
}

// drop closes without a word. A TLS connection's own Close would wait to say one.
func (s *session) drop() { _ = s.raw.Close() }
