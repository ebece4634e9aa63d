package baotest

import (
	"encoding/json"
	"fmt"
)

// Configure changes the settings of the engine at a mount.
func (s *Server) Configure(mount string, settings Settings) {
	s.on(mount, func(m *engine) { m.settings = settings })
}

// Tune changes the settings and the custom metadata of one entry, and makes one
// without versions if there is none.
func (s *Server) Tune(mount, path string, settings Settings, custom map[string]string) {
	s.on(mount, func(m *engine) {
		e := m.entry(path)
		e.settings, e.custom = settings, custom
	})
}

// Put writes a JSON object as a new version, as somebody else would, and returns
// its number. It asks for no check-and-set.
func (s *Server) Put(mount, path, object string) (version int) {
	s.on(mount, func(m *engine) {
		if !json.Valid([]byte(object)) {
			panic("baotest: not JSON: " + object)
		}
		e := m.entry(path)
		e.add(json.RawMessage(object), m.settings)
		version = e.current
	})
	return version
}

// Get returns the latest version as it was written, and its number; "" and the
// number if it is deleted, "" and 0 if there is none.
func (s *Server) Get(mount, path string) (object string, version int) {
	s.on(mount, func(m *engine) {
		e, ok := m.entries[path]
		if !ok || e.current == 0 {
			return
		}
		version = e.current
		if v := e.versions[e.current]; !v.gone() {
			object = string(v.data)
		}
	})
	return object, version
}

// Delete marks a version as deleted, as a person would.
func (s *Server) Delete(mount, path string, version int) {
	s.on(mount, func(m *engine) { m.mark(path, version) })
}

// Destroy removes the data of a version for good.
func (s *Server) Destroy(mount, path string, version int) {
	s.on(mount, func(m *engine) {
		m.change("destroy", path, map[string]json.RawMessage{"versions": fmt.Appendf(nil, "[%d]", version)})
	})
}

// Plain returns what an engine of version 1 holds: objects by path.
func (s *Server) Plain(mount string) map[string]string {
	all := map[string]string{}
	s.on(mount, func(m *engine) {
		for path, object := range m.plain {
			all[path] = string(object)
		}
	})
	return all
}

// on changes the engine at a mount, which may be "namespace|path".
func (s *Server) on(mount string, change func(*engine)) {
	s.set(func() {
		m, ok := s.mounts[mount]
		if !ok {
			m, ok = s.mounts[key("", mount)]
		}
		if !ok {
			panic("baotest: nothing is mounted at " + mount)
		}
		change(m)
	})
}

func (m *engine) entry(path string) *entry {
	e, ok := m.entries[path]
	if !ok {
		t := now()
		e = &entry{versions: map[int]*entryVersion{}, created: t, updated: t}
		m.entries[path] = e
	}
	return e
}
