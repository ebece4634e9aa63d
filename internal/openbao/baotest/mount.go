package baotest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// engine is what is mounted: "kv" of version 1 or 2, or another kind that has nothing.
type engine struct {
	path     string // with a slash at its end
	kind     string
	options  map[string]string
	settings Settings
	entries  map[string]*entry          // of version 2
	plain    map[string]json.RawMessage // of version 1
}

// Mount mounts a key-value engine of a version at a path, in place of what is
// there.
func (s *Server) Mount(path string, version int) { s.MountIn("", path, version) }

// MountIn is Mount within a namespace.
func (s *Server) MountIn(namespace, path string, version int) {
	s.add(namespace, path, "kv", map[string]string{"version": fmt.Sprint(version)})
}

// MountOther mounts an engine that is no key-value engine, such as "pki".
func (s *Server) MountOther(path, kind string) { s.add("", path, kind, map[string]string{}) }

// Unmount removes what is mounted at a path.
func (s *Server) Unmount(path string) { s.set(func() { delete(s.mounts, key("", path)) }) }

func (s *Server) add(namespace, path, kind string, options map[string]string) {
	m := &engine{
		path: strings.Trim(path, "/") + "/", kind: kind, options: options,
		entries: map[string]*entry{}, plain: map[string]json.RawMessage{},
	}
	s.set(func() { s.mounts[key(namespace, path)] = m })
}

func (m *engine) version2() bool { return m.options["version"] == "2" }

// exists tells a create from an update. Pages of the engine beside entries know
// updates alone.
func (m *engine) exists(inside string) bool {
	if !m.version2() {
		_, ok := m.plain[inside]
		return ok
	}
	page, path, _ := strings.Cut(inside, "/")
	if page != "data" && page != "metadata" {
		return true
	}
	_, ok := m.entries[path]
	return ok
}

func (m *engine) handle(q request, inside string) reply {
	switch {
	case m.kind != "kv":
		return unsupported()
	case !m.version2():
		return m.handlePlain(q, inside)
	}
	page, path, _ := strings.Cut(inside, "/")
	read, write, remove := q.method == http.MethodGet, q.updates(), q.method == http.MethodDelete
	switch {
	case page == "config" && path == "" && read:
		return success(http.StatusOK, map[string]any{
			"max_versions": m.settings.MaxVersions, "cas_required": m.settings.CASRequired, "metadata_cas_required": false,
			"delete_version_after": m.settings.DeleteVersionAfter.String(),
		})
	case page == "data" && read:
		return m.read(path, q.query)
	case page == "data" && write:
		return m.write(path, q.body)
	case page == "data" && remove:
		return m.mark(path, 0)
	case page == "delete" && write, page == "undelete" && write, page == "destroy" && write:
		return m.change(page, path, q.body)
	case page == "metadata" && read:
		return m.metadata(path)
	case page == "metadata" && remove:
		delete(m.entries, path)
		return noContent
	}
	// An entry asked for as in version 1.
	a := success(http.StatusNotFound, nil)
	a.body.(map[string]any)["warnings"] = []string{"Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. If using the OpenBao CLI, use 'bao kv get' for this operation."}
	return a
}

// handlePlain is version 1, which stores whatever it is given at any path: what
// a client of version 2 sends ends up in an entry below "data/".
func (m *engine) handlePlain(q request, inside string) reply {
	switch q.method {
	case http.MethodGet:
		raw, ok := m.plain[inside]
		if !ok {
			return failure(http.StatusNotFound)
		}
		a := success(http.StatusOK, raw)
		a.body.(map[string]any)["lease_duration"] = 2764800
		return a
	case http.MethodDelete:
		delete(m.plain, inside)
		return noContent
	}
	if len(q.body) == 0 {
		return failure(http.StatusBadRequest, "missing data fields")
	}
	raw, err := json.Marshal(q.body)
	if err != nil {
		return failure(http.StatusInternalServerError, "json encoding failed")
	}
	m.plain[inside] = raw
	return noContent
}
