package steps

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/file"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/internal/values"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/templates"
)

// Env is everything outside the process that a run may look at. A nil Cluster
// is offline.
type Env struct {
	Cluster *k8s.Client
	Connect func(context string) (*k8s.Client, error) // to another context of the same kubeconfig
	Secrets secret.Source
	// HTTP is for charts in registries; nil is a client of its own. RegistryConfig
	// is the file of helm's logins; "" is helm's own place.
	HTTP           *http.Client
	RegistryConfig string
	Wrap           func(http.RoundTripper) http.RoundTripper  // sees every request to a store; nil is none
	Offline        bool                                       // no registry is contacted
	Helm           func(context.Context) (*chart.Helm, error) // the operator's own
	Provider       *Provider                                  // the identity provider; nil asks nobody
	Postgres       *Postgres                                  // the database server; nil asks nobody
	Visitor        *Visitor                                   // portal and API over HTTP; nil asks nobody
}

// Chart finds the chart that ref names: a version, a directory, an archive or an
// oci:// reference, which is pulled; "" is the newest version that the program
// knows. helmRef is how helm names it,
// note a warning for the operator. An error completes "The value …".
func (e *Env) Chart(ctx context.Context, ref string) (c *chart.Chart, p templates.Profile, helmRef, note string, err error) {
	if ref == "" {
		p, newest := templates.Newest()
		return chart.FromProfile(p, newest), p, plan.ChartReference, "", nil
	}
	if strings.HasPrefix(ref, "oci://") {
		if e.Offline {
			return nil, p, "", "", errors.New("must be a version, a directory or an archive with --offline, which contacts no registry")
		}
		if c, err = chart.Pull(ctx, ref, chart.PullOptions{HTTP: e.HTTP, RegistryConfig: e.RegistryConfig}); err != nil {
			return nil, p, "", "", fmt.Errorf("must be a chart that can be pulled: %w", err)
		}
		p, match, err := templates.Lookup(c.ProfileVersion())
		if err != nil {
			return nil, p, "", "", fmt.Errorf("must be a chart of a known minor version: %w", err)
		}
		return c, p, withoutTag(ref), match.Note, nil
	}
	if version.MatchString(ref) {
		p, match, err := templates.Lookup(ref)
		if err != nil {
			return nil, p, "", "", fmt.Errorf("must be a known version: %w", err)
		}
		return chart.FromProfile(p, strings.TrimPrefix(ref, "v")), p, plan.ChartReference, match.Note, nil
	}
	c, err = chart.Open(ref)
	if err != nil {
		return nil, p, "", "", fmt.Errorf("must be a chart: %w", err)
	}
	p, match, err := templates.Lookup(c.ProfileVersion())
	if err != nil {
		return nil, p, "", "", fmt.Errorf("must be a chart of a known minor version: %w", err)
	}
	return c, p, ref, match.Note, nil
}

// withoutTag returns an oci:// reference as helm upgrade takes it: the version is
// a flag of its own there.
func withoutTag(ref string) string {
	host, rest, _ := strings.Cut(strings.TrimPrefix(ref, "oci://"), "/")
	rest, _, _ = strings.Cut(rest, "@")
	rest, _, _ = strings.Cut(rest, ":")
	return "oci://" + host + "/" + rest
}

// ReleaseChart returns the chart of the installed release, from what Helm stored:
// its schema and templates are then at hand. Where they are not, the chart is
// what the program knows of that version.
func (e *Env) ReleaseChart(ctx context.Context, release k8s.Release) (c *chart.Chart, p templates.Profile, helmRef, note string, err error) {
	if len(release.Bytes) > 0 {
		if stored, err := chart.FromRelease(release.Bytes); err == nil {
			if p, match, err := templates.Lookup(stored.ProfileVersion()); err == nil {
				return stored, p, plan.ChartReference, match.Note, nil
			}
		}
	}
	return e.Chart(ctx, release.ChartVersion)
}

// version matches what is meant for a release, known or not.
var version = regexp.MustCompile(`^v?[0-9]+(\.[0-9]+)*([-+][0-9A-Za-z.+-]*)?$`)

// Values reads values files in Helm's order, wherever in them the chart's values
// live: a plain file, an umbrella chart's, a HelmRelease, an Argo CD Application.
// edit is the index of the file that is edited, or made.
// Of several places in one file, place says which: a part of its description. A
// file that is not there yet is empty. The error is for people: which file, line
// and column, and why.
func (e *Env) Values(paths []string, edit int, place string) ([]plan.ValuesFile, error) {
	files := make([]plan.ValuesFile, len(paths))
	for i, path := range paths {
		snapshot, err := file.Read(path)
		if err != nil {
			return nil, err
		}
		files[i] = plan.ValuesFile{Path: path, File: snapshot}
		if !snapshot.Exists && i != edit {
			return nil, fmt.Errorf("%s: there is no such file; only the one that is edited may be new", path)
		}
		if !snapshot.Exists {
			continue
		}
		if err := locate(&files[i], place); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return files, nil
}

// locate finds the values in f and reads them.
func locate(f *plan.ValuesFile, place string) error {
	source, err := values.Scan(f.File.Bytes, chart.Name, topLevel()...)
	if err != nil {
		return err
	}
	at, err := choose(source.Places(), place)
	if err != nil {
		return err
	}
	f.Values, err = source.Open(at)
	return err
}

func choose(places []values.Place, wanted string) (values.Place, error) {
	fit := slices.DeleteFunc(slices.Clone(places), func(p values.Place) bool {
		return !strings.Contains(strings.ToLower(p.String()), strings.ToLower(wanted))
	})
	if len(fit) == 1 {
		return fit[0], nil
	}
	if len(places) == 1 && wanted == "" {
		return places[0], nil
	}
	names := make([]string, len(places))
	for i, p := range places {
		names[i] = p.String()
	}
	return values.Place{}, &values.Error{Line: 1, Column: 1,
		Reason: "the chart's values are in several places: " + strings.Join(names, "; "),
		Hint:   "choose one with --place, such as --place " + strconv.Quote(names[0])}
}

// topLevel are the chart's own keys at the root of its values, by which a plain
// file is told from an umbrella chart's.
func topLevel() []string {
	var keys []string
	for _, k := range templates.HelmKeys() {
		root, _, _ := strings.Cut(k.Path, ".")
		if !slices.Contains(keys, root) && !slices.Contains(common, root) {
			keys = append(keys, root)
		}
	}
	return keys
}

// common are keys that umbrella charts have at their root as well.
var common = []string{"global", "features", "gateway", "security", "fullnameOverride", "nameOverride"}

// Manifest reads the Secret manifest of an earlier run. One that somebody else
// wrote is not ours.
func (e *Env) Manifest(path string) (plan.Manifest, error) {
	snapshot, err := file.Read(path)
	m := plan.Manifest{File: snapshot}
	if err != nil || !snapshot.Exists {
		return m, err
	}
	head, _, _ := bytes.Cut(snapshot.Bytes, []byte("\n"))
	if !bytes.HasPrefix(head, []byte("# Written by backstage-setup")) {
		return m, nil
	}
	var object struct {
		Kind string            `json:"kind"`
		Data map[string][]byte `json:"data"`
	}
	if err := yaml.Unmarshal(snapshot.Bytes, &object); err != nil || object.Kind != "Secret" {
		return m, fmt.Errorf("%q: was written by backstage-setup, but cannot be read any more; delete it or choose another with --secret-out", path)
	}
	m.Ours, m.Keys = true, map[string]secret.Text{}
	for name, value := range object.Data {
		m.Keys[name] = secret.New(string(value))
	}
	return m, nil
}

// Journal reads the journal that an interrupted run left in the state directory,
// at path; it is nil when there is none.
func (e *Env) Journal(path string) (*plan.Journal, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	snapshot, err := file.Read(path)
	if err != nil {
		return nil, err
	}
	j, err := plan.DecodeJournal(snapshot.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%q: the journal of an interrupted run cannot be read: %w\nlook at it, then delete it", path, err)
	}
	j.File = path
	return j, nil
}

const beginCertificate = "-----BEGIN CERTIFICATE-----"

// certificates reads a PEM file; the problem completes "The value …".
func (e *Env) certificates(path string) ([]byte, string) {
	snapshot, err := file.Read(path)
	switch {
	case err != nil:
		return nil, "must be a file that can be read: " + err.Error()
	case !snapshot.Exists:
		return nil, fmt.Sprintf("must be a file with certificates: there is no %s", path)
	case !bytes.Contains(snapshot.Bytes, []byte(beginCertificate)):
		return nil, "must be a PEM file, beginning with " + beginCertificate
	}
	return snapshot.Bytes, ""
}

// Certificates fills in what database.postgresql.caFile holds: a file's content, or
// what LookDatabases has read of the cluster.
func (e *Env) Certificates(c *plan.Current, path string) {
	c.PostgresCA, c.PostgresCAProblem = nil, ""
	switch {
	case path == "":
	case !strings.HasPrefix(path, caFromSecret):
		c.PostgresCA, c.PostgresCAProblem = e.certificates(path)
	case c.Local():
		c.PostgresCAProblem = "must be a file where no cluster is asked: " + path + " is in one"
	case c.Databases.CAFile == path:
		c.PostgresCA, c.PostgresCAProblem = c.Databases.CA, c.Databases.CAProblem
	default:
		c.PostgresCAProblem = "could not be read yet: the cluster has not answered"
	}
}

// Discover looks at the cluster for namespace, release and Secret.
func (e *Env) Discover(ctx context.Context, q k8s.Query) (k8s.Found, error) {
	if e.Cluster == nil {
		return k8s.Found{}, errors.New("no cluster")
	}
	return e.Cluster.Discover(ctx, q), nil
}
