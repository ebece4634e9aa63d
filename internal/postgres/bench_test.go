package postgres_test

import (
	"testing"

	"github.com/openchoreo/backstage-setup/internal/postgres"
)

// BenchmarkProbe is a whole probe on loopback, with TLS and SCRAM: at most 1 s.
func BenchmarkProbe(b *testing.B) {
	w := theWorld(b)
	c := client(b, postgres.Config{Dial: dial(w.Port), Public: w.ca.Pool()})
	w.run(b, "postgres", catalog+"portal")
	defer w.run(b, "postgres", catalogGone)
	for b.Loop() {
		_, verdicts := c.Probe(b.Context(), target(), small)
		expect(b, verdicts, "pass database.ok")
	}
}

// BenchmarkNew reads Mozilla's list.
func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		client(b, postgres.Config{})
	}
}
