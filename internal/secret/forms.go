package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// spellings are the ways in which programs write a string into other text. Each
// gets a secret and returns what may stand in an output in its place.
var spellings = []func(string) string{
	func(s string) string { return s },
	url.QueryEscape,
	url.PathEscape,
	func(s string) string { return lowerEscapes(url.QueryEscape(s)) },
	func(s string) string { return lowerEscapes(url.PathEscape(s)) },
	func(s string) string { return strings.TrimPrefix(url.UserPassword("", s).String(), ":") },
	encodeURIComponent,
	func(s string) string { return jsonEscape(s, true) },
	func(s string) string { return jsonEscape(s, false) },
	func(s string) string { return strings.ReplaceAll(jsonEscape(s, false), "/", `\/`) }, // PHP
	func(s string) string { return unquote(strconv.Quote(s)) },
	func(s string) string { return unquote(strconv.QuoteToASCII(s)) },
	func(s string) string { return strings.ReplaceAll(s, "'", "''") },    // YAML, SQL
	func(s string) string { return strings.ReplaceAll(s, "'", `'\''`) },  // shell
	func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }, // a terminal in raw mode
	html.EscapeString,
	func(s string) string { return hex.EncodeToString([]byte(s)) },
	func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
	func(s string) string { return strings.Trim(fmt.Sprint([]byte(s)), "[]") }, // %v of bytes
}

// packed are the spellings that are put into base64: a token request's
// Authorization header holds the form-encoded secret, RFC 6749 section 2.3.1.
var packed = []func(string) string{
	func(s string) string { return s },
	url.QueryEscape,
	func(s string) string { return jsonEscape(s, true) },
	func(s string) string { return jsonEscape(s, false) },
}

// minLine is the shortest line of a secret with several, in bytes, that is looked
// for by itself: YAML indents them, a terminal shows them one by one.
const minLine = 16

// forms returns every spelling of s, each once.
func forms(s string) []string {
	var all []string
	for line := range strings.Lines(s) {
		line = strings.TrimSpace(line)
		if len(line) >= minLine && !strings.HasPrefix(line, "-----") {
			all = append(all, line)
		}
	}
	for _, spell := range spellings {
		all = append(all, spell(s))
	}
	for _, spell := range packed {
		all = append(all, base64Forms(spell(s))...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// base64Forms returns what s looks like in base64, alone and inside something
// larger. Inside, it may begin at each of three positions of a group, and the
// characters it shares with its neighbours are unknown: they are left out.
func base64Forms(s string) []string {
	var all []string
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for offset, shared := range []int{0, 2, 3} {
			whole := encoding.EncodeToString(append(make([]byte, offset), s...))
			// At the end of the data the last character is known, and padding may follow.
			all = append(all, whole[shared:])
			if rest := (offset + len(s)) % 3; rest != 0 {
				all = append(all, whole[shared:]+strings.Repeat("=", 3-rest), whole[shared:len(whole)-1])
			}
		}
	}
	return all
}

// lowerEscapes writes %2F as %2f, as some libraries do.
func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:], bytes.ToLower(b[i+1:i+3]))
		}
	}
	return string(b)
}

// encodeURIComponent is JavaScript's: what a provider written for Node sends back.
func encodeURIComponent(s string) string {
	return strings.NewReplacer("+", "%20", "%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*").
		Replace(url.QueryEscape(s))
}

func jsonEscape(s string, forHTML bool) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(forHTML)
	_ = e.Encode(s) // a string always encodes
	return unquote(strings.TrimSuffix(b.String(), "\n"))
}

func unquote(s string) string { return s[1 : len(s)-1] }
