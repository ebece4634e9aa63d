package chart

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/registry"
)

// Upgrade is a release, and what helm upgrade --install is to make of it.
type Upgrade struct {
	Release, Namespace string
	// Kubeconfig and Context are as kubectl's flags. Name the Context that was
	// looked at even if nobody gave one: the current one of the file may have
	// changed by now.
	Kubeconfig, Context string

	// ChartRef is a chart directory, an archive or an oci:// reference. Version is
	// its version; helm is told for what is not on the disk.
	ChartRef, Version string
	// Files are values files, in Helm's order.
	Files []string
	// CreateNamespace wants the right to create namespaces, whether or not this
	// one is there: set it only where it is missing.
	CreateNamespace bool
	// Timeout bounds each hook of the chart, which is all that helm waits for; 0 is
	// helm's five minutes. OpenChoreo's Job for the bindings may take ten.
	Timeout time.Duration
	// Limit bounds the run as a whole; then helm is told to end at once, so that it
	// marks the release as failed. 0 leaves room for several hooks.
	Limit time.Duration

	// Grace is how long helm may go on when ctx has ended.
	Grace time.Duration
	// Deployed is the revision to go back to, which Helm calls deployed; 0 is none,
	// or not known.
	Deployed int
}

// Args are the arguments of helm upgrade for u, the same for all supported
// versions.
//
// The values are those of the files and nothing else, hence --reset-values:
// without it, and with files that are empty, helm takes the last revision's.
// There is no --wait: who calls watches the roll-out itself, and can tell why it
// hangs. How objects are applied is left to Helm 4's --server-side=auto: by the
// server for what it installs, from the client for releases of Helm 3. Never
// --force-conflicts: what another manager has set is the operator's to decide.
func (u Upgrade) Args() []string {
	ref, version := u.reference()
	args := []string{"upgrade", "--install", u.Release, ref}
	if version != "" {
		args = append(args, "--version", version)
	}
	args = append(args, u.place()...)
	if u.CreateNamespace {
		args = append(args, "--create-namespace")
	}
	args = append(args, "--reset-values")
	for _, file := range u.Files {
		args = append(args, "-f", valuesArgument(file))
	}
	return append(args, u.timeout()...)
}

// RollbackArgs are the arguments of helm rollback to a revision of u's release.
func (u Upgrade) RollbackArgs(revision int) []string {
	args := append([]string{"rollback", u.Release, strconv.Itoa(revision)}, u.place()...)
	return append(args, u.timeout()...)
}

// Line is the command of Args as a line for a POSIX shell.
func (u Upgrade) Line() string { return shellLine(u.Args()) }

// place says where the release is.
func (u Upgrade) place() []string {
	args := []string{"-n", u.Namespace}
	if u.Kubeconfig != "" {
		args = append(args, "--kubeconfig", u.Kubeconfig)
	}
	if u.Context != "" {
		args = append(args, "--kube-context", u.Context)
	}
	return args
}

func (u Upgrade) timeout() []string {
	if u.Timeout <= 0 {
		return nil
	}
	text := u.Timeout.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return []string{"--timeout", text}
}

// reference returns what helm takes for the chart. A tag goes into --version:
// Helm 3.12 refuses it in the reference. A digest needs no version.
func (u Upgrade) reference() (ref, version string) {
	if strings.HasPrefix(u.ChartRef, registry.OCIScheme+"://") {
		r, err := parseReference(u.ChartRef, u.Version)
		if err != nil {
			return u.ChartRef, u.Version // helm says what is wrong
		}
		version = strings.ReplaceAll(r.tag, "_", "+") // no tag has a "+"
		if r.digest != "" {
			version = ""
		}
		r.tag = ""
		return r.String(), version
	}
	// As helm does it: what is on the disk is no repository's.
	if _, err := os.Stat(u.ChartRef); err == nil {
		return fileArgument(u.ChartRef), ""
	}
	return u.ChartRef, u.Version
}

// fileArgument keeps helm from taking a file's name for a flag, for its standard
// input ("-") or for an address.
func fileArgument(name string) string {
	if filepath.IsAbs(name) || !strings.HasPrefix(name, "-") && !strings.Contains(name, ":") {
		return name
	}
	return "." + string(filepath.Separator) + name
}

// valuesArgument is what -f takes for one file: it reads its argument as a line of
// CSV.
func valuesArgument(name string) string {
	var line strings.Builder
	w := csv.NewWriter(&line)
	_ = w.Write([]string{fileArgument(name)}) // a strings.Builder takes all
	w.Flush()
	return strings.TrimSuffix(line.String(), "\n")
}

// shellLine writes a helm command for a POSIX shell.
func shellLine(args []string) string {
	words := []string{"helm"}
	for _, arg := range args {
		words = append(words, shellWord(arg))
	}
	return strings.Join(words, " ")
}

// shellWord is plan.Quote, which knows this package.
func shellWord(text string) string {
	plain := strings.IndexFunc(text, func(r rune) bool {
		return !strings.ContainsRune("/._-+=:@%,", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
	if plain && text != "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
