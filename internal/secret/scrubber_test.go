package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	yaml "go.yaml.in/yaml/v3"
	sigs "sigs.k8s.io/yaml"
)

func scrubberOf(secrets ...string) *Scrubber {
	var s Scrubber
	for _, secret := range secrets {
		s.Add(New(secret))
	}
	return &s
}

// awkward secrets have what the encodings escape.
var awkward = []string{
	"hunter22", "p@ss/w+rd=?&%", `q"u'o\te<&>`, "pässwörd mit leer", "tilde~8Q~x.y_z-", "line one of it\nand line two", "\ttab inside\t!", "日本語のパスワード", "!'()*;:$,#[]",
}

// What Go's own encoders make of a secret, alone and inside something larger, is
// found: nothing of its form is left.
func TestScrubFindsWhatEncodersWrite(t *testing.T) {
	for _, secret := range awkward {
		outputs := map[string]string{
			"raw":            "the secret is " + secret + ".",
			"json":           must(json.Marshal(map[string]string{"clientSecret": secret})),
			"json, no html":  jsonEscape(secret, false),
			"form":           url.Values{"client_secret": {secret}, "a": {"b"}}.Encode(),
			"path":           "https://x/" + url.PathEscape(secret) + "/y",
			"lower form":     strings.ToLower(url.QueryEscape("é/ ")) + lowerEscapes(url.QueryEscape(secret)),
			"dsn":            (&url.URL{Scheme: "postgres", User: url.UserPassword("backstage", secret), Host: "db"}).String(),
			"query in error": (&url.Error{Op: "Get", URL: "https://x/?s=" + url.QueryEscape(secret), Err: io.EOF}).Error(),
			"quoted":         fmt.Sprintf("%q", secret),
			"ascii":          fmt.Sprintf("%+q", secret),
			"hex":            fmt.Sprintf("%x", secret),
			"HEX":            fmt.Sprintf("%X", secret),
			"hex encoded":    hex.EncodeToString([]byte("before" + secret + "after")),
			"bytes":          fmt.Sprint([]byte(secret)),
			"html":           html.EscapeString("<p>" + secret),
			"shell":          "echo '" + strings.ReplaceAll(secret, "'", `'\''`) + "'",
			"yaml v3":        strings.TrimPrefix(must(yaml.Marshal([]string{secret})), "- "),
			"data":           must(sigs.Marshal(map[string][]byte{"client-secret": []byte(secret)})),
			"strconv":        strconv.QuoteToASCII(secret),
		}
		if strings.Contains(secret, "\n") {
			delete(outputs, "yaml v3") // a block: see TestScrubFindsTheLinesOfAKey
		}
		request, _ := http.NewRequest("GET", "http://x", nil)
		for _, client := range []string{"c", "id", "cli", "backstage-portal-client"} {
			request.SetBasicAuth(client, secret)
			outputs["basic "+client] = request.Header.Get("Authorization")
			request.SetBasicAuth(url.QueryEscape(client), url.QueryEscape(secret))
			outputs["basic form "+client] = request.Header.Get("Authorization")
			for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
				body := `{"id":"` + client + `","secret":` + must(json.Marshal(secret)) + `,"x":1}`
				outputs["json in base64 "+client] = encoding.EncodeToString([]byte(body))
				outputs["middle of base64 "+client] = encoding.EncodeToString([]byte(client + secret + client))
			}
		}
		for name, output := range outputs {
			s := scrubberOf("another secret", secret)
			if got := s.Scrub(output); s.Hits() != 1 || !strings.Contains(got, "[redacted]") {
				t.Errorf("%q as %s: %d hits: %s", secret, name, s.Hits(), got)
			}
		}
	}
}

func TestScrubLeavesOnlyTheMark(t *testing.T) {
	s := scrubberOf("hunter22", "hunter22-longer", "short", "pässw")
	for in, want := range map[string]string{
		"":                     "",
		"nothing":              "nothing",
		"hunter22":             "[redacted]",
		"ahunter22b":           "a[redacted]b",
		"hunter22hunter22":     "[redacted][redacted]",
		"hunter22-longer!":     "[redacted]!",
		"hunter22-long":        "[redacted]-long",
		"hunterhunter22":       "hunter[redacted]",
		"short pässw":          "short pässw", // fewer than 6 characters
		"aHVudGVyMjI=":         "[redacted]",
		"eA==.aHVudGVyMjI.eA":  "eA==.[redacted].eA",
		"hunter2":              "hunter2",
		"hunter\x1b[1m22":      "hunter\x1b[1m22",
		"68756e7465723232,":    "[redacted],",
		"\xff\xfehunter22\xff": "\xff\xfe[redacted]\xff",
	} {
		if got := s.Scrub(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestScrubFindsTheLinesOfAKey(t *testing.T) {
	var key strings.Builder
	key.WriteString("-----BEGIN PRIVATE KEY-----\n")
	for i := range 5 {
		fmt.Fprintf(&key, "%s\n", base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{byte(i)}, 48)))
	}
	key.WriteString("-----END PRIVATE KEY-----")
	s := scrubberOf(key.String())
	got := s.Scrub(must(yaml.Marshal(map[string]string{"key": key.String()})))
	want := "key: |-\n    -----BEGIN PRIVATE KEY-----\n" + strings.Repeat("    [redacted]\n", 5) + "    -----END PRIVATE KEY-----\n"
	if got != want {
		t.Errorf("got %s", got)
	}
}

func TestHitsCounts(t *testing.T) {
	s := scrubberOf("hunter22", "hunter22")
	s.Scrub("hunter22 hunter22")
	w := s.Writer(io.Discard)
	for range 3 {
		io.WriteString(w, "hunt")
		io.WriteString(w, "er22")
	}
	if s.Hits() != 5 {
		t.Errorf("%d hits", s.Hits())
	}
}

// writes records what arrives and when.
type writes []string

func (w *writes) Write(p []byte) (int, error) { *w = append(*w, string(p)); return len(p), nil }

func TestTheWriterHoldsBackNoMoreThanItMust(t *testing.T) {
	for name, test := range map[string]struct{ in, out []string }{
		"a prompt":              {[]string{"Client secret: "}, []string{"Client secret: "}},
		"a line":                {[]string{"done\n"}, []string{"done\n"}},
		"a beginning":           {[]string{"path", "name"}, []string{"pat", "hname"}},
		"a beginning, then end": {[]string{"path"}, []string{"pat", "h"}},
		"a secret in pieces":    {[]string{"<h", "unt", "er2", "2>"}, []string{"<", "[redacted]>"}},
		"a decision":            {[]string{"hunter22", "!"}, []string{"[redacted]", "!"}},
		"a longer one":          {[]string{"ABCDEFGH", "IJ", "."}, []string{"[redacted]", "."}},
		"not a longer one":      {[]string{"ABCDEFGH", "IK", "."}, []string{"[redacted]IK", "."}},
		"a frame":               {[]string{"text\x1b[?25h", "more"}, []string{"text\x1b[?25h", "more"}},
		"a frame and a secret":  {[]string{"\x1b[?25h", "unter22 x"}, []string{"\x1b[?25h", "[redacted] x"}},
		"a frame in pieces":     {[]string{"\x1b[?25h", "unt", "er", "22"}, []string{"\x1b[?25h", "[redacted]"}},
		"a frame, no secret":    {[]string{"\x1b[?25h", "unt", "old"}, []string{"\x1b[?25h", "untold"}},
		"a short sequence":      {[]string{"\x1bh", "."}, []string{"\x1bh", "."}},
		"an open sequence":      {[]string{"\x1b[", "h"}, []string{"\x1b[", "h"}},
		"after a sequence":      {[]string{"\x1b[1mh", "i"}, []string{"\x1b[1m", "hi"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := scrubberOf("hunter22", "ABCDEFGH", "ABCDEFGHIJ")
			var got writes
			w := s.Writer(&got)
			for _, p := range test.in {
				if n, err := io.WriteString(w, p); n != len(p) || err != nil {
					t.Fatal(n, err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", test.out) {
				t.Errorf("got %q, want %q", got, test.out)
			}
		})
	}
}

func TestSequence(t *testing.T) {
	for in, want := range map[string]int{
		"": 0, "text": 0, "text\x1b": 0, "\x1b[": 0, "\x1b[1": 0, "\x1b[1m": 3, "a\x1b[?25h": 5, "\x1b[1mh": 0, "\x1b7": 1, "\x1b78": 0,
		"\x1b]0;title\x07": 0, "\x1b[1m\x1b[38;2;1;2;3m": 12, "\x1b[" + strings.Repeat("1;", 30) + "m": 0,
	} {
		if got := sequence([]byte(in)); got != want {
			t.Errorf("%q: got %d, want %d", in, got, want)
		}
	}
}

type broken struct{ err error }

func (b broken) Write([]byte) (int, error) { return 0, b.err }

func TestTheWriterPassesErrorsOn(t *testing.T) {
	boom := errors.New("boom")
	w := scrubberOf("hunter22").Writer(broken{boom})
	if n, err := io.WriteString(w, "text"); n != 0 || !errors.Is(err, boom) {
		t.Error(n, err)
	}
	if n, err := io.WriteString(w, "hun"); n != 3 || err != nil {
		t.Error(n, err) // held back: nothing was written yet
	}
	if err := w.Close(); !errors.Is(err, boom) {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Error("what was held is passed on once", err)
	}
}

func TestASecretAddedWhileItIsWritten(t *testing.T) {
	s := scrubberOf("hunter22")
	var out writes
	w := s.Writer(&out)
	io.WriteString(w, "hunt")
	s.Add(New("hunting-season"))
	io.WriteString(w, "ing-season\n")
	w.Close()
	if got := strings.Join(out, ""); got != "[redacted]\n" {
		t.Errorf("%q", got)
	}
}

func TestTheScrubberIsConcurrent(t *testing.T) {
	var s Scrubber
	var out bytes.Buffer
	w := s.Writer(&out)
	random := rand.New(rand.NewPCG(3, 4))
	var wg sync.WaitGroup
	for range 8 {
		secret := canary(random)
		s.Add(New(secret)) // before: what is not known cannot be found
		wg.Go(func() {
			for range 50 {
				fmt.Fprintf(w, "<%s>", secret)
				s.Add(New(secret + "x"))
				if got := s.Scrub(secret + "!"); strings.Contains(got, secret) {
					t.Errorf("got %q", got)
				}
			}
		})
	}
	wg.Wait()
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if got := strings.Repeat("<[redacted]>", 400); out.String() != got {
		t.Error(out.String())
	}
}

// FuzzWriter: text with secrets in any form, written in any pieces, never shows
// one, and is what Scrub makes of it as a whole; without secrets it is unchanged.
func FuzzWriter(f *testing.F) {
	for i, s := range awkward {
		f.Add(uint64(i), s, "some text, "+s[:len(s)/2], "b"+s)
		f.Add(uint64(i), s, "\x1b[1mframe\x1b[?25"+s[:1], s+s)
	}
	f.Add(uint64(9), "abcabcabd", "abcabcabcabd", "abcabc")
	f.Fuzz(func(t *testing.T, seed uint64, secret, text, other string) {
		random := rand.New(rand.NewPCG(seed, 5))
		s := scrubberOf(secret, other)
		var known []string
		for _, k := range []string{secret, other} {
			if New(k).Len() < minScrubbed {
				continue
			}
			// The mark itself, or what stands beside it, would make up such a secret.
			if strings.ContainsAny(k, "[]") || strings.Contains(redacted, k) {
				return
			}
			known = append(known, forms(k)...)
		}
		var plain strings.Builder
		for range random.IntN(6) {
			plain.WriteString(text)
			if len(known) > 0 {
				form := known[random.IntN(len(known))]
				plain.WriteString(form[random.IntN(2)*random.IntN(len(form)):])
			}
		}
		in := plain.String()

		whole := s.Scrub(in)
		var out bytes.Buffer
		w := s.Writer(&out)
		for rest := in; rest != ""; {
			n := min(len(rest), 1+random.IntN(1+random.IntN(40)))
			if written, err := io.WriteString(w, rest[:n]); written != n || err != nil {
				t.Fatal(written, err)
			}
			rest = rest[n:]
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got, contained := out.String(), false
		for _, form := range known {
			contained = contained || strings.Contains(in, form)
			if strings.Contains(got, form) || strings.Contains(whole, form) {
				t.Errorf("%q is in %q or %q", form, got, whole)
			}
		}
		if !contained && (got != in || whole != in) {
			t.Errorf("%q became %q and %q", in, got, whole)
		}
		if !strings.Contains(in, "\x1b") && got != whole {
			t.Errorf("written %q, as a whole %q", got, whole)
		}
	})
}

func BenchmarkScrub(b *testing.B) {
	random := rand.New(rand.NewPCG(6, 7))
	var s Scrubber
	for range 8 {
		s.Add(New(canary(random)))
	}
	text := strings.Repeat("time=2026-01-01T00:00:00Z level=INFO msg=\"GET https://console.example.com/api\" status=200\n", 1000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		s.Scrub(text)
	}
}
