package verdict

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/secret"
)

// tears are things that stand between letters without being seen.
var tears = []string{
	"\x1b[1m", "\x1b[38;5;1m", "\x1b[?25h", "\u009b1m", "\x9b1m", "\x1b]0;t\a", "\x1b]8;;https://x\x1b\\", "\x1bPq\x1b\\", "\x1b(B", "\x1b7", "\x1b",
	" ", "\n", "\t", "\u00a0", "\u200b", "\u202e", "\ufeff", "\u0301", "\ufffd", "\xff", "\x00", "\x7f", "\ufe0f", "\u2800",
}

func torn(s, tear string) string { return strings.Join(strings.Split(s, ""), tear) }

func TestASecretInPiecesIsNotShown(t *testing.T) {
	for _, known := range []string{"hunter22", "a secret with blanks", "a\tb c\u200bd", "x1 y", "p@ss w/+rd", "line one of the key\nline two of the key"} {
		for name, form := range map[string]string{
			"raw":        known,
			"form":       url.QueryEscape(known),
			"path":       url.PathEscape(known),
			"base64":     base64.StdEncoding.EncodeToString([]byte(known)),
			"base64url":  base64.RawURLEncoding.EncodeToString([]byte(known)),
			"basic":      base64.StdEncoding.EncodeToString([]byte("portal:" + known)),
			"basic form": base64.StdEncoding.EncodeToString([]byte("portal:" + url.QueryEscape(known))),
		} {
			if len(known) < 6 && strings.HasPrefix(name, "bas") {
				continue // too short to be looked for in base64
			}
			for _, tear := range append(tears, "") {
				if got := NewVeil(secret.New(known)).Words("bad credentials: " + torn(form, tear) + "."); got != "[not shown: it repeats the secret]" {
					t.Errorf("%q as %s, torn by %q: %q", known, name, tear, got)
				}
			}
		}
	}
}

func TestALineOfASecretInPiecesIsNotShown(t *testing.T) {
	known := secret.New("line one of the key\nline two of the key")
	if got := NewVeil(known).Words("no: " + torn("line two of the key", "\x1b[1m")); !strings.Contains(got, "not shown") {
		t.Error(got)
	}
}

func TestSequencesAreLeftOutAsAWhole(t *testing.T) {
	for in, want := range map[string]string{
		"plain [1m text":                                   "plain [1m text",
		"a \x1b[1;31mred\x1b[0m word":                      "a red word",
		"\x1b]0;title\aafter":                              "after",
		"\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\ behind": "link behind",
		"\x1bP1$q\u009cafter":                              "after",
		"\x1b(Btext\x1b7":                                  "text",
		"\u009b1mbold":                                     "bold",
		"cut \x1b[12":                                      "cut",
		"cut \x1b]never ended":                             "cut",
		"\x1b[\x1b[1mtwice":                                "twice",
		"\x1b[1ébroken":                                    "ébroken",
		"Größe, 日本語, \x1b[1mfett\x1b[m":                    "Größe, 日本語, fett",
		"end\x1b":                                          "end",
	} {
		if got := NewVeil(secret.New("hunter22")).Words(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// FuzzVeil: a secret in the middle of anything is never shown, and one line stays
// one line.
func FuzzVeil(f *testing.F) {
	f.Add("", "")
	f.Add("\u202e", "\x1b[31m")
	f.Add("client_secret=", "&x")
	const known = "s3cret of the portal"
	f.Fuzz(func(t *testing.T, before, after string) {
		got := NewVeil(secret.New(known)).Words(before + known + after)
		if strings.Contains(got, known) || strings.ContainsAny(got, "\n\r\x1b\u202e\u2028") || len([]rune(got)) > 500 {
			t.Errorf("%q", got)
		}
	})
}

// FuzzTornSecret: a secret with something between its letters that nobody sees is
// never shown, whatever stands around it.
func FuzzTornSecret(f *testing.F) {
	for i := range tears {
		f.Add("", "", uint8(i))
		f.Add("\x1b[", "\x1b]0;", uint8(i))
		f.Add("client_secret=", "&x", uint8(i))
	}
	f.Fuzz(func(t *testing.T, before, after string, tear uint8) {
		got := NewVeil(secret.New("s3cret of the portal")).Words(before + torn("s3cret of the portal", tears[int(tear)%len(tears)]) + after)
		if strings.Contains(strings.ReplaceAll(got, " ", ""), "s3cretoftheportal") {
			t.Errorf("%q", got)
		}
	})
}
