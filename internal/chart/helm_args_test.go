package chart_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

func TestUpgradeArgs(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"chart", "-chart", "c:hart"} {
		if err := os.Mkdir(name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	at := chart.Upgrade{Release: "r", Namespace: "n"}
	with := func(change func(*chart.Upgrade)) chart.Upgrade {
		u := at
		change(&u)
		return u
	}
	digest := "@sha256:" + strings.Repeat("a", 64)
	for name, test := range map[string]struct {
		u    chart.Upgrade
		want string
	}{
		"a directory has no version":  {with(func(u *chart.Upgrade) { u.ChartRef, u.Version = "chart", "1.2.3" }), "r chart -n n --reset-values"},
		"one that looks like a flag":  {with(func(u *chart.Upgrade) { u.ChartRef = "-chart" }), "r ./-chart -n n --reset-values"},
		"one that looks like a URL":   {with(func(u *chart.Upgrade) { u.ChartRef = "c:hart" }), "r ./c:hart -n n --reset-values"},
		"an absolute path":            {with(func(u *chart.Upgrade) { u.ChartRef = filepath.Join(dir, "c:hart") }), "r " + filepath.Join(dir, "c:hart") + " -n n --reset-values"},
		"a registry":                  {with(func(u *chart.Upgrade) { u.ChartRef, u.Version = "oci://example.com/a/c", "1.2.3" }), "r oci://example.com/a/c --version 1.2.3 -n n --reset-values"},
		"a registry's tag":            {with(func(u *chart.Upgrade) { u.ChartRef, u.Version = "oci://example.com/a/c:1.2.3_x", "" }), "r oci://example.com/a/c --version 1.2.3+x -n n --reset-values"},
		"a tag and its version":       {with(func(u *chart.Upgrade) { u.ChartRef, u.Version = "oci://example.com:5000/c:1.2.3", "1.2.3" }), "r oci://example.com:5000/c --version 1.2.3 -n n --reset-values"},
		"a registry's digest":         {with(func(u *chart.Upgrade) { u.ChartRef, u.Version = "oci://example.com/c:1.2.3"+digest, "1.2.3" }), "r oci://example.com/c" + digest + " -n n --reset-values"},
		"a contradiction is helm's":   {with(func(u *chart.Upgrade) { u.ChartRef, u.Version = "oci://example.com/c:1", "2" }), "r oci://example.com/c:1 --version 2 -n n --reset-values"},
		"a repository's":              {with(func(u *chart.Upgrade) { u.ChartRef, u.Version = "openchoreo/c", "1.2.3" }), "r openchoreo/c --version 1.2.3 -n n --reset-values"},
		"where":                       {with(func(u *chart.Upgrade) { u.ChartRef, u.Kubeconfig, u.Context = "chart", "/k", "c" }), "r chart -n n --kubeconfig /k --kube-context c --reset-values"},
		"a namespace that is missing": {with(func(u *chart.Upgrade) { u.ChartRef, u.CreateNamespace = "chart", true }), "r chart -n n --create-namespace --reset-values"},
		"a time-out":                  {with(func(u *chart.Upgrade) { u.ChartRef, u.Timeout = "chart", 10*time.Minute }), "r chart -n n --reset-values --timeout 10m"},
		"a time-out of hours":         {with(func(u *chart.Upgrade) { u.ChartRef, u.Timeout = "chart", 2*time.Hour }), "r chart -n n --reset-values --timeout 2h"},
		"an uneven time-out":          {with(func(u *chart.Upgrade) { u.ChartRef, u.Timeout = "chart", time.Hour+10*time.Minute+5*time.Second }), "r chart -n n --reset-values --timeout 1h10m5s"},
		"files":                       {with(func(u *chart.Upgrade) { u.ChartRef, u.Files = "chart", []string{"a.yaml", "../b c.yaml"} }), "r chart -n n --reset-values -f a.yaml -f ../b c.yaml"},
		"odd files": {with(func(u *chart.Upgrade) {
			u.ChartRef, u.Files = "chart", []string{"a,b.yaml", `c"d.yaml`, "-", "s3:e.yaml", " f.yaml", "/g:h.yaml"}
		}), `r chart -n n --reset-values -f "a,b.yaml" -f "c""d.yaml" -f ./- -f ./s3:e.yaml -f " f.yaml" -f /g:h.yaml`},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff("upgrade --install "+test.want, strings.Join(test.u.Args(), " ")); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
	got := strings.Join(with(func(u *chart.Upgrade) { u.Context, u.Timeout = "c", time.Minute }).RollbackArgs(3), " ")
	if got != "rollback r 3 -n n --kube-context c --timeout 1m" {
		t.Errorf("rollback: %s", got)
	}
}

// TestUpgradeLine: the line means the arguments, and quotes as the printed
// commands do.
func TestUpgradeLine(t *testing.T) {
	u := chart.Upgrade{
		Release: "r", Namespace: "n", ChartRef: "oci://example.com/c:1", Kubeconfig: "/a b", Context: "arn:aws:eks:x:1:cluster/$(y)",
		Files: []string{"it's.yaml", "a,b.yaml", "*.yaml", "\\"},
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "helm"), []byte("#!/bin/sh\nprintf '%s\\n' \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", u.Line())
	cmd.Env = []string{"PATH=" + dir}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Join(u.Args(), "\n")+"\n", string(out)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	words := []string{"helm"}
	for _, arg := range u.Args() {
		words = append(words, plan.Quote(arg))
	}
	if diff := cmp.Diff(strings.Join(words, " "), u.Line()); diff != "" {
		t.Errorf("-plan.Quote +Line\n%s", diff)
	}
}

func TestMinorChange(t *testing.T) {
	for _, test := range []struct {
		installed, wanted string
		want              bool
	}{
		{"1.2.3", "1.2.3", false}, {"1.2.0", "1.2.3", false}, {"v1.2.0", "1.2.3-rc.1", false}, {"1.2", "1.2.3+x", false},
		{"1.1.6", "1.2.3", true}, {"1.2.3", "1.1.6", true}, {"1.2.3", "2.2.3", true}, {"1.2.3", "1.20.3", true},
		{"0.0.0-latest-dev", "0.0.0-latest-dev", false}, {"^1.2.0", "^1.2.0", false}, {"^1.2.0", "1.2.0", true}, {"", "1.2.3", true}, {"1", "1", false},
	} {
		if got := chart.MinorChange(test.installed, test.wanted); got != test.want {
			t.Errorf("from %q to %q: %v", test.installed, test.wanted, got)
		}
	}
}
