package secret

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Ref tells where a secret comes from, as the answers file and --set write it.
// Exactly one field is set; the zero Ref refers to nothing.
type Ref struct {
	Env      string // name of an environment variable
	File     string // path of a file
	Generate bool   // draw a new one
	Keep     bool   // what the Kubernetes Secret has now
}

var (
	errDocument = errors.New("must be a reference: {env: NAME}, {file: PATH}, {generate: true} or {keep: true}; a secret itself is never written here")
	errShort    = errors.New("must be a reference: env:NAME, file:PATH, generate or keep; a secret itself is never written here")
	errEnvName  = errors.New("must name an environment variable: letters, digits and _, not beginning with a digit")
	errFilePath = errors.New("must name a file: a path without control characters")
)

// ParseRef reads the short form that String writes. Its errors complete "The
// value …" and never repeat it: it may be a secret put in the wrong place.
func ParseRef(s string) (Ref, error) {
	var r Ref
	switch kind, rest, colon := strings.Cut(s, ":"); {
	case colon && kind == "env":
		r.Env = rest
		if rest == "" {
			return Ref{}, errEnvName
		}
	case colon && kind == "file":
		r.File = rest
		if rest == "" {
			return Ref{}, errFilePath
		}
	case s == "generate":
		r.Generate = true
	case s == "keep":
		r.Keep = true
	default:
		return Ref{}, errShort
	}
	if err := r.Check(); err != nil {
		return Ref{}, err
	}
	return r, nil
}

// Check says whether r is exactly one well-formed reference. The error completes
// "The value …" and does not repeat it.
func (r Ref) Check() error {
	set := 0
	for _, is := range []bool{r.Env != "", r.File != "", r.Generate, r.Keep} {
		if is {
			set++
		}
	}
	if set != 1 {
		return errDocument
	}
	if r.Env != "" && !isEnvName(r.Env) {
		return errEnvName
	}
	if !utf8.ValidString(r.File) || strings.ContainsFunc(r.File, unicode.IsControl) {
		return errFilePath
	}
	return nil
}

// isEnvName is POSIX's rule for names, with both cases.
func isEnvName(s string) bool {
	for i, c := range []byte(s) {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// IsZero says whether r refers to nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

// String returns "env:NAME", "file:PATH", "generate" or "keep", and "" for the
// zero Ref. ParseRef reads it back.
func (r Ref) String() string {
	switch {
	case r.Env != "":
		return "env:" + r.Env
	case r.File != "":
		return "file:" + r.File
	case r.Generate:
		return "generate"
	case r.Keep:
		return "keep"
	}
	return ""
}

// MarshalYAML returns the answers file's form, such as {env: NAME}; nil for the
// zero Ref.
func (r Ref) MarshalYAML() (any, error) {
	if r.IsZero() {
		return nil, nil
	}
	if err := r.Check(); err != nil {
		return nil, err
	}
	switch {
	case r.Env != "":
		return map[string]string{"env": r.Env}, nil
	case r.File != "":
		return map[string]string{"file": r.File}, nil
	case r.Generate:
		return map[string]bool{"generate": true}, nil
	}
	return map[string]bool{"keep": true}, nil
}

// MarshalJSON returns the same form as MarshalYAML.
func (r Ref) MarshalJSON() ([]byte, error) {
	v, err := r.MarshalYAML()
	if err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// UnmarshalYAML reads {env: NAME}, {file: PATH}, {generate: true} or {keep: true};
// null is the zero Ref. Everything else, a bare literal first of all, is an error
// that does not repeat it.
func (r *Ref) UnmarshalYAML(unmarshal func(any) error) error {
	var v any
	if unmarshal(&v) != nil {
		return errDocument // the decoder's error could hold the value
	}
	return r.set(v)
}

// UnmarshalJSON reads the same forms as UnmarshalYAML.
func (r *Ref) UnmarshalJSON(data []byte) error {
	var v any
	if json.Unmarshal(data, &v) != nil {
		return errDocument
	}
	return r.set(v)
}

// set takes a decoded document.
func (r *Ref) set(document any) error {
	if document == nil {
		*r = Ref{}
		return nil
	}
	fields, ok := document.(map[string]any)
	if !ok || len(fields) != 1 {
		return errDocument
	}
	var read Ref
	for name, field := range fields {
		switch name {
		case "env":
			read.Env, ok = field.(string)
		case "file":
			read.File, ok = field.(string)
		case "generate":
			read.Generate, ok = field.(bool)
		case "keep":
			read.Keep, ok = field.(bool)
		}
	}
	if !ok {
		return errDocument
	}
	if err := read.Check(); err != nil {
		return err
	}
	*r = read
	return nil
}
