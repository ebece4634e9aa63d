package baotest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Settings are those of an engine or of one entry. Zero is "not set".
type Settings struct {
	MaxVersions        int
	CASRequired        bool
	DeleteVersionAfter time.Duration
}

// entry is an entry of version 2 with its versions.
type entry struct {
	settings         Settings
	custom           map[string]string
	current, oldest  int
	created, updated time.Time
	versions         map[int]*entryVersion
}

type entryVersion struct {
	data             json.RawMessage
	created, deleted time.Time // deleted: zero for never, may be in the future
	destroyed        bool
}

func (v *entryVersion) gone() bool {
	return v.destroyed || (!v.deleted.IsZero() && v.deleted.Before(now()))
}

// stamp writes a time as the API does, "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

func (m *engine) read(path string, query map[string][]string) reply {
	e, ok := m.entries[path]
	if !ok {
		return failure(http.StatusNotFound)
	}
	number := e.current
	if asked, ok := query["version"]; ok {
		n, err := strconv.Atoi(asked[0])
		if err != nil {
			return failure(http.StatusBadRequest, "Field validation failed: error converting input for field \"version\"")
		}
		if n > 0 {
			number = n
		}
	}
	v, ok := e.versions[number]
	if !ok {
		return failure(http.StatusNotFound)
	}
	metadata := e.describe(number)
	if v.gone() {
		return success(http.StatusNotFound, map[string]any{"data": nil, "metadata": metadata})
	}
	// The server reads what is stored with 64-bit floating point.
	var data map[string]any
	if err := json.Unmarshal(v.data, &data); err != nil {
		return failure(http.StatusInternalServerError, "1 error occurred:\n\t* internal error\n\n")
	}
	return success(http.StatusOK, map[string]any{"data": data, "metadata": metadata})
}

// describe is the metadata of one version.
func (e *entry) describe(number int) map[string]any {
	v := e.versions[number]
	return map[string]any{
		"version": number, "created_time": stamp(v.created), "deletion_time": stamp(v.deleted), "destroyed": v.destroyed, "custom_metadata": e.custom,
	}
}

func (m *engine) write(path string, body map[string]json.RawMessage) reply {
	if path == "" {
		return failure(http.StatusBadRequest, "missing path")
	}
	var data map[string]json.RawMessage
	raw, ok := body["data"]
	if !ok {
		return failure(http.StatusBadRequest, "no data provided")
	}
	if json.Unmarshal(raw, &data) != nil {
		return failure(http.StatusBadRequest, "error converting input for field \"data\": '' expected type 'map[string]interface {}'")
	}
	var options map[string]json.RawMessage
	if raw, ok := body["options"]; ok && json.Unmarshal(raw, &options) != nil {
		return failure(http.StatusBadRequest, "error converting input for field \"options\"")
	}
	e, ok := m.entries[path]
	if !ok {
		e = &entry{versions: map[int]*entryVersion{}}
	}
	if raw, ok := options["cas"]; ok {
		var cas int
		if json.Unmarshal(raw, &cas) != nil {
			return failure(http.StatusBadRequest, "error parsing check-and-set parameter")
		}
		if cas != e.current {
			return failure(http.StatusBadRequest, "check-and-set parameter did not match the current version")
		}
	} else if m.settings.CASRequired || e.settings.CASRequired {
		return failure(http.StatusBadRequest, "check-and-set parameter required for this call")
	}
	m.entries[path] = e
	e.add(body["data"], m.settings)
	return success(http.StatusOK, e.describe(e.current))
}

// add makes a new version and drops those that are too many.
func (e *entry) add(data json.RawMessage, engine Settings) {
	const kept = 10 // unless somebody says otherwise
	t := now()
	v := &entryVersion{data: data, created: t}
	after := e.settings.DeleteVersionAfter
	if engine.DeleteVersionAfter > 0 && (after == 0 || engine.DeleteVersionAfter < after) {
		after = engine.DeleteVersionAfter
	}
	if after > 0 {
		v.deleted = t.Add(after)
	}
	e.current++
	e.versions[e.current] = v
	e.updated = t
	if e.created.IsZero() {
		e.created = t
	}
	limit := max(e.settings.MaxVersions, engine.MaxVersions)
	if limit == 0 {
		limit = kept
	}
	if e.current-e.oldest >= limit {
		for n := range e.versions {
			if n <= e.current-limit {
				delete(e.versions, n)
			}
		}
		e.oldest = e.current - limit + 1
	}
}

func (m *engine) metadata(path string) reply {
	e, ok := m.entries[path]
	if !ok {
		return failure(http.StatusNotFound)
	}
	versions := map[string]any{}
	for n, v := range e.versions {
		versions[strconv.Itoa(n)] = map[string]any{"created_time": stamp(v.created), "deletion_time": stamp(v.deleted), "destroyed": v.destroyed}
	}
	return success(http.StatusOK, map[string]any{
		"versions": versions, "current_version": e.current, "current_metadata_version": 0, "oldest_version": e.oldest,
		"created_time": stamp(e.created), "updated_time": stamp(e.updated), "max_versions": e.settings.MaxVersions,
		"cas_required": e.settings.CASRequired, "metadata_cas_required": false,
		"delete_version_after": e.settings.DeleteVersionAfter.String(), "custom_metadata": e.custom,
	})
}

// change is delete, undelete or destroy of versions that are named.
func (m *engine) change(page, path string, body map[string]json.RawMessage) reply {
	var versions []int
	if json.Unmarshal(body["versions"], &versions) != nil || len(versions) == 0 {
		return failure(http.StatusBadRequest, "No version number provided")
	}
	e, ok := m.entries[path]
	if !ok {
		return noContent
	}
	for _, n := range versions {
		v, ok := e.versions[n]
		switch {
		case !ok || v.destroyed:
		case page == "destroy":
			v.destroyed, v.data = true, nil
		case page == "undelete":
			v.deleted = time.Time{}
		case !v.gone():
			v.deleted = now()
		}
	}
	return noContent
}

// mark deletes a version, 0 for the latest.
func (m *engine) mark(path string, number int) reply {
	if e, ok := m.entries[path]; ok {
		if number == 0 {
			number = e.current
		}
		if v, ok := e.versions[number]; ok && !v.gone() {
			v.deleted = now()
		}
	}
	return noContent
}
