package chart

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/registry"
)

// pullTimeout bounds a pull as a whole; the chart has some 300 KB.
const pullTimeout = time.Minute

// PullOptions are what a pull needs beside the reference.
type PullOptions struct {
	// Version is the tag of a reference without one, such as "1.2.3". Without
	// either, the newest release is pulled, as helm does.
	Version string
	// HTTP's Transport is used, and carries trust and proxies; nil means Go's own.
	// Its redirect policy, its cookies and its time-out are not used.
	HTTP *http.Client
	// RegistryConfig is the file that holds the operator's logins, written by helm
	// registry login; empty means Helm's default place. Where it has none for the
	// host, Docker's logins are looked at, as helm does.
	RegistryConfig string
}

// Pull downloads a chart from an OCI registry, as helm pull does:
// oci://HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]; a digest wins over a tag. Helm's
// login for that host is used. Plain http is spoken with this machine alone.
// Nothing else is contacted but what the registry names for it: where its tokens
// come from, and where its files are kept, without the login. The error says
// what to do. Pull returns when ctx ends.
func Pull(ctx context.Context, ref string, opts PullOptions) (*Chart, error) {
	r, err := parseReference(ref, opts.Version)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, pullTimeout, fmt.Errorf("%s did not send it within %s", r.host, pullTimeout))
	defer cancel()
	type outcome struct {
		chart *Chart
		err   error
	}
	done := make(chan outcome, 1)
	go func() { // a helper that keeps the login knows no ctx
		c, err := r.pull(ctx, opts)
		done <- outcome{c, err}
	}()
	select {
	case o := <-done:
		if o.err != nil && ctx.Err() == nil {
			return nil, fmt.Errorf("chart %q: %w", r.String(), o.err)
		}
		if o.err == nil {
			return o.chart, nil
		}
	case <-ctx.Done():
	}
	return nil, fmt.Errorf("chart %q: %w", r.String(), context.Cause(ctx))
}

// reference is an oci:// reference, taken apart.
type reference struct {
	host       string // with its port
	repository string
	tag        string
	digest     string
}

func parseReference(ref, version string) (reference, error) {
	rest, ok := strings.CutPrefix(ref, registry.OCIScheme+"://")
	if !ok {
		return reference{}, fmt.Errorf("chart %q: must begin with oci://", ref)
	}
	var r reference
	r.host, rest, _ = strings.Cut(rest, "/")
	if strings.Contains(r.host, "@") {
		return reference{}, errors.New("chart: must not hold a login: give it to helm registry login, and leave it out of the address")
	}
	rest, r.digest, _ = strings.Cut(rest, "@")
	r.repository, r.tag, _ = strings.Cut(rest, ":")
	if r.host == "" || r.repository == "" {
		return reference{}, fmt.Errorf("chart %q: must name a host and a repository, such as oci://ghcr.io/openchoreo/helm-charts/%s:1.2.3", ref, Name)
	}
	if version != "" && r.tag != "" && version != r.tag {
		return reference{}, fmt.Errorf("chart %q: names another version than %q: give one of them", ref, version)
	}
	r.tag = cmp.Or(r.tag, version)
	return r, nil
}

func (r reference) String() string {
	s := registry.OCIScheme + "://" + r.host + "/" + r.repository
	if r.tag != "" {
		s += ":" + r.tag
	}
	if r.digest != "" {
		s += "@" + r.digest
	}
	return s
}

// where is what Helm's client takes for the repository, and for the chart in it.
// It would look at the tag only if both were there.
func (r reference) where() (repository, chart string) {
	repository = r.host + "/" + r.repository
	if r.digest != "" {
		return repository, repository + "@" + r.digest
	}
	return repository, repository + ":" + r.tag
}

func (r reference) pull(ctx context.Context, opts PullOptions) (*Chart, error) {
	t := newTransport(ctx, opts.HTTP)
	options := []registry.ClientOption{
		registry.ClientOptHTTPClient(&http.Client{Transport: t, CheckRedirect: fewRedirects}),
		registry.ClientOptCredentialsFile(opts.RegistryConfig),
	}
	data, err := r.download(t, options)
	if errors.Is(err, http.ErrSchemeMismatch) && loopback(r.host) {
		t.plain = true
		data, err = r.download(t, append(options, registry.ClientOptPlainHTTP()))
	}
	if err != nil {
		return nil, err
	}
	loaded, err := loader.LoadArchive(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("is not a Helm chart: %w", err)
	}
	c, err := wrap(loaded)
	if err != nil {
		return nil, err
	}
	c.Source = r.String()
	return c, nil
}

func (r *reference) download(t *transport, options []registry.ClientOption) ([]byte, error) {
	client, err := registry.NewClient(options...)
	if err != nil {
		return nil, fmt.Errorf("the logins of helm and docker cannot be read: %w", err)
	}
	if r.tag == "" && r.digest == "" {
		repository, _ := r.where()
		tags, err := client.Tags(repository)
		if err != nil {
			return nil, r.explain(t, client, err)
		}
		if r.tag, err = registry.GetTagMatchingVersionOrConstraint(tags, ""); err != nil {
			return nil, fmt.Errorf("there is no release in it%s", among(tags))
		}
	}
	_, chart := r.where()
	result, err := client.Pull(chart)
	if err != nil {
		return nil, r.explain(t, client, err)
	}
	return result.Chart.Data, nil
}

// explain says what a failed answer means. The texts of Helm's client quote
// addresses, which may be signed: where a status tells, it is enough.
func (r *reference) explain(t *transport, client *registry.Client, err error) error {
	var refused *refusedError
	var untrusted *tls.CertificateVerificationError
	var network *url.Error
	var helper *exec.Error
	status := int(t.failed.Load())
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.Is(err, http.ErrSchemeMismatch) && loopback(r.host):
		return err // tried again
	case errors.As(err, &untrusted):
		return fmt.Errorf("the certificate of %s is not trusted: give its CA with --ca-file: %w", r.host, untrusted.Err)
	case errors.As(err, &network):
		return fmt.Errorf("no answer from %s: %w", cmp.Or(hostOf(network.URL), r.host), network.Err)
	case errors.As(err, &helper):
		return fmt.Errorf("the login for %s cannot be read: %w", r.host, helper)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fmt.Errorf("%s does not let it be read, or does not have it: log in with helm registry login %s", r.host, r.host)
	case status == http.StatusNotFound:
		return r.missing(client)
	case status != 0:
		return fmt.Errorf("%s answers %d %s", r.host, status, http.StatusText(status))
	case strings.Contains(err.Error(), "manifest does not contain"), strings.Contains(err.Error(), "could not load config with mediatype"):
		return errors.New("is not a Helm chart: the registry has something else there")
	case strings.Contains(err.Error(), "mismatch"):
		return fmt.Errorf("what %s sends is not what its manifest says", r.host)
	}
	return err
}

// missing says which versions there are instead.
func (r *reference) missing(client *registry.Client) error {
	repository, _ := r.where()
	tags, err := client.Tags(repository)
	switch {
	case err != nil:
		return fmt.Errorf("%s has no such repository, or does not list it", r.host)
	case r.digest != "":
		return fmt.Errorf("there is no such digest%s", among(tags))
	case slices.Contains(tags, r.tag):
		return fmt.Errorf("%s lacks a part of it", r.host)
	}
	return fmt.Errorf("there is no version %s%s", r.tag, among(tags))
}

// among lists the newest versions.
func among(tags []string) string {
	const most = 5
	switch {
	case len(tags) == 0:
		return ", nor any other version"
	case len(tags) > most:
		return "; the newest are " + strings.Join(tags[:most], ", ")
	}
	return "; there are " + strings.Join(tags, ", ")
}
