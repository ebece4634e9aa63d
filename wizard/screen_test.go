package wizard

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

var local = Settings{NoConfig: true, Restart: true}

// Screens as a person sees them, at the three sizes that the layout knows.
func TestScreens(t *testing.T) {
	for _, size := range [][2]int{{40, 12}, {80, 24}, {120, 40}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			name := func(what string) string { return fmt.Sprintf("%s-%dx%d", what, size[0], size[1]) }
			b := newBench(t, size[0], size[1], local)
			b.golden(name("target-looking")).settle().golden(name("target"))
			b.press("enter").golden(name("preset")).press("enter").golden(name("urls-suggested"))
			b.types("console.example.com\r").shows("must be a full address").golden(name("urls-wrong"))
			b.press("ctrl+u").types("https://console.example.com\r").golden(name("urls"))
			b.types("openchoreo-tls\r").on("identity").golden(name("identity"))
			b.types("key").golden(name("identity-filtered")).press("esc")
			b.press("enter", "enter", "enter").on("client")
			b.types(typedSecret).shows("17 characters").golden(name("client-typed"))
			b.press("f1").golden(name("help")).press("esc")
			b.press("enter").settle().wait().on("review").golden(name("review"))
			b.press("down", "down").golden(name("review-line"))
			b.press("a").wait().golden(name("apply-asked")).press("esc")
			b.press("ctrl+c").wait().golden(name("leave"))
		})
	}
}

func TestTypeAheadBurst(t *testing.T) {
	b := newBench(t, 80, 24, local).settle()
	// All of it arrives before any screen has been drawn for it.
	b.types("\r\rhttps://console.example.com\rmy-tls\r\rhttps://idp.example.com\rmy-client\r" + typedSecret + "\r\r\r\r")
	d := b.settle().m.s.Input().Draft
	for key, want := range map[answers.Key]string{
		"preset": "development", "portal.baseUrl": "https://console.example.com", "gateway.tls.certificateSecret": "my-tls",
		"identity.provider": "thunder", "identity.issuer": "https://idp.example.com", "client.id": "my-client",
	} {
		if got := d.Get(key); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	if got := d.Client.Secret.Text.Reveal(); got != typedSecret {
		t.Errorf("client.secret has %d characters, want %d", len(got), len(typedSecret))
	}
	b.on("review")
	if b.m.done || b.m.menu != nil {
		t.Errorf("keys typed ahead acted on the review:\n%s", b.screen())
	}
}

// TestSlowBurst: a burst that outlasts the grace, as on a busy machine, is still
// one: what comes soon after a key that was dropped is dropped too. The grace lasts
// its time whatever lulls there are.
func TestSlowBurst(t *testing.T) {
	b := newBench(t, 80, 24, local).filled()
	b.press("ctrl+g").settle()
	b.press("a").tell(readyMsg{b.m.serial})
	old := b.m.dropped
	if b.press("enter").settle(); b.m.menu != nil {
		t.Fatal("a key of the burst asked to apply")
	}
	b.tell(lullMsg{old})
	if b.press("enter").settle(); b.m.menu != nil {
		t.Fatal("a lull before the last key counted")
	}
	b.tell(lullMsg{b.m.dropped})
	b.press("a").shows("Apply these 2 changes?")
	b.types("y").tell(lullMsg{b.m.dropped})
	b.types("e").tell(readyMsg{b.m.serial})
	b.types("s\r").settle()
	if b.m.page == onApply || b.m.menu == nil || b.m.menu.typed != "" {
		t.Fatal("keys of the burst were taken by the question")
	}
	b.tell(lullMsg{b.m.dropped})
	if b.types("yes\r"); b.m.page != onApply {
		t.Fatal("keys behind the burst were not taken")
	}
}

func TestTypedAheadNeverApplies(t *testing.T) {
	b := newBench(t, 80, 24, local).filled()
	b.press("ctrl+g").types("\raa").settle()
	if b.m.menu != nil {
		t.Fatal("a key typed ahead asked to apply")
	}
	b.wait().press("a").shows("Apply these 2 changes?")
	b.types("\ryes\r").press("down", "enter")
	if b.m.page == onApply || b.m.done {
		t.Fatal("keys typed ahead applied")
	}
	b.wait().press("enter")
	if b.m.page == onApply {
		t.Fatal("the first choice applies")
	}
	b.press("a").wait().types("yes").press("enter")
	if b.m.page != onApply {
		t.Fatalf("yes and Enter did not apply:\n%s", b.screen())
	}
	b.settle()
	if !b.quit || !b.m.end.Applied || b.m.end.Err != nil {
		t.Fatalf("quit %v, end %+v", b.quit, b.m.end)
	}
	for _, name := range []string{"backstage-values.yaml", "backstage-secrets.yaml"} {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
}

func TestPaste(t *testing.T) {
	b := newBench(t, 80, 24, local).settle().press("enter", "enter").on("urls")
	b.tell(tea.PasteMsg{Content: "https://console.example.com\n"})
	b.on("urls").press("enter")
	if got := b.m.s.Input().Draft.Portal.BaseURL; got != "https://console.example.com" {
		t.Errorf("pasted %q", got)
	}
	b.press("enter", "enter", "enter", "enter").on("client")
	b.tell(tea.PasteMsg{Content: typedSecret + "\r\n"})
	b.on("client").shows("17 characters; ends with a newline: taken off")
	b.press("enter")
	if got := b.m.s.Input().Draft.Client.Secret.Text.Reveal(); got != typedSecret {
		t.Errorf("the secret has %d characters, want %d", len(got), len(typedSecret))
	}
}

func TestPasteOfSeveralLines(t *testing.T) {
	key := "-----BEGIN KEY-----\n" + typedSecret + "\n\tend\n-----END KEY-----"
	b := newBench(t, 80, 24, local).filled()
	b.press("alt+5").on("client").press("tab")
	b.tell(tea.PasteMsg{Content: key + "\n"})
	b.shows("60 characters in 4 lines, pasted as a whole").types("x").shows("60 characters")
	b.press("enter").on("client").shows("must be one line", "60 characters in 4 lines")
	if got := b.m.s.Input().Draft.Client.Secret.Text.Reveal(); got != typedSecret {
		t.Errorf("a part of what was pasted is taken: %d characters", len(got))
	}
	b.press("backspace").shows("Enter keeps what is there: typed, 17 characters")
}

func TestPasteGoesNowhereElse(t *testing.T) {
	b := newBench(t, 80, 24, local).settle()
	b.press("ctrl+c")
	b.tell(tea.PasteMsg{Content: typedSecret})
	b.wait().press("esc", "enter")
	b.tell(tea.PasteMsg{Content: typedSecret}) // a choice has the focus
	if got := b.m.current().widget.value(); got != "development" {
		t.Errorf("the choice is %q", got)
	}
}

func TestBackFromInvalid(t *testing.T) {
	b := newBench(t, 80, 24, local).settle().press("enter", "enter").on("urls")
	b.types("nonsense").press("enter").on("urls").shows("must be a full address")
	b.press("shift+tab").on("preset").press("enter").on("urls")
	b.shows("nonsense", "must be a full address") // what was typed is still there
	b.press("esc").on("preset").press("esc").on("target").press("esc").wait().shows("Leave?")
	b.press("esc").on("target").press("alt+3").on("urls").press("ctrl+u").types("https://console.example.com\r")
	if got := b.m.s.Input().Draft.Portal.BaseURL; got != "https://console.example.com" {
		t.Errorf("%q", got)
	}
}

func TestStepWithWrongAnswersIsNotLeft(t *testing.T) {
	b := newBench(t, 80, 24, local).filled()
	b.press("alt+5").on("client").press("ctrl+e", "tab", "tab").shows("Service client id")
	b.types("service\r").shows("Service client secret", "(required)")
	b.press("enter").on("client").shows("must be given")
	b.press("shift+tab", "ctrl+u", "enter").on("review") // without the id nobody asks for its secret
}

func TestConditionOpensTheStepAgain(t *testing.T) {
	b := newBench(t, 80, 24, local).filled()
	b.press("alt+8").on("database").press("down").shows("SQLite", "PostgreSQL").press("enter")
	b.on("database").shows("PostgreSQL host")
	b.types("db.example.com\rbackstage\r" + typedSecret + "\r\r").settle()
	d := b.m.s.Input().Draft.Database
	if d.Type != "postgresql" || d.PostgreSQL.Host != "db.example.com" || d.PostgreSQL.User != "backstage" || d.PostgreSQL.Password.Text.Reveal() != typedSecret || d.PostgreSQL.Database != "backstage" {
		t.Errorf("%s %s %s %s, password of %d", d.Type, d.PostgreSQL.Host, d.PostgreSQL.User, d.PostgreSQL.Database, d.PostgreSQL.Password.Text.Len())
	}
}

func TestDerivedValuesGoOnToFollow(t *testing.T) {
	b := newBench(t, 80, 24, local).filled()
	b.press("alt+3", "ctrl+e")
	for b.m.here() == "urls" { // walking through every setting answers none of them
		b.press("enter")
	}
	given := b.m.s.Given()
	for _, key := range []answers.Key{"portal.hostnames", "api.publicUrl", "gateway.tls.hostname", "portal.service.port", "portal.apiUrl"} {
		if given.Has(key) {
			t.Errorf("%s is answered now", key)
		}
	}
	b.press("alt+3", "ctrl+u").types("https://other.example.org\r")
	if got := b.m.s.Input().Draft.API.PublicURL; got != "https://api.example.org" && got != "https://api.other.example.org" {
		t.Errorf("api.publicUrl is %q", got)
	}
}

func TestReviewJumpsAndComesBack(t *testing.T) {
	b := newBench(t, 80, 24, local).settle().press("ctrl+g").wait().on("review").shows("answers are wrong or missing", "Go to URLs")
	b.press("enter").on("urls").types("https://console.example.com").press("ctrl+g").wait().on("review").shows("Go to")
	if got := b.m.s.Input().Draft.Portal.BaseURL; got != "https://console.example.com" {
		t.Errorf("the jump lost what was typed: %q", got)
	}
	b.press("ctrl+g").on("urls").press("ctrl+g").on("review").press("esc").on("urls")
	b = newBench(t, 80, 24, local).filled().press("ctrl+g").wait().shows("Apply these 2 changes")
	for b.m.review.at < 0 || b.m.review.lines[b.m.review.at].Step != "scaling" {
		b.press("down")
	}
	lines := b.m.review.lines
	if i := slices.IndexFunc(lines, func(l Line) bool { return strings.HasPrefix(l.Text, "client-secret ") }); i < 0 || lines[i].Step != "client" {
		t.Errorf("the line of client-secret (%d) does not lead to its question", i)
	}
	b.press("enter").on("scaling")
	if b.m.current() == nil {
		t.Errorf("a step without open questions asks nothing:\n%s", b.screen())
	}
	b.press("esc").on("review")
}

// Every line of the review that tells of an answer leads to its own question,
// also where that is not asked without being looked for.
func TestReviewLinesLeadToTheirQuestions(t *testing.T) {
	b := newBench(t, 80, 24, local).filled().press("ctrl+g").wait()
	led := map[answers.Key]bool{}
	for i := 0; i < len(b.m.review.lines); i++ {
		want := b.m.review.lines[i].Key
		if st, q, ok := b.m.s.flow.Find(want); !ok || !st.Applies(b.m.s.Input(), q) {
			continue // a placeholder in the Secret for what is switched off
		}
		b.m.review.at = i
		b.press("enter")
		if box := b.m.current(); box == nil || box.field.Question.Key != want {
			t.Fatalf("%s: the line leads to\n%s", want, b.screen())
		}
		led[want] = true
		b.press("ctrl+g").on("review").wait()
	}
	for _, key := range []answers.Key{"client.secret", "backendSecret", "portal.baseUrl", "identity.issuer", "scaling.requests.cpu"} {
		if !led[key] {
			t.Errorf("no line leads to %s; led to %v", key, led)
		}
	}
}

func TestReviewWithoutChanges(t *testing.T) {
	b := newBench(t, 80, 24, local).filled().press("ctrl+g").wait().press("a").wait().types("yes\r").settle()
	if !b.quit {
		t.Fatal("not applied")
	}
	s := b.m.s
	again, err := NewSession(s.flow, s.env, s.settings, &secret.Scrubber{})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Load(); err != nil {
		t.Fatal(err)
	}
	b = benchOf(t, again, 80, 24).settle().wait()
	b.press("ctrl+g").wait().shows("Everything is as asked already").press("enter")
	if b.settle(); !b.quit || !b.m.end.Applied || b.m.end.Left {
		t.Errorf("quit %v, end %+v", b.quit, b.m.end)
	}
}

func TestDryRunAppliesNothing(t *testing.T) {
	settings := local
	settings.DryRun = true
	b := newBench(t, 80, 24, settings).filled().press("ctrl+g").wait().shows("dry run: 2 changes would be made").press("a").settle()
	if !b.quit || b.m.end.Applied || b.m.end.Left || b.m.end.Review.Plan == nil {
		t.Errorf("quit %v, end %+v", b.quit, b.m.end)
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) != 0 {
		t.Errorf("%v %v", entries, err)
	}
}

func TestLeave(t *testing.T) {
	for _, test := range []struct {
		keys  []string
		quits bool
		saves int
	}{
		{[]string{"enter"}, true, 1},
		{[]string{"down", "enter"}, true, 0},
		{[]string{"down", "down", "enter"}, false, 0},
		{[]string{"esc"}, false, 0},
		{[]string{"ctrl+c"}, true, 0},
	} {
		b := newBench(t, 80, 24, local).settle().press("ctrl+c").wait().press(test.keys...).settle()
		if b.quit != test.quits || b.saves != test.saves || b.m.end.Left != test.quits {
			t.Errorf("%v: quit %v, saved %d times, left %v", test.keys, b.quit, b.saves, b.m.end.Left)
		}
	}
	b := newBench(t, 80, 24, local).press("ctrl+c", "ctrl+c").settle() // at once, whatever is going on
	if !b.quit || !b.m.end.Left {
		t.Errorf("quit %v, end %+v", b.quit, b.m.end)
	}
}

func TestSignalEndsTheRun(t *testing.T) {
	b := newBench(t, 80, 24, local).filled()
	b.tell(endMsg{})
	if b.settle(); !b.quit || !b.m.end.Left || b.saves != 1 {
		t.Errorf("quit %v, saved %d times, end %+v", b.quit, b.saves, b.m.end)
	}
}

func TestPanicEndsTheRunWithoutSecrets(t *testing.T) {
	b := newBench(t, 80, 24, local).filled()
	b.m.s.scrub.Add(secret.New(typedSecret))
	b.m.form.boxes = []*box{nil}
	b.m.form.at = 0
	b.press("x").settle()
	if b.m.fault == nil || !b.quit || b.saves != 1 || b.m.end.Left {
		t.Errorf("fault %v, quit %v, saved %d times, end %+v", b.m.fault, b.quit, b.saves, b.m.end)
	}
	if err := b.m.broken("it was " + typedSecret); strings.Contains(err.Error(), typedSecret) {
		t.Error("the fault holds the secret")
	}
}

func TestRevealIsForTheTyping(t *testing.T) {
	b := newBench(t, 80, 24, local).filled().press("alt+5").on("client").press("tab")
	b.types(typedSecret).hides(typedSecret)
	b.reveals = true
	b.press("ctrl+t").shows(typedSecret).press("ctrl+t").hides(typedSecret).press("ctrl+t").shows(typedSecret)
	b.press("shift+tab").hides(typedSecret)
	b.reveals = false
	b.press("tab").hides(typedSecret).shows("17 characters").press("f1").press("esc").press("ctrl+g").wait().press("down", "down", "end")
}

func TestKeptSecretIsTakenBack(t *testing.T) {
	b := newBench(t, 80, 24, local).filled().press("alt+5").on("client").press("tab")
	b.shows("Enter keeps what is there: typed, 17 characters").press("enter")
	if got := b.m.s.Input().Draft.Client.Secret.Text.Len(); got != len(typedSecret) {
		t.Fatalf("Enter left %d characters", got)
	}
	b.press("alt+5", "tab", "backspace").shows("Taken back: now there is none")
	if d := b.m.s.Input().Draft; d.Has("client.secret") {
		t.Error("the secret is still answered")
	}
}

func TestRefusedSecretIsNotKept(t *testing.T) {
	b := newBench(t, 80, 24, local).filled()
	b.press("alt+5").on("client").press("tab", "backspace")
	b.types("your-client-secret").hides("your-client-secret").press("enter")
	b.on("client").shows("must be a secret of your own", "type or paste another one").hides("Enter keeps")
	b.press("enter", "enter", "tab", "enter").on("client").shows("must be a secret of your own").hides("Enter keeps")
	b.press("alt+4", "alt+5").shows("must be a secret of your own", "type or paste another one").hides("Enter keeps")
	b.types(typedSecret).press("enter").press("alt+5", "tab").shows("Enter keeps what is there: typed, 17 characters").hides("must be a secret")
}

func TestFilterToNothing(t *testing.T) {
	b := newBench(t, 80, 24, local).settle().press("enter", "enter").types("https://console.example.com\r\r").on("identity")
	b.types("zzz").shows("nothing is called that").press("up", "down", "down", "pgdown", "enter")
	b.on("identity").shows("must be one of").press("esc").hides("nothing is called that").press("enter").on("identity")
	b = newBench(t, 80, 24, local).settle().press("enter", "enter").types("https://console.example.com\r\r").on("identity")
	b.types("ENTRA").shows("Microsoft Entra ID").hides("Keycloak").press("enter")
	if got := b.m.s.Input().Draft.Identity.Provider; got != "entra" {
		t.Errorf("%q", got)
	}
}

func TestResize(t *testing.T) {
	b := newBench(t, 80, 24, local).filled().press("alt+3")
	for _, size := range [][2]int{{80, 10}, {40, 24}, {20, 5}, {5, 3}, {1, 1}, {200, 60}, {80, 24}} {
		b.tell(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		if size[1] >= 6 && size[0] >= 40 {
			b.shows("Portal address")
		}
		if rows := strings.Count(b.m.View().Content, "\n") + 1; rows > size[1] {
			t.Errorf("%v: %d rows", size, rows)
		}
	}
}

func TestTextThatIsNotTakenIsNotForgotten(t *testing.T) {
	b := newBench(t, 80, 24, local).filled().press("alt+3").on("urls").press("ctrl+u").types("console.example.org").press("ctrl+g").wait()
	b.on("review").shows("What was typed for portal.baseUrl is not taken", "it must be a full address", "Go to URLs").press("a")
	if b.m.menu != nil {
		t.Fatal("it would be applied without what was typed")
	}
	b.press("enter").on("urls").shows("console.example.org", "must be a full address").press("ctrl+u").types("https://console.example.org").press("ctrl+g").wait()
	b.shows("Apply these 2 changes")
	if got := b.m.s.Input().Draft.Portal.BaseURL; got != "https://console.example.org" {
		t.Errorf("%q", got)
	}
	b.press("alt+3").types("/x").press("esc").press("alt+9").press("ctrl+g").wait().shows("it was left by going back")
	b = newBench(t, 80, 24, local).filled().press("alt+8").on("database").press("down", "esc").press("ctrl+g").wait().shows("Apply these 2 changes")
	if got := b.m.s.Input().Draft.Database.Type; got != "sqlite" {
		t.Errorf("looking at a choice changed it to %q", got)
	}
}

func TestCallbackIsShownWhereItIsCopied(t *testing.T) {
	b := newBench(t, 40, 12, local).filled().press("alt+9", "ctrl+o")
	flat := strings.ReplaceAll(b.screen(), "\n", "")
	if !strings.Contains(flat, "https://console.example.com/api/auth/openchoreo-auth/handler/frame") {
		t.Error(b.screen())
	}
	newBench(t, 80, 24, local).settle().press("ctrl+o").shows("There is no callback yet")
}
