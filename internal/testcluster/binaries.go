package testcluster

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// binary is one program of the control plane, or an operator's client of it.
type binary struct {
	name    string // of the file
	module  string // directory below modules
	pkg     string
	version string // path of the module whose version the program reports
	client  bool   // for tests to run; the others are the cluster's own
}

var binaries = []binary{
	{"etcd", "etcd", "go.etcd.io/etcd/server/v3", "", false},
	{"kube-apiserver", "kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver", "k8s.io/kubernetes", false},
	{"kube-controller-manager", "kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager", "k8s.io/kubernetes", false},
	{"kube-scheduler", "kubernetes", "k8s.io/kubernetes/cmd/kube-scheduler", "k8s.io/kubernetes", false},
	{"kwok", "kwok", "sigs.k8s.io/kwok/cmd/kwok", "", false},
	{"kubectl", "kubernetes", "k8s.io/kubernetes/cmd/kubectl", "k8s.io/kubernetes", true},
	{"helm", "helm", "helm.sh/helm/v4/cmd/helm", "", true},
}

// Build makes sure that the programs of the control plane exist in the user's
// cache directory, and returns the directory they are in. The first build
// takes minutes and a network; its progress goes to progress. Any number of
// processes may call Build at once: one builds, the others wait for it.
func Build(ctx context.Context, progress io.Writer) (dir string, err error) {
	modules, err := findModules()
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("testcluster: %w", err)
	}
	key, err := cacheKey(modules)
	if err != nil {
		return "", fmt.Errorf("testcluster: %w", err)
	}
	dir = filepath.Join(cache, "backstage-setup", "testcluster", key)
	if isDir(dir) {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", fmt.Errorf("testcluster: %w", err)
	}
	unlock, err := lock(ctx, dir+".lock")
	if err != nil {
		return "", fmt.Errorf("testcluster: %w", err)
	}
	defer unlock()
	if isDir(dir) { // built while this process waited for the lock
		return dir, nil
	}
	if err := build(ctx, modules, dir, progress); err != nil {
		return "", fmt.Errorf("testcluster: %w\nrun \"go run ./internal/testcluster/cmd/testcluster build\" once on this machine while it has a network", err)
	}
	return dir, nil
}

// lock waits for the lock of a file, but no longer than ctx.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	type result struct {
		unlock func()
		err    error
	}
	locked := make(chan result)
	go func() {
		unlock, err := lockedfile.MutexAt(path).Lock()
		select {
		case locked <- result{unlock, err}:
		case <-ctx.Done():
			if err == nil {
				unlock()
			}
		}
	}()
	select {
	case r := <-locked:
		return r.unlock, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// build compiles into a directory beside dir and renames it when all is there.
func build(ctx context.Context, modules, dir string, progress io.Writer) error {
	fmt.Fprintln(progress, "testcluster: building etcd, Kubernetes, kwok and helm; the first time takes some minutes")
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	for _, b := range binaries {
		fmt.Fprintf(progress, "testcluster: building %s\n", b.name)
		if err := b.build(ctx, filepath.Join(modules, b.module), tmp); err != nil {
			return fmt.Errorf("building %s: %w", b.name, err)
		}
	}
	if err := copyKwokManifests(ctx, filepath.Join(modules, "kwok"), tmp); err != nil {
		return fmt.Errorf("manifests of kwok: %w", err)
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	return os.Rename(tmp, dir)
}

func (b binary) build(ctx context.Context, module, dir string) error {
	ldflags := "-s -w"
	if b.version != "" {
		flags, err := versionFlags(ctx, module, b.version)
		if err != nil {
			return err
		}
		ldflags += flags
	}
	_, err := runGo(ctx, module, "build", "-trimpath", "-buildvcs=false", "-ldflags", ldflags,
		"-o", filepath.Join(dir, executable(b.name)), b.pkg)
	return err
}

// versionFlags gives the linker what GET /version reports: without it a
// Kubernetes built by the Go command calls itself v0.0.0-master.
func versionFlags(ctx context.Context, module, path string) (string, error) {
	out, err := runGo(ctx, module, "list", "-m", "-f", "{{.Version}}", path)
	if err != nil {
		return "", err
	}
	version := strings.TrimSpace(out)
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) != 3 {
		return "", fmt.Errorf("%s has the version %q, not vX.Y.Z", path, version)
	}
	const variable = " -X k8s.io/component-base/version."
	return variable + "gitVersion=" + version +
		variable + "gitMajor=" + parts[0] +
		variable + "gitMinor=" + parts[1] +
		variable + "gitTreeState=clean", nil
}

// runGo runs the Go command in dir and returns its standard output.
func runGo(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOOS=", "GOARCH=")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, tail(stderr.Bytes(), 20))
	}
	return stdout.String(), nil
}

// findModules finds this package's modules directory from the working
// directory, which `go test` sets to the directory of the tested package.
func findModules() (string, error) {
	wd, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("testcluster: %w", err)
	}
	for dir := wd; ; dir = filepath.Dir(dir) {
		modules := filepath.Join(dir, "internal", "testcluster", "modules")
		if isDir(modules) {
			return modules, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("testcluster: no internal/testcluster/modules above %s; run inside the checkout", wd)
		}
	}
}

// cacheKey changes whenever the programs could.
func cacheKey(modules string) (string, error) {
	files, err := filepath.Glob(filepath.Join(modules, "*", "go.*"))
	if err != nil {
		return "", err
	}
	if len(files) == 0 {
		return "", errors.New("no modules in " + modules)
	}
	h := sha256.New()
	fmt.Fprintln(h, runtime.Version(), runtime.GOOS, runtime.GOARCH, binaries, kwokManifests)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n%s", filepath.Base(filepath.Dir(file)), len(data), data)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:10]), nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func executable(name string) string {
	if runtime.GOOS == "windows" {
		return name + ".exe"
	}
	return name
}

// tail returns the last lines of a log.
func tail(log []byte, lines int) string {
	all := strings.Split(strings.TrimRight(string(log), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
