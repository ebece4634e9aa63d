package k8s

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
)

// maxAliases bounds how many Services of type ExternalName may point to each
// other.
const maxAliases = 5

// Dial connects to address. When its host is a Service of the cluster (see
// IsClusterAddress), that is a port-forward to one of its ready pods, with no
// port open on this machine; all else is dialled as net.Dialer does. It is for
// http.Transport.DialContext and its like.
//
// No such Service, or none of its pods ready, is ErrNotFound; a missing right is
// ErrForbidden. What the node says later, such as that nothing listens in the
// pod, is a *ForwardError from Read or Write. The connection has CloseWrite, as
// *net.TCPConn has; some container runtimes end the whole connection a second
// after it.
func (c *Client) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	next := address
	for range maxAliases {
		host, port, err := net.SplitHostPort(next)
		service, ok := parseServiceHost(host)
		if err != nil || !ok {
			return new(net.Dialer).DialContext(ctx, network, next)
		}
		if !strings.HasPrefix(network, "tcp") {
			return nil, fmt.Errorf("dial %s %s: a port-forward carries only TCP", network, address)
		}
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil || number == 0 {
			return nil, fmt.Errorf("dial %s: the port must be a number from 1 to 65535", address)
		}
		to, err := c.backend(ctx, service, int(number))
		if err != nil {
			return nil, err
		}
		if to.alias == "" {
			return c.forward(ctx, forwardAddr(address), to)
		}
		next = net.JoinHostPort(to.alias, port)
	}
	return nil, fmt.Errorf("dial %s: more than %d Services of type ExternalName point to each other", address, maxAliases)
}

// ServiceHost returns the name by which Dial knows what a pod in the namespace
// may call "postgres" or "postgres.db": "postgres.db.svc". It returns
// ErrNotFound when there is no such Service.
func (c *Client) ServiceHost(ctx context.Context, namespace, host string) (string, error) {
	if IsClusterAddress(host) {
		return host, nil
	}
	name, in, _ := strings.Cut(strings.ToLower(strings.TrimSuffix(host, ".")), ".")
	service := serviceHost{name: name, namespace: cmp.Or(in, namespace)}
	full := service.name + "." + service.namespace + ".svc"
	if !IsClusterAddress(full) {
		return "", fmt.Errorf("%q: %w: it is no name of a Service", host, ErrNotFound)
	}
	_, err := c.service(ctx, service)
	return full, err
}

// ForwardError is what the API server or the node said about a forwarded
// connection after it was made. errors.Is finds syscall.ECONNREFUSED when
// nothing listens in the pod.
type ForwardError struct {
	Namespace, Pod string
	Port           int // in the pod
	Detail         string
	cause          error
}

// Error names the pod and what was said.
func (e *ForwardError) Error() string {
	if errors.Is(e.cause, syscall.ECONNREFUSED) {
		return fmt.Sprintf("pod %s/%s: connection refused: nothing listens on port %d", e.Namespace, e.Pod, e.Port)
	}
	return fmt.Sprintf("pod %s/%s: port-forward to port %d: %s", e.Namespace, e.Pod, e.Port, e.Detail)
}

// Unwrap gives what errors.Is finds.
func (e *ForwardError) Unwrap() error { return e.cause }

// said makes an error of what came on the error stream; the kubelet puts the
// port and the pod in front of it.
func (b backend) said(text string) error {
	e := &ForwardError{Namespace: b.namespace, Pod: b.pod, Port: b.port, Detail: text}
	if _, rest, ok := strings.Cut(text, ", uid "); ok && strings.HasPrefix(text, "error forwarding port ") {
		if _, rest, ok = strings.Cut(rest, ": "); ok {
			e.Detail = rest
		}
	}
	if strings.Contains(text, "connection refused") {
		e.cause = syscall.ECONNREFUSED
	}
	return e
}

// forwardAddr is the address that was asked for.
type forwardAddr string

func (forwardAddr) Network() string  { return "tcp" }
func (a forwardAddr) String() string { return string(a) }
