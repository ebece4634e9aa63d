package openbao_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/openbao"
	"github.com/openchoreo/backstage-setup/internal/openbao/baotest"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

// server is what the tests of the protocol need of one, so that the same tests
// can be pointed at a real OpenBao.
type server interface {
	Address() string
	Root() string
	Client() *http.Client
	Token(rules map[string][]string) string
	Mount(namespace, path string, version int)
	MountOther(path, kind string)
	Configure(mount string, settings baotest.Settings)
	Tune(mount, path string, settings baotest.Settings, custom map[string]string)
	Delete(mount, path string, version int)
	Destroy(mount, path string, version int)
	Seal()
}

// double is baotest's server.
type double struct{ *baotest.Server }

func (d double) Address() string { return d.URL }
func (d double) Root() string    { return baotest.RootToken }
func (d double) Mount(namespace, path string, version int) {
	d.MountIn(namespace, path, version)
}

func TestProtocol(t *testing.T) { testProtocol(t, double{baotest.Start(t)}) }

// everything on the paths of one engine, as a policy's file has it.
func everything(mount string) map[string][]string {
	return map[string][]string{mount + "/*": {"create", "read", "update", "delete", "list"}}
}

func open(t *testing.T, s server, token, mount string) *openbao.Store {
	t.Helper()
	return openIn(t, s, token, "", mount)
}

func openIn(t *testing.T, s server, token, namespace, mount string) *openbao.Store {
	t.Helper()
	store, err := openbao.Open(openbao.Config{
		Address: s.Address(), Namespace: namespace, Mount: mount, Token: secret.New(token), HTTP: s.Client(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// with makes Data of names and values in turn.
func with(t *testing.T, d openbao.Data, pairs ...string) openbao.Data {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		var err error
		if d, err = d.With(pairs[i], secret.New(pairs[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func write(t *testing.T, s *openbao.Store, path string, d openbao.Data, cas int) int {
	t.Helper()
	version, err := s.Write(t.Context(), path, d, cas)
	if err != nil {
		t.Fatal(err)
	}
	return version
}

func read(t *testing.T, s *openbao.Store, path string) openbao.Entry {
	t.Helper()
	e, err := s.Read(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func wantText(t *testing.T, d openbao.Data, name, want string) {
	t.Helper()
	if got, ok := d.Text(name); !ok || got.Reveal() != want {
		t.Errorf("property %q: %v, want %q", name, ok, want)
	}
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func testProtocol(t *testing.T, s server) {
	t.Run("health", func(t *testing.T) {
		// In a namespace too: the pages are the server's.
		h, err := openIn(t, s, "", "division", "secret").Health(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !h.Initialized || h.Sealed || h.Standby || h.Seal != "shamir" || h.Threshold != 1 || h.Shares != 1 {
			t.Errorf("%+v", h)
		}
		if !h.InMemory() || h.Storage != "inmem" || !strings.HasPrefix(h.Version, "2.") || h.Cluster == "" {
			t.Errorf("%+v", h)
		}
	})
	t.Run("first write, second write, and one that is late", func(t *testing.T) {
		s.Mount("", "writes", 2)
		store := open(t, s, s.Token(everything("writes")), "writes")
		if e, err := store.Read(t.Context(), "a/b"); !errors.Is(err, openbao.ErrNotFound) || e.Version != 0 {
			t.Fatalf("version %d, %v", e.Version, err)
		}
		if v := write(t, store, "a/b", with(t, openbao.Data{}, "value", "one", "empty", ""), 0); v != 1 {
			t.Errorf("version %d", v)
		}
		_, err := store.Write(t.Context(), "a/b", with(t, openbao.Data{}, "value", "other"), 0)
		wantError(t, err, openbao.ErrChanged)
		if v := write(t, store, "a/b", with(t, read(t, store, "a/b").Data, "value", "two"), 1); v != 2 {
			t.Errorf("version %d", v)
		}
		for _, cas := range []int{0, 1, 3} {
			_, err := store.Write(t.Context(), "a/b", with(t, openbao.Data{}, "value", "late"), cas)
			wantError(t, err, openbao.ErrChanged)
		}
		e := read(t, store, "a/b")
		wantText(t, e.Data, "value", "two")
		wantText(t, e.Data, "empty", "")
		if e.Version != 2 || e.Created.IsZero() || !e.Expires.IsZero() || len(e.Custom) != 0 {
			t.Errorf("%+v", e)
		}
		first, err := store.ReadVersion(t.Context(), "a/b", 1)
		if err != nil {
			t.Fatal(err)
		}
		wantText(t, first.Data, "value", "one")
		_, err = store.ReadVersion(t.Context(), "a/b", 3)
		wantError(t, err, openbao.ErrNotFound)
	})
	t.Run("paths", func(t *testing.T) {
		s.Mount("", "team/kv", 2)
		store := open(t, s, s.Token(everything("team/kv")), "team/kv")
		for _, path := range []string{"plain", "with blank", "a/b%2Fc", "100%", "q?x=1", "h#f", "plus+semi;colon:at@", "ümlaut/日本", `back\slash`, `"quote"`, "...", "data/x"} {
			write(t, store, path, with(t, openbao.Data{}, "value", path), 0)
			wantText(t, read(t, store, path).Data, "value", path)
			if m, err := store.Metadata(t.Context(), path); err != nil || m.CurrentVersion != 1 {
				t.Errorf("%q: %+v, %v", path, m, err)
			}
		}
	})
	t.Run("values", func(t *testing.T) {
		s.Mount("", "values", 2)
		store := open(t, s, s.Root(), "values")
		long := strings.Repeat("x", 900<<10)
		for _, value := range []string{"<>&'\"\\\u2028", "line\r\nend\n", "\u0000\u0007", "日本\U0001F511", long} {
			cas := 0
			if e, err := store.Read(t.Context(), "x"); err == nil {
				cas = e.Version
			}
			write(t, store, "x", with(t, openbao.Data{}, "value", value), cas)
			wantText(t, read(t, store, "x").Data, "value", value)
		}
	})
	t.Run("deleted and destroyed", func(t *testing.T) {
		s.Mount("", "gone", 2)
		store := open(t, s, s.Token(everything("gone")), "gone")
		data := with(t, openbao.Data{}, "value", "x")
		for cas := range 3 {
			write(t, store, "x", data, cas)
		}
		s.Delete("gone", "x", 3)
		s.Destroy("gone", "x", 1)
		e, err := store.Read(t.Context(), "x")
		wantError(t, err, openbao.ErrDeleted)
		if e.Version != 3 || len(e.Data.Names()) != 0 || e.Expires.IsZero() {
			t.Errorf("%+v", e)
		}
		e, err = store.ReadVersion(t.Context(), "x", 1)
		wantError(t, err, openbao.ErrDeleted)
		if e.Version != 1 || !e.Expires.IsZero() {
			t.Errorf("%+v", e)
		}
		_, err = store.Write(t.Context(), "x", data, 0)
		wantError(t, err, openbao.ErrChanged)
		if v := write(t, store, "x", data, 3); v != 4 {
			t.Errorf("version %d", v)
		}
		m, err := store.Metadata(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		if !m.Versions[1].Destroyed || m.Versions[2].Destroyed || !m.Versions[2].Deleted.IsZero() || m.Versions[3].Deleted.IsZero() {
			t.Errorf("%+v", m)
		}
	})
	t.Run("metadata and limits", func(t *testing.T) {
		s.Mount("", "limits", 2)
		s.Configure("limits", baotest.Settings{CASRequired: true})
		s.Tune("limits", "x", baotest.Settings{MaxVersions: 3, CASRequired: true, DeleteVersionAfter: 2 * time.Hour}, map[string]string{"team": "portal"})
		store := open(t, s, s.Token(everything("limits")), "limits")
		_, err := store.Read(t.Context(), "x")
		wantError(t, err, openbao.ErrNotFound)
		for cas := range 5 {
			write(t, store, "x", with(t, openbao.Data{}, "value", "x"), cas)
		}
		m, err := store.Metadata(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		if m.CurrentVersion != 5 || m.OldestVersion != 3 || m.MaxVersions != 3 || !m.CASRequired || m.DeleteVersionAfter != 2*time.Hour || len(m.Versions) != 3 || m.Created.IsZero() || m.Updated.IsZero() {
			t.Errorf("%+v", m)
		}
		l, err := store.Limits(t.Context())
		if err != nil || !cmp.Equal(l, openbao.Limits{CASRequired: true}) {
			t.Errorf("%+v, %v", l, err)
		}
		if kept := m.KeptVersions(l); kept != 3 {
			t.Errorf("keeps %d", kept)
		}
		e := read(t, store, "x")
		if left := e.Expires.Sub(e.Created); left != 2*time.Hour || e.Custom["team"] != "portal" {
			t.Errorf("%v, %v", left, e.Custom)
		}
		_, err = store.ReadVersion(t.Context(), "x", 2)
		wantError(t, err, openbao.ErrNotFound)
		_, err = store.Metadata(t.Context(), "y")
		wantError(t, err, openbao.ErrNotFound)
	})
	t.Run("the larger limit counts", func(t *testing.T) {
		s.Mount("", "larger", 2)
		s.Configure("larger", baotest.Settings{MaxVersions: 4})
		s.Tune("larger", "x", baotest.Settings{MaxVersions: 1}, nil)
		store := open(t, s, s.Token(everything("larger")), "larger")
		for cas := range 6 {
			write(t, store, "x", with(t, openbao.Data{}, "value", "x"), cas)
		}
		m, err := store.Metadata(t.Context(), "x")
		if err != nil || len(m.Versions) != 4 {
			t.Errorf("%+v, %v", m, err)
		}
		if l, err := store.Limits(t.Context()); err != nil || m.KeptVersions(l) != 4 {
			t.Errorf("%+v, %v", l, err)
		}
	})
	t.Run("rights", func(t *testing.T) {
		s.Mount("", "rights", 2)
		tests := map[string]struct {
			rules map[string][]string
			want  openbao.Rights
		}{
			"all": {everything("rights"), openbao.Rights{Read: true, Create: true, Update: true, Delete: true, ReadMetadata: true, ReadLimits: true}},
			// What OpenChoreo's own set-up gives its writers.
			"data and metadata": {
				map[string][]string{"rights/data/*": {"create", "read", "update", "delete"}, "rights/metadata/*": {"create", "read", "update", "delete", "list"}},
				openbao.Rights{Read: true, Create: true, Update: true, Delete: true, ReadMetadata: true},
			},
			"read":                {map[string][]string{"rights/data/*": {"read"}}, openbao.Rights{Read: true}},
			"write alone":         {map[string][]string{"rights/data/some/+": {"create", "update"}}, openbao.Rights{Create: true, Update: true}},
			"mark":                {map[string][]string{"rights/delete/some/path": {"update"}}, openbao.Rights{Delete: true}},
			"denied in the midst": {map[string][]string{"rights/*": {"create", "read", "update"}, "rights/data/some/*": {"deny"}}, openbao.Rights{Delete: true, ReadMetadata: true, ReadLimits: true}},
			"none":                {nil, openbao.Rights{}},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				got, err := open(t, s, s.Token(tt.rules), "rights").Rights(t.Context(), "some/path")
				if err != nil || got != tt.want {
					t.Errorf("%+v, %v", got, err)
				}
			})
		}
		got, err := open(t, s, s.Root(), "rights").Rights(t.Context(), "some/path")
		if want := tests["all"].want; err != nil || got != want {
			t.Errorf("root: %+v, %v", got, err)
		}
		_, err = open(t, s, s.Token(map[string][]string{"sys/capabilities-self": {"deny"}}), "rights").Rights(t.Context(), "some/path")
		wantError(t, err, openbao.ErrForbidden)
	})
	t.Run("not allowed", func(t *testing.T) {
		s.Mount("", "closed", 2)
		write(t, open(t, s, s.Root(), "closed"), "mine", with(t, openbao.Data{}, "value", "x"), 0)
		store := open(t, s, s.Token(map[string][]string{"closed/data/mine": {"read"}}), "closed")
		wantText(t, read(t, store, "mine").Data, "value", "x")
		_, err := store.Read(t.Context(), "yours")
		wantError(t, err, openbao.ErrForbidden)
		for path, cas := range map[string]int{"mine": 1, "yours": 0} {
			_, err := store.Write(t.Context(), path, openbao.Data{}, cas)
			wantError(t, err, openbao.ErrForbidden)
		}
		_, err = store.Metadata(t.Context(), "mine")
		wantError(t, err, openbao.ErrForbidden)
		_, err = store.Limits(t.Context())
		wantError(t, err, openbao.ErrForbidden)
	})
	t.Run("tokens", func(t *testing.T) {
		for name, token := range map[string]string{"none": "", "unknown": "s.unknown", "not of this kind": "whatever"} {
			t.Run(name, func(t *testing.T) {
				store := open(t, s, token, "secret")
				_, err := store.Read(t.Context(), "x")
				wantError(t, err, openbao.ErrForbidden)
				_, err = store.Write(t.Context(), "x", openbao.Data{}, 0)
				wantError(t, err, openbao.ErrForbidden)
				_, err = store.Rights(t.Context(), "x")
				wantError(t, err, openbao.ErrForbidden)
				_, err = store.Mounted(t.Context())
				wantError(t, err, openbao.ErrForbidden)
			})
		}
	})
	t.Run("mounts", func(t *testing.T) {
		s.Mount("", "old", 1)
		s.Mount("", "new", 2)
		s.MountOther("certs", "pki")
		limited := s.Token(map[string][]string{"old/*": {"create", "read", "update"}, "new/data/x": {"read"}, "certs/*": {"read", "create", "update"}, "nowhere/*": {"create", "read", "update"}})
		tests := []struct {
			name, token, mount string
			want               error
			says               string
		}{
			{"version 2", limited, "new", openbao.ErrNotFound, ""},
			{"version 2, root", s.Root(), "new", openbao.ErrNotFound, ""},
			{"version 1", limited, "old", openbao.ErrWrongMount, "version 1"},
			{"version 1, root", s.Root(), "old", openbao.ErrWrongMount, "version 1"},
			{"another engine", s.Root(), "certs", openbao.ErrWrongMount, `type "pki"`},
			{"another engine, limited", limited, "certs", openbao.ErrWrongMount, `type "pki"`},
			{"none", s.Root(), "nowhere", openbao.ErrWrongMount, "nothing is mounted"},
			{"none, and rights as if", limited, "nowhere", openbao.ErrWrongMount, "nothing is mounted"},
			{"none, and no rights", limited, "elsewhere", openbao.ErrForbidden, "or nothing is mounted there"},
			{"too long", s.Root(), "new/x", openbao.ErrWrongMount, `the mount is "new/"`},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				store := open(t, s, tt.token, tt.mount)
				_, err := store.Read(t.Context(), "x")
				wantError(t, err, tt.want)
				if err == nil || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("error %v, want %q in it", err, tt.says)
				}
				m, err := open(t, s, tt.token, tt.mount).Mounted(t.Context())
				if errors.Is(tt.want, openbao.ErrNotFound) {
					if err != nil || m.Type != "kv" || m.Version != 2 || m.Path != tt.mount+"/" {
						t.Errorf("%+v, %v", m, err)
					}
					return
				}
				wantError(t, err, tt.want)
				_, err = store.Write(t.Context(), "x", openbao.Data{}, 0)
				wantError(t, err, tt.want)
			})
		}
		t.Run("version 1 keeps what looks like version 2", func(t *testing.T) {
			_, err := open(t, s, limited, "old").Metadata(t.Context(), "x")
			wantError(t, err, openbao.ErrWrongMount)
		})
	})
	t.Run("namespace", func(t *testing.T) {
		s.Mount("division", "inner", 2)
		store := openIn(t, s, s.Root(), "division/", "inner")
		write(t, store, "x", with(t, openbao.Data{}, "value", "inside"), 0)
		wantText(t, read(t, store, "x").Data, "value", "inside")
		if r, err := store.Rights(t.Context(), "x"); err != nil || !r.Update {
			t.Errorf("%+v, %v", r, err)
		}
		if _, err := store.Mounted(t.Context()); err != nil {
			t.Error(err)
		}
		_, err := open(t, s, s.Root(), "inner").Read(t.Context(), "x")
		wantError(t, err, openbao.ErrWrongMount)
		_, err = openIn(t, s, s.Root(), "nowhere", "inner").Read(t.Context(), "x")
		wantError(t, err, openbao.ErrWrongMount)
		if err == nil || !strings.Contains(err.Error(), "no such namespace") {
			t.Errorf("%v", err)
		}
	})
	t.Run("undo", func(t *testing.T) { testUndo(t, s) })
	t.Run("sealed", func(t *testing.T) {
		s.Seal()
		store := open(t, s, s.Root(), "secret")
		_, err := store.Read(t.Context(), "x")
		wantError(t, err, openbao.ErrSealed)
		_, err = store.Write(t.Context(), "x", openbao.Data{}, 0)
		wantError(t, err, openbao.ErrSealed)
		_, err = store.Rights(t.Context(), "x")
		wantError(t, err, openbao.ErrSealed)
		h, err := store.Health(t.Context())
		if err != nil || !h.Initialized || !h.Sealed {
			t.Errorf("%+v, %v", h, err)
		}
	})
}

func testUndo(t *testing.T, s server) {
	s.Mount("", "undo", 2)
	s.Mount("", "single", 2)
	s.Configure("single", baotest.Settings{MaxVersions: 1})
	data := with(t, openbao.Data{}, "value", "old")
	root := open(t, s, s.Root(), "undo")

	t.Run("put back", func(t *testing.T) {
		write(t, root, "x", data, 0)
		u, err := root.Undoable(t.Context(), "x")
		if err != nil || u != (openbao.Undo{Possible: true, Version: 1, Live: true}) {
			t.Fatalf("%+v, %v", u, err)
		}
		cas := write(t, root, "x", with(t, data, "value", "new", "more", "y"), u.Version)
		_, err = root.Restore(t.Context(), "x", u.Version, cas-1)
		wantError(t, err, openbao.ErrChanged)
		v, err := root.Restore(t.Context(), "x", u.Version, cas)
		if err != nil || v != 3 {
			t.Fatalf("version %d, %v", v, err)
		}
		if e := read(t, root, "x"); !e.Data.Equal(data) || e.Version != 3 {
			t.Errorf("version %d, properties %v", e.Version, e.Data.Names())
		}
	})
	t.Run("the earlier version is gone", func(t *testing.T) {
		for cas := range 2 {
			write(t, root, "gone", data, cas)
		}
		s.Destroy("undo", "gone", 1)
		_, err := root.Restore(t.Context(), "gone", 1, 2)
		wantError(t, err, openbao.ErrDeleted)
		_, err = root.Restore(t.Context(), "gone", 7, 2)
		wantError(t, err, openbao.ErrNotFound)
	})
	t.Run("one version is kept", func(t *testing.T) {
		store := open(t, s, s.Root(), "single")
		write(t, store, "x", data, 0)
		u, err := store.Undoable(t.Context(), "x")
		if err != nil || u.Possible || u.Unknown || !u.Live || !strings.Contains(u.Why, "keeps one version") {
			t.Fatalf("%+v, %v", u, err)
		}
		// And it is so.
		cas := write(t, store, "x", with(t, data, "value", "new"), 1)
		_, err = store.Restore(t.Context(), "x", 1, cas)
		wantError(t, err, openbao.ErrNotFound)
	})
	t.Run("not known", func(t *testing.T) {
		write(t, root, "dark", data, 0)
		write(t, root, "dim", data, 0)
		write(t, root, "light", data, 0)
		write(t, root, "light", data, 1)
		store := open(t, s, s.Token(map[string][]string{"undo/data/*": {"read"}, "undo/metadata/light": {"read"}, "undo/metadata/dim": {"read"}}), "undo")
		for path, possible := range map[string]bool{"dark": false, "dim": false, "light": true} {
			u, err := store.Undoable(t.Context(), path)
			if err != nil || u.Possible != possible || u.Unknown == possible || (u.Why == "") != possible {
				t.Errorf("%s: %+v, %v", path, u, err)
			}
		}
	})
	for name, rules := range map[string][]string{
		"by version": {"undo/data/* create read update", "undo/delete/* update"},
		"the latest": {"undo/data/* create read update delete"},
	} {
		t.Run("a new entry, "+name, func(t *testing.T) {
			policy := map[string][]string{}
			for _, rule := range rules {
				fields := strings.Fields(rule)
				policy[fields[0]] = fields[1:]
			}
			store, path := open(t, s, s.Token(policy), "undo"), "new/"+name
			u, err := store.Undoable(t.Context(), path)
			if err != nil || u != (openbao.Undo{Possible: true}) {
				t.Fatalf("%+v, %v", u, err)
			}
			v := write(t, store, path, data, u.Version)
			wantError(t, store.DeleteNew(t.Context(), path, v+1), openbao.ErrChanged)
			read(t, store, path)
			for range 2 { // the second finds it done
				if err := store.DeleteNew(t.Context(), path, v); err != nil {
					t.Fatal(err)
				}
			}
			_, err = store.Read(t.Context(), path)
			wantError(t, err, openbao.ErrDeleted)
			// The next run goes on from there.
			u, err = store.Undoable(t.Context(), path)
			if err != nil || u != (openbao.Undo{Possible: true, Version: 1}) {
				t.Fatalf("%+v, %v", u, err)
			}
			write(t, store, path, data, u.Version)
			wantError(t, store.DeleteNew(t.Context(), path, v), openbao.ErrChanged)
			if err := store.DeleteNew(t.Context(), "never/there", 1); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("no right to delete", func(t *testing.T) {
		store := open(t, s, s.Token(map[string][]string{"undo/data/*": {"create", "read", "update"}}), "undo")
		v := write(t, store, "kept", data, 0)
		wantError(t, store.DeleteNew(t.Context(), "kept", v), openbao.ErrForbidden)
		if got := read(t, store, "kept").Data.Names(); !slices.Equal(got, []string{"value"}) {
			t.Errorf("properties %v", got)
		}
	})
}
