package wizard

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/steps"
)

// interrupted is a cluster in which a run was killed after it had patched the
// Secret.
func interrupted(t *testing.T, kept bool) k8s.Found {
	t.Helper()
	j := plan.Journal{
		Flow: "install", Started: time.Date(2026, 11, 23, 14, 2, 0, 0, time.UTC), Kept: kept,
		Namespace: "openchoreo-control-plane", Secret: "backstage-secrets", Set: []string{"client-secret"}, Deployment: "backstage", Wait: time.Minute,
	}
	text, err := j.Encode()
	if err != nil {
		t.Fatal(err)
	}
	found := empty()
	found.Namespace.Exists = true
	found.Secret.Secret = &k8s.Secret{Namespace: j.Namespace, Name: j.Secret, ResourceVersion: "8", Keys: []string{"client-secret"}, Values: map[string]secret.Text{"client-secret": secret.New("new-" + typedSecret)}}
	found.Secret.Previous = &k8s.Secret{
		Namespace: j.Namespace, Name: plan.PreviousName(j.Secret), UID: "u", ResourceVersion: "7",
		Annotations: map[string]string{plan.JournalAnnotation: text}, Values: map[string]secret.Text{"client-secret": secret.New("old-" + typedSecret)},
	}
	return found
}

// An earlier run that did not end is told at once, with its ways on; keys typed
// ahead choose none.
func TestInterruptedRunIsOffered(t *testing.T) {
	for _, size := range [][2]int{{40, 12}, {80, 24}, {120, 40}} {
		b, client := deafCluster(t, size[0], size[1])
		name := func(what string) string { return fmt.Sprintf("interrupted%s-%dx%d", what, size[0], size[1]) }
		b.finds(client, interrupted(t, false)).press("down", "enter")
		if b.m.menu == nil || b.m.menu.at != 0 {
			t.Fatalf("keys typed ahead chose\n%s", b.screen())
		}
		b.wait().shows("● Go on").golden(name(""))
		b.press("down", "enter").wait().on("review").golden(name("-undo"))
		if !b.m.s.undoing() || b.m.menu != nil {
			t.Fatalf("it is flow %s\n%s", b.m.s.flow.ID, b.screen())
		}
		b.hides("did not end")
		var ids []string
		for _, a := range b.m.review.plan.Plan.Actions {
			ids = append(ids, a.ID())
		}
		if got := strings.Join(ids, " "); got != "undo.secret previous.drop" {
			t.Errorf("the undo has %s", got)
		}
	}
}

// Who goes on is reminded on the first page and the review, and may still change
// their mind there.
func TestInterruptedRunIsGoneOnWith(t *testing.T) {
	b, client := deafCluster(t, 160, 40)
	b.finds(client, interrupted(t, false)).wait().press("enter").on("target")
	b.shows("! An earlier run did not end: install of 2026-11-23 14:02 UTC: client-secret")
	b.press("alt+2", "alt+1").hides("● Go on") // asked once
	b.answered().press("ctrl+g").wait().on("review").shows("! An earlier run did not end", "b put the earlier run back")
	b.press("b").wait().shows("● Go on").press("esc").on("review").press("b").wait().press("down", "down", "enter").settle()
	if !b.quit || !b.m.end.Left {
		t.Errorf("quit %v, end %+v", b.quit, b.m.end)
	}
}

// Values that somebody wants kept are told and not asked about.
func TestKeptValuesAreTold(t *testing.T) {
	b, client := deafCluster(t, 160, 40)
	b.finds(client, interrupted(t, true)).wait().on("target").hides("● Go on").shows("still kept: install of 2026-11-23", "backstage-setup undo")
}

// Line by line it is asked behind the first look.
func TestLinesOfferAnInterruptedRun(t *testing.T) {
	for name, tt := range map[string]struct {
		typed []string
		want  []string
		flow  string
	}{
		"undo":  {[]string{"what", "undo", "q"}, []string{"The value must be go, undo or q.", "put the old values of Secret openchoreo-control-plane/backstage-secrets back", "Review"}, "undo"},
		"go on": {[]string{"", "q", "n"}, []string{"Step 2 of 14: Preset"}, "install"},
		"quit":  {[]string{"q"}, []string{"Nothing was changed."}, "install"},
	} {
		t.Run(name, func(t *testing.T) {
			b, client := deafCluster(t, 80, 24)
			s := b.m.s
			found := interrupted(t, false)
			if _, err := s.Use(Seen{Query: s.Query(), Cluster: client, Found: found}); err != nil {
				t.Fatal(err)
			}
			s.env.Cluster = nil // what was found stands: nobody answers there
			var transcript bytes.Buffer
			d := &lineDriver{questions: make(chan asked), ctx: t.Context(), s: s, looked: s.Query(),
				in: newLineInput(&script{lines: tt.typed, echo: &transcript, end: io.EOF}), out: &lineText{w: s.scrub.Writer(&transcript), width: 200}}
			if _, err := d.run(); err != nil {
				t.Fatal(err)
			}
			for _, want := range append(tt.want, "! An earlier run did not end: install of 2026-11-23 14:02 UTC: client-secret") {
				if !strings.Contains(transcript.String(), want) {
					t.Errorf("%q is not in\n%s", want, transcript.String())
				}
			}
			if s.flow.ID != tt.flow {
				t.Errorf("flow %s", s.flow.ID)
			}
			if strings.Contains(transcript.String(), typedSecret) {
				t.Error("a secret shows")
			}
		})
	}
}

// Switch keeps what is known and what was said.
func TestSwitch(t *testing.T) {
	b, client := deafCluster(t, 80, 24)
	b.finds(client, interrupted(t, false)).wait().answered()
	s := b.m.s
	s.Switch(steps.Undo())
	given := s.Given()
	if got := len(s.Steps()); got != 2 || s.Interrupted() != "" || s.Input().Current.Flow != "undo" || !given.Has("portal.baseUrl") || s.began != "install" {
		t.Errorf("%d steps, interrupted %q, flow %s, began %s", got, s.Interrupted(), s.Input().Current.Flow, s.began)
	}
}
