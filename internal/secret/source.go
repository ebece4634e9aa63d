package secret

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
)

// generated is the length in bytes of a drawn secret: 256 bits.
const generated = 32

// Source is the outside world that references point into. The zero Source has no
// environment and no input, reads files with ReadFile and draws from crypto/rand.
type Source struct {
	// LookupEnv is os.LookupEnv or stands for it. It may forget the variable once
	// read, so that children do not inherit it.
	LookupEnv func(name string) (string, bool)
	ReadFile  func(path string) ([]byte, error)
	Rand      io.Reader
	Stdin     io.Reader
}

// Resolve gets the secret that r refers to, cleaned and checked. The notes are
// Clean's, for the operator. "keep" gives a Value without Text: what it stands for
// is in the cluster. Errors name the variable or the file, never what is in it.
func (s Source) Resolve(r Ref) (Value, []string, error) {
	if err := r.Check(); err != nil {
		return Value{}, nil, err
	}
	switch {
	case r.Env != "":
		return s.fromEnv(r)
	case r.File != "":
		return s.fromFile(r)
	case r.Generate:
		return s.generate(r)
	}
	return Value{Ref: r}, nil, nil
}

// FromStdin reads the secret from standard input to its end: a typed Value,
// cleaned and checked.
func (s Source) FromStdin() (Value, []string, error) {
	if s.Stdin == nil {
		return Value{}, nil, errors.New("standard input: there is none")
	}
	data, err := readLimited(s.Stdin)
	if err != nil {
		return Value{}, nil, fmt.Errorf("standard input: %w", err)
	}
	return finish("standard input", Ref{}, string(data))
}

func (s Source) fromEnv(r Ref) (Value, []string, error) {
	raw, ok := "", false
	if s.LookupEnv != nil {
		raw, ok = s.LookupEnv(r.Env)
	}
	if !ok {
		return Value{}, nil, fmt.Errorf("%s: the environment variable is not set\nset it where this program is started", r)
	}
	if raw == "" {
		return Value{}, nil, fmt.Errorf("%s: the environment variable is empty\nset it where this program is started", r)
	}
	return finish(r.String(), r, raw)
}

func (s Source) fromFile(r Ref) (Value, []string, error) {
	read := s.ReadFile
	if read == nil {
		read = ReadFile
	}
	data, err := read(r.File)
	if err != nil {
		return Value{}, nil, fmt.Errorf("file: %w", err)
	}
	return finish(r.String(), r, string(data))
}

func (s Source) generate(r Ref) (Value, []string, error) {
	source := s.Rand
	if source == nil {
		source = rand.Reader
	}
	raw := make([]byte, generated)
	if _, err := io.ReadFull(source, raw); err != nil {
		return Value{}, nil, fmt.Errorf("generate: no randomness: %w", err)
	}
	return Value{Ref: r, Text: New(base64.StdEncoding.EncodeToString(raw))}, nil, nil
}

// finish cleans and checks what was read from the place named.
func finish(place string, r Ref, raw string) (Value, []string, error) {
	text, notes := Clean(raw)
	if err := Check(text); err != nil {
		return Value{}, notes, fmt.Errorf("%s: the value %w", place, err)
	}
	return Value{Ref: r, Text: New(text)}, notes, nil
}
