package answers

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/secret"
)

// ascending lists every rank from the lowest, as the contract has it: flag, then
// --set, then answers file, then values file, then cluster, then preset, then chart.
var ascending = []Rank{FromChart, FromPreset, FromDerived, FromProvider, FromCluster, FromValues, FromChange, FromNewProvider, FromAnswers, FromSet, FromFlag, FromPerson}

// TestProposePrecedence tries each pair of sources: a proposal takes the place of
// a lower rank only, and Set that of any.
func TestProposePrecedence(t *testing.T) {
	for i, first := range ascending {
		for j, second := range ascending {
			t.Run(fmt.Sprintf("%d after %d", second, first), func(t *testing.T) {
				var d Draft
				if !d.Propose(Proposal{"portal.baseUrl", "first", Source{Rank: first}}) {
					t.Fatal("nothing was there, but the first is not taken")
				}
				taken := d.Propose(Proposal{"portal.baseUrl", "second", Source{Rank: second, Detail: "again"}})
				want, source := "first", Source{Rank: first}
				if j > i {
					want, source = "second", Source{Rank: second, Detail: "again"}
				}
				if taken != (j > i) || d.Portal.BaseURL != want || d.From["portal.baseUrl"] != source {
					t.Errorf("taken %t, %q from %v", taken, d.Portal.BaseURL, d.From["portal.baseUrl"])
				}
				if err := d.Set("portal.baseUrl", "set", Source{Rank: second}); err != nil || d.Portal.BaseURL != "set" || d.From["portal.baseUrl"].Rank != second {
					t.Errorf("Set: %v, %q from %v", err, d.Portal.BaseURL, d.From["portal.baseUrl"])
				}
			})
		}
	}
}

func TestGiven(t *testing.T) {
	var d Draft
	if d.Has("preset") || d.Given("preset") {
		t.Error("an empty draft has an answer")
	}
	for _, rank := range ascending {
		if err := d.Set("portal.enabled", false, Source{Rank: rank}); err != nil {
			t.Fatal(err)
		}
		if !d.Has("portal.enabled") {
			t.Errorf("rank %d: false is no answer", rank)
		}
		if got, want := d.Given("portal.enabled"), rank >= FromAnswers; got != want {
			t.Errorf("rank %d: given %t", rank, got)
		}
	}
}

// TestWrongValueChangesNothing: neither value nor source.
func TestWrongValueChangesNothing(t *testing.T) {
	var d Draft
	if err := d.Set("scaling.replicas", 2, Source{Rank: FromSet}); err != nil {
		t.Fatal(err)
	}
	if err := d.Set("scaling.replicas", "three", Source{Rank: FromPerson}); err == nil || err.Error() != "must be a whole number" {
		t.Errorf("got %v", err)
	}
	if d.Scaling.Replicas != 2 || d.From["scaling.replicas"].Rank != FromSet {
		t.Errorf("got %d from %v", d.Scaling.Replicas, d.From["scaling.replicas"])
	}
}

func TestLiteralSecretIsNotTakenNorRepeated(t *testing.T) {
	var d Draft
	for _, literal := range []any{"hunter2", []string{"hunter2"}, secret.New("hunter2"), map[string]any{"env": "hunter2"}} {
		err := d.Set("client.secret", literal, Source{Rank: FromSet})
		if err == nil || strings.Contains(err.Error(), "hunter2") || d.Has("client.secret") {
			t.Errorf("%T: %v, has %t", literal, err, d.Has("client.secret"))
		}
	}
}

// TestProposeIsForProgrammers: a proposal cannot be wrong by an operator's doing.
func TestProposeIsForProgrammers(t *testing.T) {
	for name, p := range map[string]Proposal{
		"a secret":    {"client.secret", secret.Typed(secret.New("hunter2")), Source{Rank: FromCluster}},
		"no key":      {"portal.colour", "blue", Source{Rank: FromCluster}},
		"a wrong one": {"portal.enabled", "yes", Source{Rank: FromCluster}},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.Contains(text, string(p.Key)) || strings.Contains(text, "hunter2") {
					t.Errorf("panic %q", text)
				}
			}()
			new(Draft).Propose(p)
			t.Error("no panic")
		})
	}
}

func TestProposeAllTakesTheFirstOfARank(t *testing.T) {
	var d Draft
	values, chart := Source{Rank: FromValues}, Source{Rank: FromChart}
	d.ProposeAll([]Proposal{{"preset", "c", chart}, {"preset", "a", values}, {"preset", "b", values}, {"preset", "d", chart}})
	if d.Preset != "a" {
		t.Errorf("got %q", d.Preset)
	}
}

func TestCloneIsItsOwn(t *testing.T) {
	var d Draft
	d.Propose(Proposal{"preset", "development", Source{Rank: FromPreset}})
	c := d.Clone()
	c.Unset("preset")
	c.Propose(Proposal{"chart", "1.2.3", Source{Rank: FromPreset}})
	if !d.Has("preset") || d.Preset != "development" || d.Has("chart") {
		t.Errorf("the original changed: %v", d.From)
	}
	if diff := cmp.Diff(map[Key]Source{"chart": {Rank: FromPreset}}, c.From); diff != "" {
		t.Error(diff)
	}
}

func TestSourceInWords(t *testing.T) {
	for source, want := range map[Source]string{
		{}:                                        "",
		{Rank: FromChart}:                         "chart default",
		{Rank: FromPreset, Detail: "production"}:  "preset production",
		{FromDerived, "from portal.baseUrl"}:      "derived from portal.baseUrl",
		{FromDerived, "the provider's own"}:       "the provider's own",
		{FromChange, "from identity.issuer"}:      "derived from identity.issuer",
		{FromCluster, "Secret backstage-secrets"}: "Secret backstage-secrets",
		{Rank: FromCluster}:                       "cluster",
		{FromValues, "site.yaml"}:                 "values file site.yaml",
		{FromAnswers, "a.yaml:3"}:                 "answers file a.yaml:3",
		{Rank: FromSet}:                           "--set",
		{FromFlag, "--namespace"}:                 "flag --namespace",
		{FromFlag, "argument"}:                    "argument",
		{Rank: FromPerson}:                        "answered",
	} {
		if got := source.String(); got != want {
			t.Errorf("%+v: %q, not %q", source, got, want)
		}
	}
}

func TestProblems(t *testing.T) {
	if err := (Problems{}).Err(); err != nil {
		t.Errorf("no problems are an error: %v", err)
	}
	err := Problems{{Key: "preset", Message: "is missing"}, {Where: "a.yaml:3", Key: "chart", Message: "must be a version"}, {Message: "alone"}}.Err()
	if want := "preset: is missing\na.yaml:3: chart: must be a version\nalone"; err.Error() != want {
		t.Errorf("got %q", err)
	}
}
