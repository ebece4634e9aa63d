package wizard

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

func TestWrap(t *testing.T) {
	const url = "http://thunder.openchoreo.localhost:8080/.well-known/openid-configuration"
	for _, test := range []struct {
		name, text, want string
	}{
		{"words", "one two three four", "one two\nthree four"},
		{"short", "one\n\n  two", "one\n\n  two"},
		{"columns", "name   value", "name value"},
		{"indented", "  one two three", "  one two\n    three"},
		{"address", "see " + url + " there", "see\n" + url + "\nthere"},
		{"command", "  kubectl get pods -n backstage", "  kubectl get pods -n backstage"},
		{"quoted", "type `helm get values` now", "type\n`helm get values`\nnow"},
		{"flag", "or with --delivery manifest", "or with\n--delivery manifest"},
		{"umlauts", "äöü äöü ä", "äöü äöü ä"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := strings.Join(wrap(test.text, 10), "\n"); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// FuzzWrap: no word is lost or broken, and a line is too wide only when it cannot
// be broken.
func FuzzWrap(f *testing.F) {
	f.Add("  Goes into the Secret under `client-secret` and nowhere --else at all", 12)
	f.Add("kubectl create namespace x\nhttps://a.example.com/ b", 5)
	f.Fuzz(func(t *testing.T, text string, width int) {
		if width < 1 || width > 200 || !utf8.ValidString(text) {
			t.Skip()
		}
		lines := wrap(text, width)
		if got, want := strings.Fields(strings.Join(lines, "\n")), strings.Fields(text); !slices.Equal(got, want) {
			t.Errorf("words %q became %q", want, got)
		}
		for _, line := range lines {
			long := utf8.RuneCountInString(line) > width
			if long && !isCommand(line) && len(words(line)) > 1 {
				t.Errorf("%q is wider than %d and could be broken", line, width)
			}
		}
	})
}

// TestLinesHeartbeat: a long wait is told about now and then, not more.
func TestLinesHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var screen strings.Builder
		d := &lineDriver{out: &lineText{w: &screen, width: 80}}
		d.wait("looking at the cluster", nil, func(tell func([]Line)) {
			time.Sleep(65 * time.Second) // the bubble's time
			tell([]Line{{Text: "found"}})
			time.Sleep(29 * time.Second)
		})
		want := "Still looking at the cluster, 30 seconds now.\nStill looking at the cluster, 60 seconds now.\nfound\n"
		if screen.String() != want {
			t.Errorf("got %q", screen.String())
		}
	})
}
