package idp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

var errNoObject = errors.New("is no JSON object")

// object is a JSON object by its exact names: encoding/json would take "Issuer"
// for "issuer", JavaScript does not.
type object map[string]json.RawMessage

// parseObject reads one object and nothing after it. repeated is a name that is
// there twice, at the top or further in, "" for none: readers differ in which
// value they take.
func parseObject(data []byte) (o object, repeated string, err error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // as the fetch standard does
	if !utf8.Valid(data) || !json.Valid(data) {
		return nil, "", errNoObject
	}
	if err := json.Unmarshal(data, &o); err != nil || o == nil {
		return nil, "", errNoObject
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return o, repeatedName(d), nil
}

// repeatedName walks valid JSON and returns the first name that an object has
// twice.
func repeatedName(d *json.Decoder) string {
	type level struct {
		names map[string]bool // nil in an array
		value bool            // the next string is a value
	}
	var levels []level
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) || err != nil {
			return ""
		}
		top := len(levels) - 1
		if s, ok := token.(string); ok && top >= 0 && levels[top].names != nil && !levels[top].value {
			if levels[top].names[s] {
				return s
			}
			levels[top].names[s], levels[top].value = true, true
			continue
		}
		if top >= 0 {
			levels[top].value = false
		}
		switch token {
		case json.Delim('{'):
			levels = append(levels, level{names: map[string]bool{}})
		case json.Delim('['):
			levels = append(levels, level{})
		case json.Delim('}'), json.Delim(']'):
			levels = levels[:top]
		}
	}
}

// text returns the string of that name; "" without it or with null.
func (o object) text(name string) (string, error) {
	var s *string
	if raw, ok := o[name]; ok {
		if err := json.Unmarshal(raw, &s); err != nil {
			return "", fmt.Errorf("%s is no string", name)
		}
	}
	if s == nil {
		return "", nil
	}
	return *s, nil
}

// list returns the strings of that name; nil without it or with null, never nil
// otherwise.
func (o object) list(name string) ([]string, error) {
	var list []string
	if raw, ok := o[name]; ok {
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, fmt.Errorf("%s is no list of strings", name)
		}
	}
	return list, nil
}

// truth returns the boolean of that name; false without it.
func (o object) truth(name string) (bool, error) {
	var b bool
	if raw, ok := o[name]; ok {
		if err := json.Unmarshal(raw, &b); err != nil {
			return false, fmt.Errorf("%s is neither true nor false", name)
		}
	}
	return b, nil
}
