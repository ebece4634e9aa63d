package secret

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func environment(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

func TestResolve(t *testing.T) {
	s := Source{
		LookupEnv: environment(map[string]string{"GOOD": "hunter22\n", "EMPTY": "", "BLANK": " hunter22", "ONLY": "\n"}),
		ReadFile: func(path string) ([]byte, error) {
			if path == "missing" {
				return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
			}
			return []byte("from " + path + "\r\n"), nil
		},
		Rand: bytes.NewReader(bytes.Repeat([]byte{0xfb}, 32)),
	}
	newline := []string{"ends with a newline: taken off"}
	tests := map[string]struct {
		text    string
		notes   []string
		problem string
	}{
		"env:GOOD":     {"hunter22", newline, ""},
		"env:UNSET":    {"", nil, "env:UNSET: the environment variable is not set\nset it where this program is started"},
		"env:EMPTY":    {"", nil, "env:EMPTY: the environment variable is empty\nset it where this program is started"},
		"env:BLANK":    {"", nil, "env:BLANK: the value must not begin or end with a blank"},
		"env:ONLY":     {"", newline, "env:ONLY: the value must not be empty"},
		"file:p":       {"from p", newline, ""},
		"file:missing": {"", nil, "file: open missing: file does not exist"},
		"generate":     {strings.Repeat("+/v7", 10) + "+/s=", nil, ""},
		"keep":         {"", nil, ""},
	}
	for short, test := range tests {
		t.Run(short, func(t *testing.T) {
			r, err := ParseRef(short)
			if err != nil {
				t.Fatal(err)
			}
			v, notes, err := s.Resolve(r)
			problem := ""
			if err != nil {
				problem, r = err.Error(), Ref{}
			}
			if !v.Equal(Value{Ref: r, Text: New(test.text)}) || problem != test.problem || !slices.Equal(notes, test.notes) {
				t.Errorf("%v %q, %q, %v", v, v.Text.Reveal(), notes, err)
			}
		})
	}
	if _, _, err := s.Resolve(Ref{File: "missing"}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, _, err := s.Resolve(Ref{}); err == nil {
		t.Error("nothing was resolved")
	}
}

func TestTheZeroSource(t *testing.T) {
	var s Source
	a, _, err := s.Resolve(Ref{Generate: true})
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := s.Resolve(Ref{Generate: true})
	if err != nil || a.Equal(b) || a.Text.Len() != 44 || Check(a.Text.Reveal()) != nil {
		t.Error("generate", err)
	}
	if raw, err := base64.StdEncoding.DecodeString(a.Text.Reveal()); err != nil || len(raw) != 32 {
		t.Error(err)
	}
	if _, _, err := s.Resolve(Ref{Env: "PATH"}); err == nil {
		t.Error("it read the environment by itself")
	}
	if _, _, err := s.FromStdin(); err == nil {
		t.Error("it read standard input by itself")
	}
	path := t.TempDir() + "/secret"
	if err := os.WriteFile(path, []byte("hunter22\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if v, _, err := s.Resolve(Ref{File: path}); err != nil || v.Text.Reveal() != "hunter22" {
		t.Error(err)
	}
}

func TestGenerateWithoutRandomness(t *testing.T) {
	for _, random := range []io.Reader{bytes.NewReader(make([]byte, 31)), iotest.ErrReader(io.ErrClosedPipe)} {
		if v, _, err := (Source{Rand: random}).Resolve(Ref{Generate: true}); err == nil || !v.IsZero() {
			t.Error("a short secret")
		}
	}
}

func TestFromStdin(t *testing.T) {
	tests := map[string]struct {
		in      io.Reader
		want    string
		problem string
	}{
		"good":     {iotest.OneByteReader(strings.NewReader("hunter22\n")), "hunter22", ""},
		"longest":  {strings.NewReader(strings.Repeat("x", 64<<10)), strings.Repeat("x", 64<<10), ""},
		"empty":    {strings.NewReader(""), "", "standard input: the value must not be empty"},
		"too long": {iotest.DataErrReader(strings.NewReader(strings.Repeat("x", 64<<10+1))), "", "standard input: larger than 64 KiB: this is no secret"},
		"broken":   {iotest.ErrReader(io.ErrClosedPipe), "", "standard input: io: read/write on closed pipe"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			v, _, err := Source{Stdin: test.in}.FromStdin()
			problem := ""
			if err != nil {
				problem = err.Error()
			}
			if !v.Equal(Typed(New(test.want))) || problem != test.problem {
				t.Errorf("%d characters, %v", v.Text.Len(), err)
			}
		})
	}
}
