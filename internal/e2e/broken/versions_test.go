package broken_test

import (
	"slices"
	"testing"
)

// older are releases of charts that the product still has, and that lack what newer
// ones have.
var older = []string{"1.0.5", "1.1.6"}

// asBefore are rows of the catalogue that hold for every chart.
var asBefore = []string{"no client secret", "no ConfigMap", "scaled to 0", "wrong password", "another client secret", "binding for another sub", "route for another host"}

// TestOlderCharts: an installation of an older chart that works has no warning, and
// what is broken in it is named first.
func TestOlderCharts(t *testing.T) {
	for _, version := range older {
		t.Run(version, func(t *testing.T) {
			in := installAs(t, version, "idp.localhost")
			got := in.check(t)
			for _, r := range got.Checks {
				if r.Status != "pass" && r.Status != "skip" {
					t.Errorf("%s: %s %s: %s", r.ID, r.Status, r.Code, r.Found)
				}
			}
			if got.code != 0 || got.First != nil || got.result("chart.version").Found != version {
				t.Fatalf("exit %d, chart %s, first %+v", got.code, got.result("chart.version").Found, got.First)
			}
			tried := 0
			for _, d := range catalogue(in) {
				if slices.Contains(asBefore, d.name) {
					tried++
					t.Run(d.name, func(t *testing.T) { in.broken(t, d) })
				}
			}
			if tried != len(asBefore) {
				t.Errorf("%d of %d rows", tried, len(asBefore))
			}
		})
	}
}
