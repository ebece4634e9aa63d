package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openchoreo/backstage-setup/internal/idp/idptest"
)

// rounds are how often each way is gone; the medians are compared.
const rounds = 20

// BenchmarkRotation gives the portal another client secret, until its pods have
// it: this program, which also looks at what is there, proves the secret, keeps the
// old one meanwhile and asks again at the end, and the same three commands of
// kubectl. Both are whole processes and take turns.
func BenchmarkRotation(b *testing.B) {
	w := newWorkshop(b)
	script := `printf '{"stringData":{"client-secret":"%s"}}' "$VALUE" | kubectl patch secret backstage-secrets -n "$NS" --patch-file /dev/stdin &&
kubectl rollout restart deployment/backstage -n "$NS" && kubectl rollout status deployment/backstage -n "$NS"`
	ours := func(value string) {
		if got := w.rotate(b, value); got.code != 0 {
			b.Fatal(got.stdout, got.stderr)
		}
	}
	theirs := func(value string) {
		cmd := exec.CommandContext(b.Context(), "sh", "-c", script)
		cmd.Env = []string{"PATH=" + w.Bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + w.dir, "KUBECONFIG=" + w.Kubeconfig, "NS=" + w.namespace, "VALUE=" + value}
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "successfully rolled out") {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	n := 0
	for b.Loop() {
		times := map[string][]time.Duration{}
		for range rounds {
			for name, way := range map[string]func(string){"ours": ours, "kubectl": theirs} {
				n++
				value := fmt.Sprintf("another-secret-%d", n)
				w.Secrets(idptest.Portal, value)
				<-time.After(time.Second) // kubectl restarts once a second at most
				began := time.Now()
				way(value)
				times[name] = append(times[name], time.Since(began))
			}
		}
		median := func(name string) float64 {
			slices.Sort(times[name])
			return times[name][rounds/2].Seconds() * 1000
		}
		b.ReportMetric(median("ours"), "ms/rotation")
		b.ReportMetric(median("kubectl"), "ms/kubectl")
		b.ReportMetric(median("ours")/median("kubectl"), "ratio")
	}
}
