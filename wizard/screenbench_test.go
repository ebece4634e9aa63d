package wizard

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/steps"
)

var updateScreens = flag.Bool("update-screens", false, "write the screens in testdata/screen anew; look at them before you commit them")

// typedSecret is the secret that is typed in tests; no frame may show it.
const typedSecret = "cAnary-s3cret-Zx9"

// bench drives the model without a terminal: keys go in, frames come out, and
// work in the background is done when the test says so.
type bench struct {
	t       testing.TB
	m       *screen
	later   []tea.Msg // what a timer would deliver
	work    []tea.Cmd // the background, not yet done
	quit    bool
	reveals bool // the typedSecret may show
	saves   int
}

// newBench opens the full screen on a session without a cluster, in a directory
// of its own.
func newBench(t testing.TB, width, height int, settings Settings) *bench {
	t.Helper()
	t.Chdir(t.TempDir())
	s, err := NewSession(steps.Install(), &steps.Env{Secrets: secret.Source{LookupEnv: func(string) (string, bool) { return "", false }}}, settings, &secret.Scrubber{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Load(); err != nil {
		t.Fatal(err)
	}
	return benchOf(t, s, width, height)
}

func benchOf(t testing.TB, s *Session, width, height int) *bench {
	b := &bench{t: t}
	b.m = newScreen(t.Context(), s, Terminal{SaveDraft: func(*Session) (string, error) {
		b.saves++
		return "answers.yaml", nil
	}})
	b.m.send = b.tell
	b.m.after = func(_ time.Duration, msg tea.Msg) tea.Cmd {
		b.later = append(b.later, msg)
		return nil
	}
	b.do(b.m.begin())
	b.tell(tea.WindowSizeMsg{Width: width, Height: height})
	return b
}

// tell delivers a message and notes the work that it leads to.
func (b *bench) tell(msg tea.Msg) {
	b.t.Helper()
	_, cmd := b.m.Update(msg)
	b.do(cmd)
	if content := b.m.View().Content; !b.reveals && strings.Contains(strings.ReplaceAll(ansi.Strip(content), "\n", ""), typedSecret) {
		b.t.Fatalf("the secret is on the screen:\n%s", b.screen())
	}
}

func (b *bench) do(cmd tea.Cmd) {
	if cmd != nil {
		b.work = append(b.work, cmd)
	}
}

// settle does all work in the background, until there is none.
func (b *bench) settle() *bench {
	b.t.Helper()
	for len(b.work) > 0 {
		cmd := b.work[0]
		b.work = b.work[1:]
		switch msg := cmd().(type) {
		case nil:
		case tea.BatchMsg:
			b.work = append(append([]tea.Cmd{}, msg...), b.work...)
		case tea.QuitMsg:
			b.quit = true
			return b
		default:
			b.tell(msg)
		}
	}
	return b
}

// wait lets all timers run out.
func (b *bench) wait() *bench {
	b.t.Helper()
	b.settle()
	due := b.later
	b.later = nil
	for _, msg := range due {
		b.tell(msg)
	}
	return b.settle()
}

var named = map[string]tea.KeyPressMsg{
	"enter": {Code: tea.KeyEnter}, "tab": {Code: tea.KeyTab}, "shift+tab": {Code: tea.KeyTab, Mod: tea.ModShift},
	"esc": {Code: tea.KeyEscape}, "up": {Code: tea.KeyUp}, "down": {Code: tea.KeyDown}, "left": {Code: tea.KeyLeft}, "right": {Code: tea.KeyRight},
	"pgup": {Code: tea.KeyPgUp}, "pgdown": {Code: tea.KeyPgDown}, "home": {Code: tea.KeyHome}, "end": {Code: tea.KeyEnd},
	"backspace": {Code: tea.KeyBackspace}, "delete": {Code: tea.KeyDelete}, "f1": {Code: tea.KeyF1}, "f2": {Code: tea.KeyF2},
	"alt+right": {Code: tea.KeyRight, Mod: tea.ModAlt}, "alt+left": {Code: tea.KeyLeft, Mod: tea.ModAlt},
	"ctrl+pgdown": {Code: tea.KeyPgDown, Mod: tea.ModCtrl}, "ctrl+pgup": {Code: tea.KeyPgUp, Mod: tea.ModCtrl},
	"space": {Code: tea.KeySpace, Text: " "},
}

// keyOf makes the message of a key by its name, such as "ctrl+g".
func keyOf(name string) tea.KeyPressMsg {
	if msg, ok := named[name]; ok {
		return msg
	}
	if letter, ok := strings.CutPrefix(name, "ctrl+"); ok {
		return tea.KeyPressMsg{Code: []rune(letter)[0], Mod: tea.ModCtrl}
	}
	if letter, ok := strings.CutPrefix(name, "alt+"); ok {
		return tea.KeyPressMsg{Code: []rune(letter)[0], Mod: tea.ModAlt}
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

// press sends named keys, one after another, as fast as they come.
func (b *bench) press(names ...string) *bench {
	b.t.Helper()
	for _, name := range names {
		b.tell(keyOf(name))
	}
	return b
}

// types sends text letter by letter; a carriage return is Enter.
func (b *bench) types(text string) *bench {
	b.t.Helper()
	for _, r := range text {
		if r == '\r' {
			b.press("enter")
			continue
		}
		b.tell(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
	return b
}

// screen is what a person sees.
func (b *bench) screen() string {
	lines := strings.Split(ansi.Strip(b.m.View().Content), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// shows fails the test unless all texts are on the screen.
func (b *bench) shows(texts ...string) *bench {
	b.t.Helper()
	for _, text := range texts {
		if !strings.Contains(b.screen(), text) {
			b.t.Fatalf("the screen does not show %q:\n%s", text, b.screen())
		}
	}
	return b
}

// hides fails the test if a text is on the screen.
func (b *bench) hides(texts ...string) *bench {
	b.t.Helper()
	for _, text := range texts {
		if strings.Contains(b.screen(), text) {
			b.t.Fatalf("the screen shows %q:\n%s", text, b.screen())
		}
	}
	return b
}

// on fails the test unless the step is open.
func (b *bench) on(step string) *bench {
	b.t.Helper()
	if here := b.m.here(); here != step {
		b.t.Fatalf("on step %q, want %q:\n%s", here, step, b.screen())
	}
	return b
}

// golden compares the screen with the one in testdata, and its size with the
// terminal's.
func (b *bench) golden(name string) *bench {
	b.t.Helper()
	got := b.screen()
	lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
	if len(lines) > b.m.height {
		b.t.Errorf("%s: %d rows on a terminal of %d", name, len(lines), b.m.height)
	}
	for _, line := range lines {
		if w := ansi.StringWidth(line); w > b.m.width {
			b.t.Errorf("%s: %d columns on a terminal of %d: %q", name, w, b.m.width, line)
		}
	}
	path := filepath.Join(home, "testdata", "screen", name+".txt")
	if *updateScreens {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			b.t.Fatal(err)
		}
		return b
	}
	want, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	if got != string(want) {
		b.t.Errorf("%s differs from %s (go test ./wizard -update-screens writes it anew):\n%s", name, path, got)
	}
	return b
}

// home is the package's directory: tests change into others.
var home = func() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return dir
}()

// filled answers everything that is asked, up to the review.
func (b *bench) filled() *bench {
	b.t.Helper()
	return b.settle().answered()
}

// answered answers everything that is asked and leaves the background alone.
func (b *bench) answered() *bench {
	b.t.Helper()
	for _, answer := range [][2]string{
		{"preset", "development"}, {"portal.baseUrl", "https://console.example.com"}, {"gateway.tls.certificateSecret", "openchoreo-tls"},
		{"identity.provider", "thunder"}, {"identity.issuer", "https://thunder.example.com"},
		{"client.id", "openchoreo-backstage-client"}, {"client.secret", typedSecret}, {"database.type", "sqlite"},
	} {
		if _, err := b.m.s.Answer(answers.Key(answer[0]), answer[1]); err != nil {
			b.t.Fatalf("%s: %v", answer[0], err)
		}
	}
	b.m.refresh()
	return b
}
