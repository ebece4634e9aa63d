package steps_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/steps"
)

func listOf(t testing.TB, key answers.Key) steps.Value {
	t.Helper()
	_, q, ok := steps.Catalog().Find(key)
	if !ok {
		t.Fatal(key)
	}
	return q.Value
}

func TestParseList(t *testing.T) {
	admins, files := listOf(t, "authorization.groups.admins"), listOf(t, "target.values")
	for text, want := range map[string][]string{
		"a":                      {"a"},
		"a,b , c":                {"a", "b", "c"},
		"a,,b,":                  {"a", "b"},
		"a\nb\r\n\"c,d\"":        {"a", "b", "c,d"},
		`"a,b",c`:                {"a,b", "c"},
		`"a ""b""", c d`:         {`a "b"`, "c d"},
		`["a,b", "c"]`:           {"a,b", "c"},
		` [ "a" ] `:              {"a"},
		`"[a]"`:                  {"[a]"},
		"a, [b]":                 {"a", "[b]"},
		"CN=admins":              {"CN=admins"},
		"CN=admins, ops":         {"CN=admins", "ops"},
		`"CN=admins,OU=x,DC=y"`:  {"CN=admins,OU=x,DC=y"},
		`"CN=a,OU=x","CN=b,O=x"`: {"CN=a,OU=x", "CN=b,O=x"},
		`"CN=a", "CN=b"`:         {"CN=a", "CN=b"},
		`["CN=a", "CN=b,OU=x"]`:  {"CN=a", "CN=b,OU=x"},
	} {
		got, err := admins.Parse(text)
		if err != nil || !slices.Equal(got.([]string), want) {
			t.Errorf("%s: got %q, %v, want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"[a, b]":                   "no JSON",
		"[":                        "no JSON",
		`["a",`:                    "no JSON",
		`["a"] b`:                  "no JSON",
		`[1]`:                      "JSON list of texts",
		`[null]`:                   "JSON list of texts",
		`"a`:                       "quotation mark",
		`a "b"`:                    "quotation mark",
		`"a" b`:                    "quotation mark",
		"CN=admins,OU=x,DC=y":      "commas of a name",
		"CN=admins, OU=x":          "commas of a name",
		"cn=a\\, b,ou=x":           "commas of a name",
		`"CN=a,OU=x",CN=b,OU=x`:    "commas of a name",
		"2.5.4.3=admins,2.5.4.11=": "commas of a name",
		`""`:                       "empty",
		",":                        "empty",
		"a,a":                      "twice",
	} {
		if got, err := admins.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %q, %v, want an error with %q", text, got, err, want)
		}
	}
	if got, err := files.Parse("a=b.yaml,c=d.yaml"); err != nil || fmt.Sprintf("%q", got) != `["a=b.yaml" "c=d.yaml"]` {
		t.Error("no other list has distinguished names", got, err)
	}
}

// FuzzList: what is printed reads back as the same list.
func FuzzList(f *testing.F) {
	for _, seed := range []string{"a|b", "CN=a,OU=x|CN=b", " a|b ", `"|""|a"b`, "[a]|b", "a\nb|c", "\u00a0|x", "CN=a\r\n|\xff"} {
		f.Add(seed)
	}
	value := listOf(f, "authorization.groups.admins")
	value.Rules = nil
	f.Fuzz(func(t *testing.T, joined string) {
		list := strings.Split(joined, "|")
		text := value.Print(list)
		if value.Check(list) != nil || strings.Contains(joined, "\r") && !utf8.ValidString(joined) {
			return
		}
		got, err := value.Parse(text)
		if err != nil || !slices.Equal(got.([]string), list) {
			t.Errorf("%q prints as %s, which reads %q, %v", list, text, got, err)
		}
	})
}
