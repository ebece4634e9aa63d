package openbao

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/secret"
)

func parse(t *testing.T, object string) Data {
	t.Helper()
	d, err := parseData([]byte(object))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDataKeepsBytes(t *testing.T) {
	const object = `{"a":1.50e0,"b":12345678901234567890,"c":{"z":[1, 2e3,null],"a":"\u003c"},"d":null,"e":"\u00fc/\/","f":true,"g":""}`
	d := parse(t, object)
	if got := string(d.encode()); got != object {
		t.Errorf("%s", got)
	}
	changed, err := d.With("value", secret.New("<new>\u2028"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(changed.encode()), strings.TrimSuffix(object, "}")+`,"value":"<new>\u2028"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := string(d.encode()); got != object {
		t.Errorf("With changed its receiver: %s", got)
	}
	replaced, err := changed.With("c", secret.New("x"))
	if err != nil {
		t.Fatal(err)
	}
	if text, ok := replaced.Text("c"); !ok || text.Reveal() != "x" {
		t.Errorf("c: %v", ok)
	}
}

func TestDataText(t *testing.T) {
	d := parse(t, `{"text":"a\"b","empty":"","number":1,"null":null,"object":{"text":"x"}}`)
	for name, want := range map[string]string{"text": `a"b`, "empty": ""} {
		if got, ok := d.Text(name); !ok || got.Reveal() != want {
			t.Errorf("%s: %v", name, ok)
		}
	}
	for _, name := range []string{"number", "null", "object", "none", "Text"} {
		if got, ok := d.Text(name); ok || !got.IsZero() {
			t.Errorf("%s is a text", name)
		}
	}
	if got := d.Names(); !slices.Equal(got, []string{"empty", "null", "number", "object", "text"}) {
		t.Error(got)
	}
}

func TestDataWithRefuses(t *testing.T) {
	for _, tt := range []struct{ name, value string }{{"", "x"}, {"a\xff", "x"}, {"a", "hunter2\xff"}} {
		_, err := Data{}.With(tt.name, secret.New(tt.value))
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", tt.name, err)
		}
	}
}

func TestDataEqual(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{`{}`, `{}`, true},
		{`{"a":"<"}`, `{ "a" : "\u003c" }`, true},
		{`{"a":{"x":1,"y":[2]}}`, `{"a":{"y":[2],"x":1}}`, true},
		{`{"a":"1"}`, `{"a":1}`, false},
		{`{"a":"b"}`, `{"a":"c"}`, false},
		{`{"a":"b"}`, `{"a":"b","c":null}`, false},
		{`{"a":"b"}`, `{"c":"b"}`, false},
		{`{"a":12345678901234567890}`, `{"a":12345678901234567891}`, false},
	}
	for _, tt := range tests {
		if got := parse(t, tt.a).Equal(parse(t, tt.b)); got != tt.want {
			t.Errorf("%s and %s: %v", tt.a, tt.b, got)
		}
	}
}

func TestDataRounded(t *testing.T) {
	// The names say which.
	d := parse(t, `{"ok int":9007199254740991,"ok float":0.1,"ok text":"12345678901234567890","ok small":1e-7,"ok zeros":-0.000123,
		"no int":9007199254740992,"no digits":0.12345678901234567,"no deep":{"a":[true,{"b":12345678901234567000}]},"no negative":-1e20,"no huge":1e400}`)
	for _, name := range d.Names() {
		if got, want := slices.Contains(d.Rounded(), name), strings.HasPrefix(name, "no"); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestDataDoesNotShow(t *testing.T) {
	d := parse(t, `{"a":"hunter2","b":{"c":"hunter2"}}`)
	e := Entry{Data: d}
	shown := fmt.Sprintf("%v %+v %#v %s %v %+v %#v", d, d, d, d, e, e, &e)
	encoded, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(shown, "hunter2") || bytes.Contains(encoded, []byte("hunter2")) {
		t.Errorf("%s\n%s", shown, encoded)
	}
}

// FuzzAnswers: whatever a server answers, the parsers take it or leave it; what
// they take survives being written and read, and no error repeats it.
func FuzzAnswers(f *testing.F) {
	for _, body := range []string{
		`{"data":{"data":{"value":"x","n":1.0,"o":{"a":[1,"\u003c"]}},"metadata":{"created_time":"2026-11-23T15:52:18.47441312Z","custom_metadata":{"a":"b"},"deletion_time":"","destroyed":false,"version":3}}}`,
		`{"data":{"data":null,"metadata":{"created_time":"2026-11-23T15:52:18Z","custom_metadata":null,"deletion_time":"2026-11-23T15:52:19Z","destroyed":false,"version":1}}}`,
		`{"data":{"created_time":"2026-11-23T15:52:18Z","custom_metadata":null,"deletion_time":"","destroyed":false,"version":1},"warnings":["x"]}`,
		`{"errors":["check-and-set parameter did not match the current version"]}`,
		`{"errors":["no handler for route \"nowhere/data/x\". route entry not found."]}`,
		`{"initialized":true,"sealed":false,"standby":false,"version":"2.6.2","cluster_name":"c"}`,
		`{"type":"shamir","t":1,"n":1,"storage_type":"inmem"}`,
		`{"data":{"data":{"a":"\ud800"},"metadata":{"version":1}}}`,
		`{"data":{"data":{"a":1,"a":2},"metadata":{"version":1e0}}}`, `null`, `[]`, `"`, ``, "\xff", `{"errors":[1]}`,
	} {
		for _, status := range []int{200, 400, 404, 503} {
			f.Add(status, []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e, err := parseEntry(body)
		if err != nil && err.Error() != errNotEntry.Error() {
			t.Fatalf("parseEntry: %v", err)
		}
		if err == nil {
			again, err := parseData(e.Data.encode())
			if err != nil || !again.Equal(e.Data) || !slices.Equal(again.Names(), e.Data.Names()) {
				t.Fatalf("not the same again: %v", err)
			}
			if e.Version < 1 {
				t.Fatalf("version %d", e.Version)
			}
			more, err := e.Data.With("new property", secret.New("x"))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range e.Data.Names() {
				if name != "new property" && more.properties[name].Reveal() != e.Data.properties[name].Reveal() {
					t.Fatalf("property %q changed", name)
				}
			}
			_ = e.Data.Rounded()
		}
		if h, err := parseHealth(body); err == nil {
			h.addSeal(body)
		}
		c := call{verb: "write", right: "create", path: "secret/data/x", write: true}
		a := answer{status: status, body: body}
		a.errors, a.said = serverErrors(body)
		errs := []error{c.refusal(a)}
		if v, err := c.written(a); err != nil {
			errs = append(errs, err)
		} else if v < 1 || status != 200 {
			t.Fatalf("version %d with status %d", v, status)
		}
		const hold = "MARKER-OF-THE-BODY"
		marked := answer{status: status, body: body, errors: a.errors + hold, said: true}
		for _, err := range append(errs, c.refusal(marked)) {
			if strings.Contains(err.Error(), hold) || (len(a.errors) > 60 && strings.Contains(err.Error(), a.errors)) {
				t.Fatalf("repeats the answer: %v", err)
			}
		}
	})
}
