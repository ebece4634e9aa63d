package secret

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"text/template"

	yaml "go.yaml.in/yaml/v3"
	sigs "sigs.k8s.io/yaml"
)

// canary returns a secret of letters and digits that no text has by chance.
func canary(random *rand.Rand) string {
	const alphabet = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	b := make([]byte, 12+random.IntN(30))
	for i := range b {
		b[i] = alphabet[random.IntN(len(alphabet))]
	}
	return string(b)
}

type hidden struct{ text Text }

type nested struct {
	Name string
	In   struct{ Deep hidden }
	any  any
}

// holders are the ways in which a program keeps a Text.
func holders(t Text) map[string]any {
	v := Value{Ref: Ref{Env: "NAME"}, Text: t}
	deep := nested{Name: "n", any: t}
	deep.In.Deep.text = t
	var boxed any = t
	return map[string]any{
		"value":            t,
		"pointer":          &t,
		"slice":            []Text{t, t},
		"slice of pointer": []*Text{&t},
		"array":            [1]Text{t},
		"map":              map[string]Text{"k": t},
		"map of any":       map[string]any{"k": t, "l": []any{&t}},
		"interface":        &boxed,
		"exported field":   struct{ Text Text }{t},
		"embedded":         struct{ Text }{t},
		"unexported field": hidden{t},
		"pointer to it":    &hidden{t},
		"nested":           deep,
		"nested pointer":   &deep,
		"Value":            v,
		"Value pointer":    &v,
		"Values":           []Value{v, Typed(t)},
		"typed":            Typed(t),
		"hidden Value":     struct{ v Value }{v},
		"map of Values":    map[string]*Value{"k": &v},
		"function":         t.Reveal, // a method value has captured the Text
	}
}

// sinks are the ways in which text gets out of a program. An error is one too.
func sinks() map[string]func(io.Writer, any) error {
	all := map[string]func(io.Writer, any) error{
		"json":        func(w io.Writer, v any) error { return json.NewEncoder(w).Encode(v) },
		"json indent": func(w io.Writer, v any) error { b, err := json.MarshalIndent(v, "", " "); w.Write(b); return err },
		"yaml v3":     func(w io.Writer, v any) error { return yaml.NewEncoder(w).Encode(v) },
		"yaml sigs":   func(w io.Writer, v any) error { b, err := sigs.Marshal(v); w.Write(b); return err },
		"xml":         func(w io.Writer, v any) error { return xml.NewEncoder(w).Encode(v) },
		"gob":         func(w io.Writer, v any) error { return gob.NewEncoder(w).Encode(v) },
		"slog text": func(w io.Writer, v any) error {
			slog.New(slog.NewTextHandler(w, nil)).Info("m", "k", v, slog.Group("g", "k", v))
			return nil
		},
		"slog json": func(w io.Writer, v any) error {
			slog.New(slog.NewJSONHandler(w, nil)).Info("m", "k", v, slog.Group("g", "k", v))
			return nil
		},
		"text/template": func(w io.Writer, v any) error {
			return template.Must(template.New("").Parse(`{{.}} {{printf "%v %+v %#v %q" . . . .}} {{print .}} {{html .}} {{js .}}`)).Execute(w, v)
		},
		"html/template": func(w io.Writer, v any) error {
			return htmltemplate.Must(htmltemplate.New("").Parse(`<p title="{{.}}">{{.}}<script>x = {{.}}</script>`)).Execute(w, v)
		},
		"print":   func(w io.Writer, v any) error { _, err := fmt.Fprint(w, v, fmt.Sprintln(v)); return err },
		"error":   func(_ io.Writer, v any) error { return fmt.Errorf("it is %v: %w", v, fmt.Errorf("in %+v", v)) },
		"joined":  func(_ io.Writer, v any) error { return errors.Join(fmt.Errorf("%#v", v), fmt.Errorf("%s", v)) },
		"reflect": func(w io.Writer, v any) error { _, err := fmt.Fprint(w, reflect.ValueOf(v)); return err },
		"panic":   func(_ io.Writer, v any) error { panic(v) },
	}
	for verb := rune(' ') + 1; verb < 0x7f; verb++ {
		for _, flags := range []string{"", "+", "#", "-40", "040", " ", "+#", ".3", "[1]", "*"} {
			format := "%" + flags + string(verb)
			all[format] = func(w io.Writer, v any) error { _, err := fmt.Fprintf(w, format, v, v); return err }
		}
	}
	return all
}

// pour returns everything that comes out of a sink: text, error and panic.
func pour(sink func(io.Writer, any) error, v any) (out string) {
	var b bytes.Buffer
	defer func() {
		if p := recover(); p != nil { // encoding/xml cannot take unnamed types
			out = fmt.Sprint(b.String(), p)
		}
	}()
	err := sink(&b, v)
	return fmt.Sprint(b.String(), err)
}

func TestATextNeverShows(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	gob.Register(Text{})
	for name, sink := range sinks() {
		secret := canary(random)
		var scrubber Scrubber // finds every form of the secret
		scrubber.Add(New(secret))
		for holder, v := range holders(New(secret)) {
			out := pour(sink, v)
			if scrubber.Scrub(out); scrubber.Hits() > 0 {
				t.Fatalf("%s of %s shows it: %s", name, holder, out)
			}
		}
	}
}

// The test above cannot fail unless its sinks do show what is not protected.
func TestTheSinksShowAString(t *testing.T) {
	blind := map[string]bool{}
	for name, sink := range sinks() {
		out := pour(sink, "a-plain-string")
		var scrubber Scrubber
		scrubber.Add(New("a-plain-string"))
		if scrubber.Scrub(out); scrubber.Hits() == 0 {
			blind[name] = true
		}
	}
	for _, name := range []string{"json", "yaml v3", "yaml sigs", "xml", "gob", "slog text", "slog json", "text/template", "html/template", "print", "error", "joined", "panic", "%v", "%s", "%q", "%x", "%X", "%d", "%+v", "%#v"} {
		if blind[name] {
			t.Errorf("%s shows nothing at all", name)
		}
	}
}

func TestTextSaysThatItIsRedacted(t *testing.T) {
	for want, text := range map[string]Text{"[redacted]": New("hunter22"), "[none]": New("")} {
		for _, got := range []string{
			text.String(), text.GoString(), text.LogValue().String(),
			fmt.Sprint(text), fmt.Sprintf("%v", &text), fmt.Sprintf("%+v", text), fmt.Sprintf("%#v", text), fmt.Sprintf("%x", text), fmt.Sprintf("%20d", text),
			must(text.MarshalText()), strings.Trim(must(text.MarshalJSON()), `"`),
			strings.Trim(strings.TrimSpace(must(yaml.Marshal(text))), "'"), strings.Trim(strings.TrimSpace(must(sigs.Marshal(text))), "'"),
		} {
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	}
}

func must(b []byte, err error) string {
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestATextIsNeverRead(t *testing.T) {
	type document struct{ Secret, Other Text }
	for name, err := range map[string]error{
		"json":      json.Unmarshal([]byte(`{"Secret": "hunter22"}`), &document{}),
		"json null": json.Unmarshal([]byte(`null`), &Text{}),
		"yaml v3":   yaml.Unmarshal([]byte("secret: hunter22"), &document{}),
		"yaml map":  yaml.Unmarshal([]byte("secret: {hunter22: 1}"), &document{}),
		"yaml sigs": sigs.Unmarshal([]byte("Secret: hunter22"), &document{}),
		"text":      new(Text).UnmarshalText([]byte("hunter22")),
		"xml":       xml.Unmarshal([]byte("<document><Secret>hunter22</Secret></document>"), &document{}),
	} {
		if err == nil || strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTextHoldsWhatItWasGiven(t *testing.T) {
	for _, s := range []string{"", "x", "pässwörd", "a\nb", "\xff\xfe"} {
		text := New(s)
		if text.Reveal() != s || text.IsZero() != (s == "") || text.Len() != len([]rune(s)) {
			t.Errorf("%q: %q, zero %v, %d characters", s, text.Reveal(), text.IsZero(), text.Len())
		}
	}
}

func TestEqualAndFingerprint(t *testing.T) {
	key := []byte("of this run")
	a, same, b := New("first secret"), New("first secret"), New("second secret")
	if !a.Equal(same) || a.Equal(b) || a.Equal(Text{}) || !(Text{}).Equal(New("")) {
		t.Error("Equal")
	}
	if a.Fingerprint(key) != same.Fingerprint(key) || a.Fingerprint(key) == b.Fingerprint(key) ||
		a.Fingerprint(key) == a.Fingerprint([]byte("of the next run")) || (Text{}).Fingerprint(key) != "" {
		t.Error("Fingerprint")
	}
	if got, want := a.Fingerprint(key), "10cda241"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
