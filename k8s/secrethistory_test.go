package k8s

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSecretHistory(t *testing.T) {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.FixedZone("", 3600))
	text := WithHistory(nil, noon, "a", "b")
	if want := `{"a":"2026-11-23T11:00:00Z","b":"2026-11-23T11:00:00Z"}`; text != want {
		t.Fatalf("written: %s", text)
	}
	text = WithHistory(map[string]string{HistoryAnnotation: text}, noon.Add(time.Hour), "b")
	want := map[string]time.Time{"a": noon.UTC(), "b": noon.Add(time.Hour).UTC()}
	if diff := cmp.Diff(want, SecretHistory(map[string]string{HistoryAnnotation: text})); diff != "" {
		t.Error(diff)
	}
	for name, wrong := range map[string]string{"absent": "", "no JSON": "{", "a list": "[]", "numbers": `{"a": 7}`, "no time": `{"a": "yesterday"}`} {
		if got := SecretHistory(map[string]string{HistoryAnnotation: wrong}); got != nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}
