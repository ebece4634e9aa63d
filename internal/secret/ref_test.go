package secret

import (
	"encoding/json"
	"strings"
	"testing"

	yaml "go.yaml.in/yaml/v3"
	sigs "sigs.k8s.io/yaml"
)

var goodRefs = map[string]struct {
	ref      Ref
	document string // as JSON, which is YAML
}{
	"env:NAME":         {Ref{Env: "NAME"}, `{"env":"NAME"}`},
	"env:_n4me":        {Ref{Env: "_n4me"}, `{"env":"_n4me"}`},
	"file:/run/s e":    {Ref{File: "/run/s e"}, `{"file":"/run/s e"}`},
	"file:env:x":       {Ref{File: "env:x"}, `{"file":"env:x"}`},
	"file:C:\\Users\\": {Ref{File: `C:\Users\`}, `{"file":"C:\\Users\\"}`},
	"generate":         {Ref{Generate: true}, `{"generate":true}`},
	"keep":             {Ref{Keep: true}, `{"keep":true}`},
}

func TestRefForms(t *testing.T) {
	for short, good := range goodRefs {
		got, err := ParseRef(short)
		if err != nil || got != good.ref || got.String() != short {
			t.Errorf("%s: %+v, %q, %v", short, got, got, err)
		}
		for name, in := range map[string]any{"ref": good.ref, "pointer": &good.ref, "value": Value{Ref: good.ref, Text: New("hunter22")}} {
			if out, err := json.Marshal(in); err != nil || string(out) != good.document {
				t.Errorf("%s: %s as json: %s, %v", short, name, out, err)
			}
		}
		for name, read := range map[string]func([]byte, any) error{
			"json": json.Unmarshal, "yaml v3": yaml.Unmarshal,
			"yaml sigs": func(b []byte, v any) error { return sigs.UnmarshalStrict(b, v) },
		} {
			var r Ref
			if err := read([]byte(good.document), &r); err != nil || r != good.ref {
				t.Errorf("%s: %s: %+v, %v", short, name, r, err)
			}
			v := Typed(New("before"))
			if err := read([]byte(good.document), &v); err != nil || !v.Equal(Value{Ref: good.ref}) {
				t.Errorf("%s: %s into a Value: %v, %v", short, name, v, err)
			}
		}
	}
}

func TestYAMLIsWhatTheAnswersFileHas(t *testing.T) {
	in := struct {
		Secret   Value `yaml:"secret" json:"secret"`
		Password Value `yaml:"password" json:"password"`
		None     Ref   `yaml:"none" json:"none"`
	}{Value{Ref: Ref{Env: "NAME"}, Text: New("hunter22")}, Typed(New("hunter22")), Ref{}}
	// sigs.k8s.io/yaml sorts.
	if got, want := must(sigs.Marshal(in)), "none: null\npassword: null\nsecret:\n  env: NAME\n"; got != want {
		t.Errorf("got %s", got)
	}
	if got, want := must(yaml.Marshal(in)), "secret:\n    env: NAME\npassword: null\nnone: null\n"; got != want {
		t.Errorf("got %s", got)
	}
	if err := yaml.Unmarshal([]byte("secret: null\npassword:\n"), &in); err != nil {
		t.Error(err)
	}
	if err := json.Unmarshal([]byte(`{"secret": null}`), &in); err != nil || !in.Secret.IsZero() {
		t.Error(in.Secret, err)
	}
}

func TestRefRefusesWithoutAnEcho(t *testing.T) {
	const s = "hunter22"
	for _, short := range []string{"", s, s + ":x", "env:", "env:" + s + "!", "env:2" + s, "env:" + s + "=x", "file:", "file:" + s + "\n", "file:" + s + "\xff", "generate:" + s, "keep " + s, "Generate", "-", "env", "{env: " + s + "}"} {
		if r, err := ParseRef(short); err == nil || strings.Contains(err.Error(), s) || !r.IsZero() {
			t.Errorf("%q: %+v, %v", short, r, err)
		}
	}
	for _, document := range []string{
		`"hunter22"`, `22`, `true`, `["hunter22"]`, `{}`, `{"hunter22": true}`, `{"env": 22}`, `{"env": ""}`, `{"env": null}`, `{"env": "hunter22!"}`,
		`{"file": true}`, `{"file": {"hunter22": 1}}`, `{"file": ""}`, `{"generate": false}`, `{"generate": "hunter22"}`, `{"keep": 1}`, `{"keep": false}`,
		`{"env": "A", "file": "hunter22"}`, `{"keep": true, "generate": true}`, `{"env": "A", "hunter22": 1}`, `{"Env": "A"}`, `"env:NAME"`,
	} {
		for name, read := range map[string]func([]byte, any) error{"json": json.Unmarshal, "yaml v3": yaml.Unmarshal, "sigs": func(b []byte, v any) error { return sigs.Unmarshal(b, v) }} {
			var holder struct {
				Secret Value `json:"secret" yaml:"secret"`
			}
			err := read([]byte(`{"secret": `+document+`}`), &holder)
			if err == nil || strings.Contains(err.Error(), s) || !strings.Contains(err.Error(), "must ") || !holder.Secret.IsZero() {
				t.Errorf("%s of %s: %v, %v", name, document, holder.Secret, err)
			}
		}
	}
	// What only YAML can say.
	for _, document := range []string{"hunter22", "{env: *hunter22}", "{env: A, env: hunter22}", "{? {hunter22: 1} : 2}", "!hunter22 x", "|\n  hunter22"} {
		var v Value
		if err := yaml.Unmarshal([]byte(document), &v); err == nil || strings.Contains(err.Error(), s) && !strings.Contains(document, "*") {
			t.Errorf("%s: %v, %v", document, v, err)
		}
	}
	if err := new(Ref).UnmarshalJSON([]byte(`{hunter22`)); err == nil || strings.Contains(err.Error(), s) {
		t.Error(err)
	}
}

func TestAnImpossibleRefIsNotWritten(t *testing.T) {
	for _, r := range []Ref{{Env: "A", File: "b"}, {Generate: true, Keep: true}, {Env: "no name"}, {File: "a\nb"}} {
		if out, err := json.Marshal(r); err == nil {
			t.Errorf("%+v: %s", r, out)
		}
		if _, _, err := (Source{}).Resolve(r); err == nil {
			t.Errorf("%+v was resolved", r)
		}
	}
}

func TestValue(t *testing.T) {
	a := Value{Ref: Ref{Keep: true}}
	for v, want := range map[*Value]string{
		&a: "keep", {Ref: Ref{Env: "N"}, Text: New("hunter22")}: "env:N", {Text: New("hunter22")}: "[redacted]", {}: "[none]",
	} {
		if v.String() != want || v.IsZero() != (want == "[none]") {
			t.Errorf("got %q, want %q", v, want)
		}
	}
	if got := (Ref{}).String(); got != "" {
		t.Errorf("the zero Ref is %q", got)
	}
	if !a.Equal(Value{Ref: Ref{Keep: true}}) || a.Equal(Value{}) || Typed(New("a")).Equal(Typed(New("b"))) {
		t.Error("Equal")
	}
}

func FuzzParseRef(f *testing.F) {
	for short := range goodRefs {
		f.Add(short)
	}
	f.Add("file:a\x85b")
	f.Fuzz(func(t *testing.T, short string) {
		r, err := ParseRef(short)
		if err != nil {
			if !r.IsZero() || len(short) > 12 && strings.Contains(err.Error(), short) {
				t.Errorf("%q: %+v, %v", short, r, err)
			}
			return
		}
		if r.String() != short {
			t.Errorf("%q became %q", short, r)
		}
		var fromJSON, fromYAML, fromSigs Ref
		if err := json.Unmarshal([]byte(must(json.Marshal(r))), &fromJSON); err != nil || fromJSON != r {
			t.Errorf("%q: json: %q, %v", short, fromJSON, err)
		}
		if err := yaml.Unmarshal([]byte(must(yaml.Marshal(r))), &fromYAML); err != nil || fromYAML != r {
			t.Errorf("%q: yaml v3: %q, %v", short, fromYAML, err)
		}
		if err := sigs.Unmarshal([]byte(must(sigs.Marshal(r))), &fromSigs); err != nil || fromSigs != r {
			t.Errorf("%q: sigs: %q, %v", short, fromSigs, err)
		}
	})
}
