package verdict

import "testing"

func TestWorst(t *testing.T) {
	for want, classes := range map[Class][]Class{
		Fail:         {Pass, Inconclusive, Fail, Warn},
		Inconclusive: {Warn, Inconclusive, Pass},
		Warn:         {Pass, Warn},
		Pass:         {Pass},
	} {
		var verdicts []Verdict
		for _, class := range classes {
			verdicts = append(verdicts, Verdict{ID: "a.b", Class: class, Found: "so"})
		}
		if got := Worst(verdicts); got != want {
			t.Errorf("%v: got %s, want %s", classes, got, want)
		}
		if got := Blocked(verdicts); got != (want == Fail || want == Inconclusive) {
			t.Errorf("%v: blocked %t", classes, got)
		}
	}
	if got := Worst(nil); got != Inconclusive {
		t.Errorf("nothing is known: got %s", got)
	}
	if Blocked(nil) {
		t.Error("nothing forbids a pass")
	}
}
