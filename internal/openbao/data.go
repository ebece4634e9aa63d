package openbao

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/openchoreo/backstage-setup/internal/secret"
)

// Data are the properties of an entry. Each is kept as the JSON that the server
// sent, behind a secret.Text: a write of the same Data sends the same bytes,
// whatever the type. The zero Data has no properties. Data is not changed by its
// methods.
type Data struct {
	properties map[string]secret.Text // the JSON of each
}

var errNotData = errors.New("not a JSON object")

// parseData reads a JSON object. The error holds nothing of it.
func parseData(object []byte) (Data, error) {
	var raw map[string]json.RawMessage
	if json.Unmarshal(object, &raw) != nil {
		return Data{}, errNotData
	}
	d := Data{properties: make(map[string]secret.Text, len(raw))}
	for name, value := range raw {
		d.properties[name] = secret.New(string(value))
	}
	return d, nil
}

// Names returns the names of the properties, sorted.
func (d Data) Names() []string { return slices.Sorted(maps.Keys(d.properties)) }

// Text returns the property if it is there and a string. An empty string is the
// zero Text and true.
func (d Data) Text(name string) (secret.Text, bool) {
	var s string
	raw := d.properties[name].Reveal()
	if !strings.HasPrefix(raw, `"`) || json.Unmarshal([]byte(raw), &s) != nil {
		return secret.Text{}, false
	}
	return secret.New(s), true
}

// With returns d with the property set to a string; every other property keeps
// its bytes.
func (d Data) With(name string, value secret.Text) (Data, error) {
	if name == "" || !utf8.ValidString(name) {
		return Data{}, errors.New("the name of a property must be text in UTF-8 and not empty")
	}
	if !utf8.ValidString(value.Reveal()) {
		// JSON would replace the bytes without a word.
		return Data{}, fmt.Errorf("the value of property %q must be text in UTF-8", name)
	}
	properties := maps.Clone(d.properties)
	if properties == nil {
		properties = map[string]secret.Text{}
	}
	properties[name] = secret.New(string(quote(value.Reveal())))
	return Data{properties: properties}, nil
}

// Equal says whether both have the same properties with the same values, however
// the JSON is written. Numbers are equal when they are written alike.
func (d Data) Equal(other Data) bool {
	return maps.EqualFunc(d.properties, other.properties, func(a, b secret.Text) bool {
		return a.Equal(b) || canonical(a).Equal(canonical(b))
	})
}

// Rounded returns the names of the properties with numbers that the server may
// have changed on the way: it reads entries with 64-bit floating point, so that
// integers from 2^53 on and fractions of more than 15 digits are not always what
// was stored. Writing the Data would make the change last.
func (d Data) Rounded() []string {
	var names []string
	for _, name := range d.Names() {
		if rounded(d.properties[name].Reveal()) {
			names = append(names, name)
		}
	}
	return names
}

// encode returns the JSON object, with the properties sorted and each as it is.
func (d Data) encode() []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range d.Names() {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(quote(name))
		b.WriteByte(':')
		b.WriteString(d.properties[name].Reveal())
	}
	b.WriteByte('}')
	return b.Bytes()
}

// quote returns s as a JSON string.
func quote(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always can be
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// canonical writes a JSON value in one way: names sorted, strings escaped alike,
// numbers as they are.
func canonical(raw secret.Text) secret.Text {
	var v any
	d := json.NewDecoder(strings.NewReader(raw.Reveal()))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return raw
	}
	written, err := json.Marshal(v)
	if err != nil {
		return raw
	}
	return secret.New(string(written))
}

// rounded says whether a JSON value holds a number that float64 may not hold.
func rounded(raw string) bool {
	d := json.NewDecoder(strings.NewReader(raw))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return false
		}
		if n, ok := token.(json.Number); ok && inexact(n.String()) {
			return true
		}
	}
}

func inexact(number string) bool {
	const exact = 1 << 53 // float64 has every integer below it
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || f >= exact || f <= -exact {
		return true
	}
	if !strings.ContainsAny(number, ".eE") {
		return false
	}
	digits, _, _ := strings.Cut(strings.ToLower(number), "e")
	digits = strings.TrimLeft(strings.NewReplacer("-", "", ".", "").Replace(digits), "0")
	return len(digits) > 15
}
