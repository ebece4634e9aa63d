package k8s

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	portforwardprotocol "k8s.io/apimachinery/pkg/util/portforward"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/websocket"
	"k8s.io/klog/v2"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
)

// pingPeriod keeps load balancers from ending a session in which nothing is
// said.
const pingPeriod = 10 * time.Second

// session is a SPDY connection to the kubelet through the API server, and what
// carries it.
type session struct {
	httpstream.Connection
	carrier io.Closer
}

// end closes the session. A peer that takes nothing any more is not waited for
// longer than closeGrace.
func (s session) end() {
	abort := time.AfterFunc(closeGrace, func() { s.carrier.Close() })
	defer abort.Stop()
	s.Connection.Close()
	s.carrier.Close()
}

// forward opens a session and the two streams of one connection in it.
func (c *Client) forward(ctx context.Context, address forwardAddr, to backend) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	what := ask{"create", "", "pods/portforward", to.namespace, to.pod}
	s, err := c.session(ctx, to)
	if err != nil {
		return nil, c.explain(what, err)
	}
	type streams struct {
		data, fault httpstream.Stream
		err         error
	}
	made := make(chan streams, 1)
	go func() { // it waits for the kubelet for up to 30 seconds, whatever ctx says
		data, fault, err := s.streams(to.port)
		made <- streams{data, fault, err}
	}()
	select {
	case <-ctx.Done():
		go s.end()
		return nil, c.explain(what, ctx.Err())
	case got := <-made:
		if got.err != nil {
			go s.end()
			return nil, c.explain(what, fmt.Errorf("the port-forward did not begin: %w", got.err))
		}
		return newForwarded(s, got.data, got.fault, address, to), nil
	}
}

// streams opens the streams for one connection to a port, as version 1 of the
// protocol wants: first the one for an error, of which only reading is used.
func (s session) streams(port int) (data, fault httpstream.Stream, err error) {
	headers := http.Header{}
	headers.Set(corev1.PortHeader, strconv.Itoa(port))
	headers.Set(corev1.PortForwardRequestIDHeader, "0")
	headers.Set(corev1.StreamType, corev1.StreamTypeError)
	if fault, err = s.CreateStream(headers); err != nil {
		return nil, nil, err
	}
	if err := fault.Close(); err != nil {
		return nil, nil, err
	}
	headers = headers.Clone()
	headers.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err = s.CreateStream(headers)
	return data, fault, err
}

// session asks for a WebSocket and, where the API server or something on the way
// to it does not let one through, for SPDY. A WebSocket also needs the right to
// get, SPDY only that to create.
func (c *Client) session(ctx context.Context, to backend) (session, error) {
	at := c.core.RESTClient().Post().Resource("pods").Namespace(to.namespace).Name(to.pod).SubResource("portforward").URL()
	s, err := c.webSocket(ctx, at)
	if httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err) {
		return c.spdy(ctx, at, to)
	}
	return s, err
}

// webSocket is what client-go's NewSPDYOverWebsocketDialer does, with a context.
func (c *Client) webSocket(ctx context.Context, at *url.URL) (session, error) {
	transport, holder, err := websocket.RoundTripperFor(c.config)
	if err != nil {
		return session{}, err
	}
	// The library minds a deadline during its handshake, but not the end of ctx.
	stop := func() bool { return true }
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		stop = context.AfterFunc(ctx, func() { got.Conn.Close() })
	}})
	req, err := http.NewRequestWithContext(traced, http.MethodGet, at.String(), nil)
	if err != nil {
		return session{}, err
	}
	protocol := portforwardprotocol.WebsocketsSPDYTunnelingPrefix + portforward.PortForwardProtocolV1Name
	conn, err := websocket.Negotiate(transport, holder, req, protocol)
	if !stop() || ctx.Err() != nil {
		if err == nil {
			conn.Close()
		}
		return session{}, ctx.Err()
	}
	if httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err) {
		return session{}, err
	}
	if err != nil {
		return session{}, &url.Error{Op: "Get", URL: at.String(), Err: err}
	}
	return newSession(portforward.NewTunnelingConnectionWithLogger(klog.Background(), conn))
}

// spdy upgrades an HTTP/1.1 connection, as all API servers can. client-go's own
// way does not mind a context and loses the server's reason.
func (c *Client) spdy(ctx context.Context, at *url.URL, to backend) (session, error) {
	config := rest.CopyConfig(c.config)
	config.NextProtos = []string{"http/1.1"} // HTTP/2 has no upgrade
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return session{}, err
	}
	var conn upgradedConn
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) { conn.Conn = got.Conn }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), nil)
	if err != nil {
		return session{}, err
	}
	req.Header.Set(httpstream.HeaderConnection, httpstream.HeaderUpgrade)
	req.Header.Set(httpstream.HeaderUpgrade, spdy.HeaderSpdy31)
	req.Header.Set(httpstream.HeaderProtocolVersion, portforward.PortForwardProtocolV1Name)
	resp, err := client.Do(req)
	if err != nil {
		return session{}, err
	}
	body, ok := resp.Body.(io.ReadWriteCloser)
	if resp.StatusCode != http.StatusSwitchingProtocols || !strings.EqualFold(resp.Header.Get(httpstream.HeaderUpgrade), spdy.HeaderSpdy31) || !ok {
		defer resp.Body.Close()
		return session{}, refusal(resp, to)
	}
	conn.body, conn.close = body, sync.OnceValue(body.Close)
	return newSession(&conn)
}

func newSession(conn net.Conn) (session, error) {
	c, err := spdy.NewClientConnectionWithPings(conn, pingPeriod)
	return session{c, conn}, err
}

// refusal reads why the API server did not upgrade.
func refusal(resp *http.Response, to backend) error {
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return err
	}
	var status metav1.Status
	if err := json.Unmarshal(text, &status); err == nil && status.Status == metav1.StatusFailure {
		return &apierrors.StatusError{ErrStatus: status}
	}
	pods := schema.GroupResource{Resource: "pods/portforward"}
	return apierrors.NewGenericServerResponse(resp.StatusCode, "create", pods, to.pod, strings.TrimSpace(string(text)), 0, true)
}

// upgradedConn is an HTTP connection after its upgrade: what came behind the
// answer is in its body.
type upgradedConn struct {
	net.Conn
	body  io.ReadWriter
	close func() error // as often as wanted
}

func (c *upgradedConn) Read(p []byte) (int, error)  { return c.body.Read(p) }
func (c *upgradedConn) Write(p []byte) (int, error) { return c.body.Write(p) }
func (c *upgradedConn) Close() error                { return c.close() }
