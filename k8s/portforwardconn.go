package k8s

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"k8s.io/streaming/pkg/httpstream"
)

const (
	// closeGrace is how long a closed connection may take to hand over what was
	// written, and the pod to close its side.
	closeGrace = time.Second
	// faultGrace is how long after the last data an error may come: the node
	// tells it on a stream of its own.
	faultGrace = time.Second
)

// forwarded is a connection to a port of a pod: two streams in a session of its
// own. Streams know no deadlines: a net.Pipe for each direction does.
type forwarded struct {
	session     session
	data, fault httpstream.Stream
	address     forwardAddr
	to          backend

	in, fromPod net.Conn
	out, toPod  net.Conn

	closing  sync.Once
	closed   chan struct{}
	sent     chan struct{} // all that was written is in the stream
	received chan struct{} // the pod's side has ended
	told     chan struct{} // the error stream has ended

	mu  sync.Mutex
	err error // why it ended; nil is a usual end
}

func newForwarded(s session, data, fault httpstream.Stream, address forwardAddr, to backend) *forwarded {
	c := &forwarded{
		session: s, data: data, fault: fault, address: address, to: to,
		closed: make(chan struct{}), sent: make(chan struct{}), received: make(chan struct{}), told: make(chan struct{}),
	}
	c.in, c.fromPod = net.Pipe()
	c.out, c.toPod = net.Pipe()
	go c.listen()
	go c.receive()
	go c.send()
	return c
}

// listen waits for an error of the node's.
func (c *forwarded) listen() {
	defer close(c.told)
	text, _ := io.ReadAll(io.LimitReader(c.fault, 4<<10)) // a stream that broke has said what it had to say
	if said := strings.TrimSpace(string(text)); said != "" {
		c.fail(c.to.said(said))
	}
}

// receive hands on what the pod says until its side ends.
func (c *forwarded) receive() {
	defer close(c.received)
	if _, err := io.Copy(c.fromPod, c.data); err != nil {
		return // closed by us, with something left to read
	}
	select {
	case <-c.session.CloseChan():
		// The streams of a broken session end as if the pod had closed them.
		c.lost()
	default:
	}
	timer := time.NewTimer(faultGrace)
	defer timer.Stop()
	select {
	case <-c.told:
	case <-timer.C:
	}
	if c.failure() != nil {
		c.toPod.Close()
	}
	c.fromPod.Close()
}

// send hands on what is written until our side ends, and tells the pod so.
func (c *forwarded) send() {
	defer close(c.sent)
	_, err := io.Copy(struct{ io.Writer }{c.data}, c.toPod)
	if err == nil {
		err = c.data.Close()
	}
	if err != nil && !errors.Is(err, io.ErrClosedPipe) { // that is our own, see receive
		c.lost()
		c.toPod.Close()
	}
}

func (c *forwarded) lost() {
	c.fail(&ForwardError{
		Namespace: c.to.namespace, Pod: c.to.pod, Port: c.to.port,
		Detail: "the connection was lost", cause: io.ErrUnexpectedEOF,
	})
}

// fail notes why the connection ends; what the node said counts more than that
// the session is gone.
func (c *forwarded) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil || errors.Is(c.err, io.ErrUnexpectedEOF) {
		c.err = err
	}
}

func (c *forwarded) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Read returns what the pod said; at its end io.EOF or what the node said.
func (c *forwarded) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	return n, c.explain(err)
}

// Write hands p on to the pod.
func (c *forwarded) Write(p []byte) (int, error) {
	n, err := c.out.Write(p)
	return n, c.explain(err)
}

// explain says what the end of a pipe means.
func (c *forwarded) explain(err error) error {
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	select {
	case <-c.closed:
		return net.ErrClosed
	default:
	}
	if failure := c.failure(); failure != nil {
		return failure
	}
	return err
}

// CloseWrite ends our side; the pod's can still be read.
func (c *forwarded) CloseWrite() error { return c.out.Close() }

// Close ends both sides. What was written before still reaches the pod.
func (c *forwarded) Close() error {
	c.closing.Do(func() {
		close(c.closed)
		c.in.Close()
		c.out.Close()
		go c.finish()
	})
	return nil
}

func (c *forwarded) finish() {
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	for _, done := range []chan struct{}{c.sent, c.received} {
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
	c.session.end()
}

// LocalAddr returns the address that was dialled: the connection has none on
// this machine.
func (c *forwarded) LocalAddr() net.Addr { return c.address }

// RemoteAddr returns the address that was dialled, which can be dialled again.
func (c *forwarded) RemoteAddr() net.Addr { return c.address }

// SetDeadline sets both deadlines.
func (c *forwarded) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline ends a Read at t with os.ErrDeadlineExceeded.
func (c *forwarded) SetReadDeadline(t time.Time) error { return c.in.SetReadDeadline(t) }

// SetWriteDeadline ends a Write at t with os.ErrDeadlineExceeded.
func (c *forwarded) SetWriteDeadline(t time.Time) error { return c.out.SetWriteDeadline(t) }
