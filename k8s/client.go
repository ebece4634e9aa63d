// Package k8s is the cluster as the portal's operator sees it: what is
// installed, the portal's Secret and who owns it, its roll-out, logs and
// rights. It exports plain Go types and is the only package that imports
// client-go; it must not know steps, plans, the wizard or printing.
package k8s

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsv1 "k8s.io/client-go/kubernetes/typed/apps/v1"
	authorizationv1 "k8s.io/client-go/kubernetes/typed/authorization/v1"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/klog/v2"
)

// FieldManager names this program in the managedFields of what it writes.
const FieldManager = "backstage-setup"

// DefaultTimeout bounds one request when Options says nothing.
const DefaultTimeout = 10 * time.Second

// Options say which cluster, as kubectl's flags of the same names do.
type Options struct {
	Kubeconfig string        // path; "" is KUBECONFIG, then ~/.kube/config, then the pod's service account
	Context    string        // "" is the current one
	Namespace  string        // "" is the context's own
	Timeout    time.Duration // of one request; 0 is DefaultTimeout

	// WrapTransport sees every request; tests count with it. nil is none.
	WrapTransport func(http.RoundTripper) http.RoundTripper
}

// Client speaks to one cluster. It is safe for concurrent use.
type Client struct {
	target  Target
	timeout time.Duration
	core    corev1.CoreV1Interface
	apps    appsv1.AppsV1Interface
	authz   authorizationv1.AuthorizationV1Interface
	raw     rest.Interface // for paths of which no Go types are linked
	config  *rest.Config   // for connections of their own: port-forwards
	sent    *atomic.Int64  // requests so far
}

// Target is where a Client's requests go; a person compares it before a write.
type Target struct {
	Context         string // "" inside a pod
	Server          string // URL of the API server
	Namespace       string
	CAFingerprint   string // SHA-256 of the CA certificate, its first 16 hexadecimal digits in groups of 4; "" when there is none
	InsecureSkipTLS bool
	Kubeconfig      string // file that holds the context; "" inside a pod
}

// klog's output is discarded: it goes to stderr, where the screen is. klog has
// only the process-wide logger, and guards it with no lock: it is set before
// anything of the process can send a request.
func init() { klog.SetLoggerWithOptions(logr.Discard(), klog.ContextualLogger(true)) }

// Open resolves the kubeconfig as kubectl does and contacts nothing. It returns
// ErrNoConfig when there is no kubeconfig and this is no pod.
func Open(o Options) (*Client, error) {
	loader := o.loader()
	raw, err := loader.RawConfig()
	if err != nil {
		return nil, configError(err)
	}
	if _, ok := raw.Contexts[o.Context]; !ok && o.Context != "" {
		return nil, fmt.Errorf("kubeconfig: there is no context %q: kubectl config get-contexts lists them", o.Context)
	}
	cfg, err := loader.ClientConfig()
	if err != nil {
		return nil, configError(err)
	}
	target, err := o.resolve(loader, raw, cfg)
	if err != nil {
		return nil, err
	}
	c := &Client{target: target, timeout: o.Timeout, sent: new(atomic.Int64)}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	// Discovery asks 24 questions at once: client-go's 5 per second would make
	// that 4 seconds of waiting before the first byte.
	cfg.QPS, cfg.Burst = 50, 100
	cfg.UserAgent = FieldManager
	cfg.WarningHandlerWithContext = rest.NoWarnings{}
	cfg.Timeout = 0 // each request has its own through its context; this one would also end watches
	if cfg.ExecProvider != nil {
		cfg.ExecProvider.StdinUnavailable = true
		cfg.ExecProvider.StdinUnavailableMessage = "the terminal belongs to backstage-setup: log in with the credential plugin first"
	}
	if o.WrapTransport != nil {
		cfg.Wrap(o.WrapTransport)
	}
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return counted{once{next}, c.sent} })
	return c, c.connect(cfg)
}

// Requests returns how many requests were sent to the API server so far. What is
// asked once more because the answer was lost counts again.
func (c *Client) Requests() int { return int(c.sent.Load()) }

// counted counts what is sent through it.
type counted struct {
	http.RoundTripper
	sent *atomic.Int64
}

func (t counted) RoundTrip(r *http.Request) (*http.Response, error) {
	t.sent.Add(1)
	return t.RoundTripper.RoundTrip(r)
}

// connect builds the group clients on one HTTP client, so that they share
// connections.
func (c *Client) connect(cfg *rest.Config) error {
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return fmt.Errorf("kubeconfig: %w", err)
	}
	core, err := corev1.NewForConfigAndClient(cfg, client)
	if err != nil {
		return fmt.Errorf("kubeconfig: %w", err)
	}
	apps, err := appsv1.NewForConfigAndClient(cfg, client)
	if err != nil {
		return fmt.Errorf("kubeconfig: %w", err)
	}
	authz, err := authorizationv1.NewForConfigAndClient(cfg, client)
	if err != nil {
		return fmt.Errorf("kubeconfig: %w", err)
	}
	c.core, c.apps, c.authz, c.raw, c.config = core, apps, authz, core.RESTClient(), cfg
	return nil
}

// Contexts returns the names of the kubeconfig's contexts in order, and the
// current one. It contacts nothing and returns ErrNoConfig when there are none.
func Contexts(o Options) (names []string, current string, err error) {
	raw, err := o.loader().RawConfig()
	if err != nil {
		return nil, "", configError(err)
	}
	if len(raw.Contexts) == 0 {
		return nil, "", configError(clientcmd.ErrEmptyConfig)
	}
	for name := range raw.Contexts {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, raw.CurrentContext, nil
}

func (o Options) loader() clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = o.Kubeconfig
	rules.WarnIfAllMissing = false
	overrides := &clientcmd.ConfigOverrides{CurrentContext: o.Context}
	overrides.Context.Namespace = o.Namespace
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
}

func (o Options) resolve(loader clientcmd.ClientConfig, raw clientcmdapi.Config, cfg *rest.Config) (Target, error) {
	namespace, _, err := loader.Namespace()
	if err != nil {
		return Target{}, configError(err)
	}
	t := Target{Server: cfg.Host, Namespace: namespace, InsecureSkipTLS: cfg.Insecure}
	t.Context = cmp.Or(o.Context, raw.CurrentContext)
	if named, ok := raw.Contexts[t.Context]; ok {
		t.Kubeconfig = named.LocationOfOrigin
	}
	ca := cfg.CAData
	if len(ca) == 0 && cfg.CAFile != "" {
		if ca, err = os.ReadFile(cfg.CAFile); err != nil {
			return Target{}, fmt.Errorf("kubeconfig: certificate authority: %w", err)
		}
	}
	t.CAFingerprint = fingerprint(ca)
	return t, nil
}

// fingerprint returns the start of the SHA-256 of the first certificate in ca.
func fingerprint(ca []byte) string {
	block, _ := pem.Decode(ca)
	if block == nil {
		return ""
	}
	sum := sha256.Sum256(block.Bytes)
	digits := hex.EncodeToString(sum[:8])
	return strings.Join([]string{digits[0:4], digits[4:8], digits[8:12], digits[12:16]}, " ")
}

func configError(err error) error {
	if clientcmd.IsEmptyConfig(err) {
		return fmt.Errorf("%w: set KUBECONFIG or --kubeconfig, or go on with --offline", ErrNoConfig)
	}
	var missing *os.PathError
	if errors.As(err, &missing) {
		return fmt.Errorf("kubeconfig %q: %w", missing.Path, missing.Err)
	}
	return fmt.Errorf("kubeconfig: %w", err)
}

// Target returns where this client's requests go.
func (c *Client) Target() Target { return c.target }

// Reach returns the API server's version, such as "v1.34.2". It returns
// ErrUnreachable when nothing answers.
func (c *Client) Reach(ctx context.Context) (version string, err error) {
	var v struct {
		GitVersion string `json:"gitVersion"`
	}
	err = c.do(ctx, ask{verb: "get", resource: "version"}, c.raw.Get().AbsPath("/version"), &v)
	return v.GitVersion, err
}

// kind is a resource of which no Go types are linked: a custom one, or one of
// which only a few fields matter.
type kind struct{ group, version, resource string }

func (k kind) path() string {
	if k.group == "" {
		return "/api/" + k.version
	}
	return "/apis/" + k.group + "/" + k.version
}

// at starts a read of k; the request itself refuses a namespace that is empty.
func (c *Client) at(k kind, namespace string) *rest.Request {
	req := c.raw.Get().AbsPath(k.path()).Resource(k.resource)
	if namespace != "" {
		req = req.Namespace(namespace)
	}
	return req
}

// get reads one object into out; namespace "" is for cluster-scoped ones.
func (c *Client) get(ctx context.Context, k kind, namespace, name string, out any) error {
	req := c.at(k, namespace).Name(name)
	return c.do(ctx, ask{"get", k.group, k.resource, namespace, name}, req, out)
}

// list reads at most limit objects into out; namespace "" is all. For a
// PartialObjectMetadataList the server leaves out everything but metadata.
func (c *Client) list(ctx context.Context, k kind, namespace, selector string, limit int, out any) error {
	req := c.at(k, namespace).Param("limit", strconv.Itoa(limit))
	if selector != "" {
		req = req.Param("labelSelector", selector)
	}
	if _, ok := out.(*metav1.PartialObjectMetadataList); ok {
		req = req.SetHeader("Accept", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")
	}
	return c.do(ctx, ask{"list", k.group, k.resource, namespace, ""}, req, out)
}

// do sends req within the client's time-out and decodes the answer into out.
func (c *Client) do(ctx context.Context, what ask, req *rest.Request, out any) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	result := req.Do(ctx)
	if err := result.Error(); err != nil {
		return c.explain(what, err)
	}
	body, err := result.Raw()
	if err != nil {
		return c.explain(what, err)
	}
	if err := json.Unmarshal(body, out); err != nil {
		return c.explain(what, fmt.Errorf("the answer cannot be read: %w", err))
	}
	return nil
}
