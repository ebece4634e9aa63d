package charttest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"sigs.k8s.io/yaml"
)

// Media types of a chart in a registry, as helm push writes them.
const (
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	ConfigType   = "application/vnd.cncf.helm.config.v1+json"
	LayerType    = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
)

// Registry is an OCI registry to pull from: the part of the distribution
// protocol that reads, with a login by password or by token. It is an
// http.Handler; Add fills it.
type Registry struct {
	// User and Password are who may read; without them everybody may.
	User, Password string
	// Tokens: what the password gives is a token of /token, not the charts.
	Tokens bool

	mu    sync.Mutex
	blobs map[string][]byte            // by digest
	tags  map[string]map[string]string // repository to tag to the manifest's digest
}

// Push adds the chart archive at path under its name and version, below
// namespace, and returns its repository.
func (r *Registry) Push(tb testing.TB, namespace, archive string) string {
	tb.Helper()
	layer, err := os.ReadFile(archive)
	if err != nil {
		tb.Fatal(err)
	}
	metadata := chartYAML(tb, layer)
	config, err := json.Marshal(metadata)
	if err != nil {
		tb.Fatal(err)
	}
	repository := path.Join(namespace, fmt.Sprint(metadata["name"]))
	r.Add(repository, strings.ReplaceAll(fmt.Sprint(metadata["version"]), "+", "_"), ConfigType, config, LayerType, layer)
	return repository
}

// Add adds an artifact of one layer and returns the manifest's digest.
func (r *Registry) Add(repository, tag, configType string, config []byte, layerType string, layer []byte) string {
	manifest := fmt.Sprintf(`{"schemaVersion": 2, "mediaType": %q, "config": {"mediaType": %q, "digest": %q, "size": %d}, "layers": [{"mediaType": %q, "digest": %q, "size": %d}]}`,
		manifestType, configType, r.blob(config), len(config), layerType, r.blob(layer), len(layer))
	return r.Tag(repository, tag, []byte(manifest))
}

// Tag adds a manifest and returns its digest.
func (r *Registry) Tag(repository, tag string, manifest []byte) string {
	digest := r.blob(manifest)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tags == nil {
		r.tags = map[string]map[string]string{}
	}
	if r.tags[repository] == nil {
		r.tags[repository] = map[string]string{}
	}
	r.tags[repository][tag] = digest
	return digest
}

func (r *Registry) blob(data []byte) string {
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256(data))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.blobs == nil {
		r.blobs = map[string][]byte{}
	}
	r.blobs[digest] = data
	return digest
}

func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	user, password, _ := req.BasicAuth()
	known := r.User == "" || user == r.User && password == r.Password
	token := base64.StdEncoding.EncodeToString([]byte("token of " + r.User))
	switch {
	case req.URL.Path == "/token" && known:
		writeJSON(w, map[string]any{"token": token})
		return
	case req.URL.Path == "/token":
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
		return
	case r.Tokens && req.Header.Get("Authorization") != "Bearer "+token:
		w.Header().Set("Www-Authenticate", `Bearer realm="http://`+req.Host+`/token",service="charttest"`)
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
		return
	case !r.Tokens && !known:
		w.Header().Set("Www-Authenticate", `Basic realm="charttest"`)
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
		return
	}
	rest := strings.TrimPrefix(req.URL.Path, "/v2/")
	r.mu.Lock()
	defer r.mu.Unlock()
	if repository, ok := strings.CutSuffix(rest, "/tags/list"); ok {
		if r.tags[repository] == nil {
			refuse(w, http.StatusNotFound, "NAME_UNKNOWN")
			return
		}
		tags := make([]string, 0, len(r.tags[repository]))
		for tag := range r.tags[repository] {
			tags = append(tags, tag)
		}
		slices.Sort(tags)
		writeJSON(w, map[string]any{"name": repository, "tags": tags})
		return
	}
	digest, kind := path.Base(rest), path.Base(path.Dir(rest))
	if named := r.tags[path.Dir(path.Dir(rest))][digest]; kind == "manifests" && named != "" {
		digest = named
	}
	data, ok := r.blobs[digest]
	if !ok {
		refuse(w, http.StatusNotFound, "MANIFEST_UNKNOWN")
		return
	}
	w.Header().Set("Docker-Content-Digest", digest)
	w.Header().Set("Content-Type", "application/octet-stream")
	if kind == "manifests" {
		w.Header().Set("Content-Type", manifestType)
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(data)))
	w.Write(data)
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"errors": [{"code": %q, "message": "no"}]}`, code)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

// chartYAML reads the metadata of a chart archive.
func chartYAML(tb testing.TB, archive []byte) map[string]any {
	tb.Helper()
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		tb.Fatal(err)
	}
	for files := tar.NewReader(unzipped); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			tb.Fatal("charttest: the archive has no Chart.yaml")
		}
		if err != nil {
			tb.Fatal(err)
		}
		if strings.Count(header.Name, "/") != 1 || filepath.Base(header.Name) != "Chart.yaml" {
			continue
		}
		data, err := io.ReadAll(files)
		if err != nil {
			tb.Fatal(err)
		}
		var metadata map[string]any
		if err := yaml.Unmarshal(data, &metadata); err != nil {
			tb.Fatal(err)
		}
		return metadata
	}
}
