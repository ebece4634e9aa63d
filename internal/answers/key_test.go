package answers

import (
	"reflect"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/secret"
)

// samples holds a value of each kind that is not the zero one.
var samples = map[Kind]any{
	String: "text", Bool: true, Int: 7, List: []string{"a", "b"}, Hidden: secret.Typed(secret.New("s")),
	Env: []EnvVar{{Name: "A", Value: "b"}},
}

// TestEveryKeyIsItsOwn: each key has a kind, takes a value of that kind and no
// other, gives it back, and changes no other key.
func TestEveryKeyIsItsOwn(t *testing.T) {
	seen := map[Key]bool{}
	for _, key := range Keys() {
		if seen[key] {
			t.Errorf("%s is there twice", key)
		}
		seen[key] = true
		kind, ok := KindOf(key)
		if _, known := samples[kind]; !ok || !known {
			t.Fatalf("%s: kind %q", key, kind)
		}
		var d Draft
		for other, value := range samples {
			err := d.Set(key, value, Source{Rank: FromPerson})
			switch fits := other == kind || (kind == List && other == String); {
			case fits && err != nil:
				t.Errorf("%s: %v", key, err)
			case !fits && err == nil:
				t.Errorf("%s takes a %s", key, other)
			}
		}
		if err := d.Set(key, samples[kind], Source{Rank: FromPerson}); err != nil {
			t.Fatal(err)
		}
		for _, other := range Keys() {
			zero := reflect.ValueOf(d.Get(other)).IsZero()
			if zero == (other == key) {
				t.Errorf("%s is set: %s is %v", key, other, d.Get(other))
			}
		}
		d.Unset(key)
		if !reflect.ValueOf(d.Get(key)).IsZero() || d.Has(key) {
			t.Errorf("%s is still set: %v", key, d.Get(key))
		}
	}
	if len(seen) < 80 {
		t.Errorf("only %d keys", len(seen))
	}
}

// TestNoKeyIsAGroup: a name is either a leaf or a group, or a file could not say
// which is meant.
func TestNoKeyIsAGroup(t *testing.T) {
	for _, a := range Keys() {
		if isGroup(string(a) + ".") {
			t.Errorf("%s is both", a)
		}
		if a != Key(strings.TrimSpace(string(a))) || strings.Contains(string(a), "..") || strings.HasPrefix(string(a), ".") {
			t.Errorf("%q is no name", a)
		}
	}
}

func TestUnknownKey(t *testing.T) {
	var d Draft
	if kind, ok := KindOf("portal"); ok {
		t.Errorf("portal is a %s", kind)
	}
	if v := d.Get("portal.colour"); v != nil {
		t.Errorf("got %v", v)
	}
	if err := d.Set("portal.colour", "blue", Source{Rank: FromSet}); err == nil || err.Error() != `"portal.colour" is not an answers key` {
		t.Errorf("got %v", err)
	}
	d.Unset("portal.colour")
	if d.Has("portal.colour") {
		t.Error("it is there")
	}
}

func TestNear(t *testing.T) {
	for mistyped, want := range map[string]Key{
		"portal.baseURL": "portal.baseUrl", "portal.baseurl": "portal.baseUrl", "potral.baseUrl": "portal.baseUrl", "clinet.id": "client.id",
		"database.postgres.host": "database.postgresql.host", "PRESET": "preset", "chart": "chart", "": "", "x": "", "quite.another.thing": "",
	} {
		if got := Near(mistyped); got != want {
			t.Errorf("%q: %q, not %q", mistyped, got, want)
		}
	}
}

func TestClosest(t *testing.T) {
	for _, tt := range []struct {
		mistyped string
		words    []string
		want     string
	}{
		{"okta", []string{"okta", "okto"}, "okta"},
		{"keyclaok", []string{"keycloak", "dex"}, "keycloak"},
		{"abc", []string{"abd", "abe"}, "abd"}, // as near as the other: the first
		{"abcd", []string{"xbcd", "abcd"}, "abcd"},
		{"ab", []string{"xy"}, ""},
		{"azure", []string{"entra", "auth0"}, ""},
		{"anything", nil, ""},
	} {
		if got := Closest(tt.mistyped, tt.words); got != tt.want {
			t.Errorf("%q of %q: %q, not %q", tt.mistyped, tt.words, got, tt.want)
		}
	}
}

// TestEditDistance holds the metric's laws over short words.
func TestEditDistance(t *testing.T) {
	words := []string{"", "a", "b", "ab", "ba", "abc", "acb", "cab", "aabb", "portal", "protal"}
	for _, a := range words {
		for _, b := range words {
			d := editDistance(a, b)
			if d != editDistance(b, a) || (d == 0) != (a == b) || d > max(len(a), len(b)) || d < len(a)-len(b) {
				t.Errorf("%q to %q is %d, back %d", a, b, d, editDistance(b, a))
			}
			for _, c := range words {
				if editDistance(a, c) > d+editDistance(b, c) {
					t.Errorf("%q to %q is shorter by way of %q", a, c, b)
				}
			}
		}
	}
}
