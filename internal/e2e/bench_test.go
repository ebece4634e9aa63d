package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// BenchmarkSecretChange gives one key of the Secret another value, as whole
// processes in one run: this program, and the pipeline of the documentation,
// which builds the whole Secret anew.
func BenchmarkSecretChange(b *testing.B) {
	s := newSite(b)
	first := s.execute(b, []string{"CLIENT_SECRET=" + clientSecret}, s.headlessArgs()...)
	if first.code != 0 {
		b.Fatal(first.stderr)
	}
	n := 0
	b.Run("backstage-setup", func(b *testing.B) {
		for b.Loop() {
			n++
			got := s.execute(b, []string{fmt.Sprintf("CLIENT_SECRET=another-secret-%d", n)}, s.headlessArgs("--on-failure", "leave")...)
			if got.code != 0 {
				b.Fatal(got.stderr)
			}
		}
	})
	b.Run("kubectl", func(b *testing.B) {
		script := `kubectl create secret generic backstage-secrets -n "$NS" --from-literal=backend-secret=local --from-literal=client-secret="$VALUE" --from-literal=jenkins-api-key=placeholder --dry-run=client -o yaml | kubectl apply -f -`
		for b.Loop() {
			n++
			cmd := exec.CommandContext(b.Context(), "sh", "-c", script)
			cmd.Env = []string{"PATH=" + s.Bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + s.dir, "KUBECONFIG=" + s.Kubeconfig, "NS=" + s.namespace, fmt.Sprintf("VALUE=another-secret-%d", n)}
			if out, err := cmd.CombinedOutput(); err != nil {
				b.Fatalf("%v\n%s", err, out)
			}
		}
	})
}
