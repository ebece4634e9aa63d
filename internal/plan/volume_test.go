package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/k8s"
)

// TestClaimInTheJournal: what was there before the first of two runs counts, and a
// claim that was made anew is another.
func TestClaimInTheJournal(t *testing.T) {
	type mapping = map[string]string
	first := &JournalClaim{Name: "db", UID: "u", Set: mapping{"a": "1"}, Before: mapping{"a": "0"}}
	for name, tt := range map[string]struct{ own, earlier, want *JournalClaim }{
		"none":           {},
		"only now":       {own: first, want: first},
		"only earlier":   {earlier: first, want: first},
		"another claim":  {own: &JournalClaim{Name: "db", UID: "v", Set: mapping{"a": "1"}}, earlier: first, want: &JournalClaim{Name: "db", UID: "v", Set: mapping{"a": "1"}}},
		"one more":       {own: &JournalClaim{Name: "db", UID: "u", Set: mapping{"b": "2"}, Before: mapping{"b": "x"}}, earlier: first, want: &JournalClaim{Name: "db", UID: "u", Set: mapping{"a": "1", "b": "2"}, Before: mapping{"a": "0", "b": "x"}}},
		"the same again": {own: &JournalClaim{Name: "db", UID: "u", Set: mapping{"a": "1"}, Before: mapping{"a": "between"}}, earlier: first, want: first},
		"it was not there": {own: &JournalClaim{Name: "db", UID: "u", Set: mapping{"a": "1"}, Before: mapping{"a": "between"}}, earlier: &JournalClaim{Name: "db", UID: "u", Set: mapping{"a": "1"}},
			want: &JournalClaim{Name: "db", UID: "u", Set: mapping{"a": "1"}, Before: mapping{}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Journal{Claim: tt.own}.Follow(Journal{Claim: tt.earlier})
			if diff := cmp.Diff(tt.want, got.Claim); diff != "" {
				t.Error(diff)
			}
		})
	}
	text, err := Journal{Namespace: "cp", Claim: first}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	j, err := DecodeJournal([]byte(text))
	if err != nil || !cmp.Equal(first, j.Claim) || !strings.Contains(j.Words(), "claim db kept") {
		t.Errorf("%v %+v %s", err, j, j.Words())
	}
	if left := j.Without(func(id string) bool { return id == "volume.keep" }); left.Claim != nil {
		t.Errorf("%+v", left.Claim)
	}
}

// TestVolumeIsFreedLast: not before the release has its claim again, nor where it
// was not annotated.
func TestVolumeIsFreedLast(t *testing.T) {
	j := Journal{Namespace: "cp", Secret: "s", Set: []string{"k"}, Release: "r", Revision: 2, Upgrade: true, Deployment: "portal", Claim: &JournalClaim{Name: "db", UID: "u"},
		Files: []JournalFile{{Name: "values", Path: "/v.yaml"}}}
	ids := func(begun func(string) bool) string {
		var list []string
		for _, a := range j.Undo(begun) {
			list = append(list, a.ID())
			if r, ok := a.(Rollback); ok && !r.Adopts {
				t.Error("helm is not told that it takes up a claim")
			}
		}
		return strings.Join(list, " ")
	}
	if got := ids(nil); got != "undo.secret undo.upgrade undo.file.values undo.volume.keep undo.restart undo.rollout" {
		t.Errorf("it undoes %q", got)
	}
	if got := ids(func(id string) bool { return id == "volume.keep" }); got != "undo.volume.keep" {
		t.Errorf("it undoes %q", got)
	}
	if got := ids(func(id string) bool { return id == "secret" }); strings.Contains(got, "volume") {
		t.Errorf("it undoes %q", got)
	}
	for _, a := range []Action{KeepVolume{Namespace: "cp", Claim: *j.Claim}, FreeVolume{Namespace: "cp", Claim: *j.Claim}} {
		if diff := cmp.Diff(k8s.KeepClaimRights("cp", "db"), a.Rights()); diff != "" {
			t.Error(diff)
		}
	}
}
