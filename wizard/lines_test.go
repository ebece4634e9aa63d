package wizard

import (
	"bytes"
	"context"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/steps"
)

var updateLines = flag.Bool("update-lines", false, "write the transcripts in testdata/lines anew")

// lineCanary is the secret that the scripts type where they say {secret}; no output
// may hold it in any form.
const lineCanary = "cAnaRy/7?Q-gW3x+zZ91"

// newTestSession is a run without a cluster and with the same random bytes each
// time. The chart is pinned: new profiles must not change what tests see.
func newTestSession(t testing.TB, settings Settings) (*Session, *secret.Scrubber) {
	t.Helper()
	scrub := &secret.Scrubber{}
	settings.NoConfig = true
	random := bytes.NewReader(bytes.Repeat([]byte("0123456789abcdef"), 4))
	s, err := NewSession(steps.Install(), &steps.Env{Secrets: secret.Source{Rand: random}}, settings, scrub)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Give("chart", "1.2.3", answers.FromFlag, "--chart"); err != nil {
		t.Fatal(err)
	}
	if err := s.Load(); err != nil {
		t.Fatal(err)
	}
	return s, scrub
}

// script is a person at a pipe: a Read brings one line, once it is asked for,
// and leaves it in the transcript.
type script struct {
	lines []string
	echo  io.Writer
	end   error // after the last line
	read  int
}

func (s *script) Read(p []byte) (int, error) {
	if s.read == len(s.lines) {
		return 0, s.end
	}
	line := s.lines[s.read]
	s.read++
	fmt.Fprintf(s.echo, "«%s»", line)
	return copy(p, strings.ReplaceAll(line, "{secret}", lineCanary)+"\n"), nil
}

// TestLines plays the scripts in testdata/lines: the section "in" is typed, "out"
// is the whole transcript with what was typed in «». Other sections are files
// that are there before. The comment's lines are options.
func TestLines(t *testing.T) {
	scripts, err := filepath.Glob("testdata/lines/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, path := range scripts {
		path, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { play(t, path) })
	}
}

func play(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	var settings Settings
	terminal := Terminal{}
	for line := range strings.Lines(string(archive.Comment)) {
		switch option := strings.Fields(strings.TrimSpace(line) + " ."); option[0] {
		case "columns":
			terminal.Environ = []string{"COLUMNS=" + option[1]}
		case "dry-run":
			settings.DryRun = true
		case "yes":
			settings.Yes = true
		case "draft":
			terminal.SaveDraft = func(s *Session) (string, error) {
				given := s.Given()
				text, err := answers.Encode(&given)
				if err != nil {
					return "", err
				}
				return "draft.yaml", os.WriteFile("draft.yaml", text, 0o600)
			}
		}
	}
	in, out := "", -1
	for i, f := range archive.Files {
		switch f.Name {
		case "in":
			in = string(f.Data)
		case "out":
			out = i
		default:
			if err := os.WriteFile(f.Name, f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	s, scrub := newTestSession(t, settings)
	var transcript bytes.Buffer
	typed := strings.Split(strings.TrimSuffix(in, "\n"), "\n")
	person := &script{lines: typed, echo: &transcript, end: io.EOF}
	terminal.In, terminal.Out = person, &transcript
	end, err := Lines(t.Context(), s, terminal)
	fmt.Fprintf(&transcript, "[end: %s]\n", told(end, err))
	if person.read < len(typed) {
		t.Errorf("the run ended before %q was typed", typed[person.read])
	}
	checkHidden(t, transcript.String(), scrub)
	got := inOrder(transcript.String())
	if *updateLines {
		if out < 0 {
			archive.Files = append(archive.Files, txtar.File{Name: "out"})
			out = len(archive.Files) - 1
		}
		archive.Files[out].Data = []byte(got)
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if out < 0 || string(archive.Files[out].Data) != got {
		t.Errorf("not the transcript of %s; it is now:\n%s", filepath.Base(path), got)
	}
}

// inOrder sorts what checks found: they are printed as each ends.
func inOrder(transcript string) string {
	var out []string
	var found []string // a check's lines each
	checks := false
	for _, line := range strings.Split(transcript, "\n") {
		if checks && line == "" {
			slices.Sort(found)
			out = append(out, found...)
			found, checks = nil, false
		}
		first, _, _ := strings.Cut(line, " ")
		switch {
		case checks && slices.Contains([]string{"✓", "✗", "!", "?", "-"}, first):
			found = append(found, line)
		case checks && len(found) > 0:
			found[len(found)-1] += "\n" + line
		default:
			out = append(out, line)
			checks = checks || line == "Checks:"
		}
	}
	return strings.Join(append(out, found...), "\n")
}

func told(end End, err error) string {
	var list []string
	for text, is := range map[string]bool{"left": end.Left, "applied": end.Applied, "failed": end.Err != nil} {
		if is {
			list = append(list, text)
		}
	}
	if err != nil {
		list = append(list, "error: "+err.Error())
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// checkHidden fails when the lineCanary shows, or when only the Scrubber kept it from
// that.
func checkHidden(t *testing.T, text string, scrub *secret.Scrubber) {
	t.Helper()
	for _, form := range []string{lineCanary, lineCanary[:8], base64.StdEncoding.EncodeToString([]byte(lineCanary))} {
		if strings.Contains(text, form) {
			t.Errorf("a secret shows:\n%s", text)
		}
	}
	if scrub.Hits() > 0 {
		t.Errorf("a secret was written and scrubbed:\n%s", text)
	}
}

// TestLinesLeavesWhenTold: an ended ctx or a signal ends the run although a read
// blocks, and nothing is applied.
func TestLinesLeavesWhenTold(t *testing.T) {
	for _, how := range []string{"ctx", "signal", "closed"} {
		t.Run(how, func(t *testing.T) {
			t.Chdir(t.TempDir())
			s, _ := newTestSession(t, Settings{})
			in, person := io.Pipe()
			defer person.Close()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			signals := make(chan struct{}, 1)
			saved := 0
			out := &watched{want: "[development]: ", seen: func() {
				switch how {
				case "ctx":
					cancel()
				case "signal":
					signals <- struct{}{}
				case "closed":
					close(signals)
				}
			}}
			end, err := Lines(ctx, s, Terminal{In: in, Out: out, Signals: signals, SaveDraft: func(*Session) (string, error) {
				saved++
				return "draft.yaml", nil
			}})
			if err != nil || !end.Left || end.Applied {
				t.Errorf("end %+v, error %v", end, err)
			}
			if !strings.HasSuffix(out.screen.String(), "\nNothing was changed.\n") {
				t.Errorf("the last words are not that nothing was changed:\n%s", out.screen.String())
			}
			if saved != 0 {
				t.Error("saved although nothing was answered")
			}
		})
	}
}

// watched is a screen that calls seen once when want is on it.
type watched struct {
	screen bytes.Buffer // not embedded: its WriteString would go past Write
	want   string
	seen   func()
}

func (w *watched) Write(p []byte) (int, error) {
	n, err := w.screen.Write(p)
	if w.seen != nil && strings.Contains(w.screen.String(), w.want) {
		w.seen()
		w.seen = nil
	}
	return n, err
}
