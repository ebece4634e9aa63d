package k8s

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Release is the Helm release of the control plane. Chart and version are also
// known from labels where the release itself may not be read.
type Release struct {
	Name, Namespace string
	Installed       bool
	Chart           string // name, such as "openchoreo-control-plane"
	ChartVersion    string // such as "1.2.3"
	AppVersion      string // such as "v1.2.3"
	Owner           Owner  // who runs Helm: Flux, Argo CD, else Helm itself
	Revision        int
	Deployed        int            // the newest revision that was deployed; 0 when none is known
	Status          string         // Helm's, such as "deployed" or "pending-upgrade"
	Config          map[string]any // the values that the operator gave, as helm get values shows them
	Bytes           []byte         // as Helm stored it: base64, gzip, JSON of a release/v1; nil when it may not be read
	Manifest        string         // the objects that Helm applied, in YAML
	Unknown         string         // why Revision, Status, Config, Bytes and Manifest are not known
}

// releaseLimit bounds the release's memory; Helm's own Secrets end at 1 MiB
// compressed.
const releaseLimit = 64 << 20

// release reads the newest revision: first the names and labels of all, then
// one Secret. Superseded revisions are never the newest.
func (c *Client) release(ctx context.Context, q Query) Release {
	r := Release{Name: q.Release, Namespace: q.Namespace}
	all, err := c.revisions(ctx, q)
	if err != nil {
		r.Unknown = err.Error()
		return r
	}
	if len(all) == 0 {
		return r
	}
	r.Installed = true
	for _, o := range all {
		if o.Labels["status"] == "deployed" {
			r.Deployed = max(r.Deployed, revisionOf(o))
		}
	}
	newest := newestOf(all).Name
	s, err := c.Secret(ctx, q.Namespace, newest)
	if err != nil {
		r.Unknown = err.Error()
		return r
	}
	r.Bytes = []byte(s.Values["release"].Reveal())
	if err := r.decode(); err != nil {
		r.Unknown = fmt.Sprintf("Secret %s: %v", newest, err)
	}
	return r
}

// revisions lists the Secrets of a release's revisions, without those that a
// later one has superseded. Only metadata is listed.
func (c *Client) revisions(ctx context.Context, q Query) ([]metav1.PartialObjectMetadata, error) {
	var list metav1.PartialObjectMetadataList
	selector := "owner=helm,name=" + q.Release + ",status!=superseded"
	err := c.list(ctx, kind{"", "v1", "secrets"}, q.Namespace, selector, 500, &list)
	return list.Items, err
}

func newestOf(revisions []metav1.PartialObjectMetadata) metav1.PartialObjectMetadata {
	return slices.MaxFunc(revisions, func(a, b metav1.PartialObjectMetadata) int {
		return cmp.Compare(revisionOf(a), revisionOf(b))
	})
}

// ReleaseRevision returns the newest revision of a Helm release, 0 when there is
// none. It lists the names of Secrets.
func (c *Client) ReleaseRevision(ctx context.Context, namespace, release string) (int, error) {
	all, err := c.revisions(ctx, Query{Namespace: namespace, Release: release})
	if err != nil || len(all) == 0 {
		return 0, err
	}
	return revisionOf(newestOf(all)), nil
}

// ReleaseAt reads one revision of a Helm release, with its values and its chart. It
// returns ErrNotFound when Helm keeps it no more.
func (c *Client) ReleaseAt(ctx context.Context, namespace, release string, revision int) (Release, error) {
	name := fmt.Sprintf("sh.helm.release.v1.%s.v%d", release, revision)
	s, err := c.Secret(ctx, namespace, name)
	if err != nil {
		return Release{}, err
	}
	r := Release{Name: release, Namespace: namespace, Installed: true, Bytes: []byte(s.Values["release"].Reveal())}
	if err := r.decode(); err != nil {
		return Release{}, fmt.Errorf("Secret %s: %w", name, err)
	}
	return r, nil
}

func revisionOf(o metav1.PartialObjectMetadata) int {
	revision, err := strconv.Atoi(o.Labels["version"])
	if err != nil {
		return -1 // not written by Helm
	}
	return revision
}

// decode fills r from its Bytes.
func (r *Release) decode() error {
	packed, err := base64.StdEncoding.DecodeString(string(r.Bytes))
	if err != nil {
		return fmt.Errorf("the release is no base64: %w", err)
	}
	text := packed
	if bytes.HasPrefix(packed, []byte{0x1f, 0x8b}) { // Helm 2's were not compressed, and Helm still reads them
		unzip, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			return fmt.Errorf("the release is no gzip: %w", err)
		}
		if text, err = io.ReadAll(io.LimitReader(unzip, releaseLimit+1)); err != nil {
			return fmt.Errorf("the release is no gzip: %w", err)
		}
		if len(text) > releaseLimit {
			return fmt.Errorf("the release is larger than %d MiB", releaseLimit>>20)
		}
	}
	var stored struct {
		Info struct {
			Status string `json:"status"`
		} `json:"info"`
		Chart struct {
			Metadata struct {
				Name       string `json:"name"`
				Version    string `json:"version"`
				AppVersion string `json:"appVersion"`
			} `json:"metadata"`
		} `json:"chart"`
		Config   map[string]any `json:"config"`
		Manifest string         `json:"manifest"`
		Version  int            `json:"version"`
	}
	if err := json.Unmarshal(text, &stored); err != nil {
		return fmt.Errorf("the release is no JSON: %w", err)
	}
	r.Revision, r.Status, r.Config, r.Manifest = stored.Version, stored.Info.Status, stored.Config, stored.Manifest
	r.Chart, r.ChartVersion, r.AppVersion = stored.Chart.Metadata.Name, stored.Chart.Metadata.Version, stored.Chart.Metadata.AppVersion
	return nil
}

// releaseMarks are what Helm's charts write on every object of a release.
type releaseMarks struct {
	instance, chart, version string
	owner                    Owner
}

// complete takes from the marks of a Deployment what the release did not tell.
func (r *Release) complete(m releaseMarks) {
	if m.instance == "" || m.instance != r.Name {
		return
	}
	r.Installed, r.Owner = true, m.owner
	if r.ChartVersion == "" {
		r.Chart, r.ChartVersion = splitChartLabel(m.chart)
	}
	if r.AppVersion == "" {
		r.AppVersion = m.version
	}
}

var chartLabelValue = regexp.MustCompile(`^(.+?)-([0-9]+\.[0-9]+\.[0-9]+.*)$`)

// splitChartLabel takes apart helm.sh/chart, <name>-<version>. Charts write "_"
// for the "+" that a label cannot hold.
func splitChartLabel(chart string) (name, version string) {
	parts := chartLabelValue.FindStringSubmatch(chart)
	if parts == nil {
		return chart, ""
	}
	return parts[1], strings.ReplaceAll(parts[2], "_", "+")
}
