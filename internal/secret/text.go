// Package secret holds what must not be seen: the redacting Text, references to
// where a secret comes from, and the Scrubber that stands before every output.
// It must not know anything else: not what a secret is for, nor who prints it.
package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"unicode/utf8"
)

const (
	redacted = "[redacted]"
	none     = "[none]"
)

// Text is a secret in memory. The string is behind a closure because fmt, the
// encoders and a debugger's %#v reach every field, exported or not, but never
// what a function has captured. The zero Text is no secret.
//
// A Text is not comparable and cannot be a map key; use Equal.
type Text struct{ f func() string }

// New wraps s. New("") is the zero Text.
func New(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{f: func() string { return s }}
}

// Reveal returns the secret itself, "" for the zero Text. Give it to what needs
// it, never to a message.
func (t Text) Reveal() string {
	if t.f == nil {
		return ""
	}
	return t.f()
}

// IsZero says whether there is no secret.
func (t Text) IsZero() bool { return t.f == nil }

// Len returns the number of characters, not bytes.
func (t Text) Len() int { return utf8.RuneCountInString(t.Reveal()) }

// Equal compares in constant time; the lengths do not show either.
func (t Text) Equal(other Text) bool {
	a, b := sha256.Sum256([]byte(t.Reveal())), sha256.Sum256([]byte(other.Reveal()))
	return hmac.Equal(a[:], b[:])
}

// Fingerprint returns 8 hexadecimal digits by which a person can tell two secrets
// of one run apart. The key must be random and new in each run: a plain hash of a
// short password could be looked up. The zero Text gives "".
func (t Text) Fingerprint(key []byte) string {
	if t.IsZero() {
		return ""
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(t.Reveal()))
	return hex.EncodeToString(mac.Sum(nil))[:8]
}

// String returns "[redacted]", or "[none]" for the zero Text.
func (t Text) String() string {
	if t.IsZero() {
		return none
	}
	return redacted
}

// GoString is String.
func (t Text) GoString() string { return t.String() }

// Format writes String whatever the verb and the flags.
func (t Text) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, t.String()) }

// LogValue is String.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText is String.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// MarshalJSON is String in quotes.
func (t Text) MarshalJSON() ([]byte, error) { return []byte(`"` + t.String() + `"`), nil }

// MarshalYAML is String.
func (t Text) MarshalYAML() (any, error) { return t.String(), nil }

var errUnmarshal = errors.New("a secret is never read from a document: use a reference")

// UnmarshalText rejects everything and repeats nothing.
func (t *Text) UnmarshalText([]byte) error { return errUnmarshal }

// UnmarshalJSON rejects everything and repeats nothing.
func (t *Text) UnmarshalJSON([]byte) error { return errUnmarshal }

// UnmarshalYAML rejects everything and repeats nothing.
func (t *Text) UnmarshalYAML(func(any) error) error { return errUnmarshal }
