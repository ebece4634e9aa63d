package chart

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

const (
	// helmVersionTimeout bounds helm version, which contacts nobody.
	helmVersionTimeout = 10 * time.Second
	// helmPatience is how long a helm that was told to end may take to write down
	// that it did: one request to the API server.
	helmPatience = 30 * time.Second
)

// oldestHelm is what OpenChoreo's documentation asks for. All flags of Args have
// been tried with it, with the last Helm 3 and with Helm 4.
var oldestHelm = HelmVersion{Major: 3, Minor: 12}

// newestHelmMajor is the last Helm whose flags and messages are known here.
const newestHelmMajor = 4

// Helm is the operator's own helm program.
type Helm struct {
	// Path is the file that is run.
	Path    string
	Version HelmVersion
	// Scrub is given every line of helm's output before anybody else sees it; nil
	// leaves the lines as they are.
	Scrub func(line string) string

	environ  []string
	patience time.Duration
}

// HelmVersion is a release of helm. Patch is 0 where helm does not know it: built
// from source, it says "v3.18" only.
type HelmVersion struct{ Major, Minor, Patch int }

func (v HelmVersion) String() string {
	return fmt.Sprintf("v%d.%d.%d", v.Major, v.Minor, v.Patch)
}

func (v HelmVersion) compare(w HelmVersion) int {
	return cmp.Or(cmp.Compare(v.Major, w.Major), cmp.Compare(v.Minor, w.Minor), cmp.Compare(v.Patch, w.Patch))
}

// FindHelm looks for helm on the PATH in environ, which is what the program was
// started with (as os.Environ returns it), and asks it for its version. Helm is
// going to be run with a part of environ only, and never with the variables
// named by drop, which hold secrets. The error is a *HelmError with a Hint: no
// helm, one that is too old or too new, or one that keeps its releases where
// this program does not see them.
func FindHelm(ctx context.Context, environ []string, drop ...string) (*Helm, error) {
	const byHand = "leave --upgrade out and run the printed command yourself"
	if driver := strings.ToLower(variable(environ, "HELM_DRIVER")); driver != "" && driver != "secret" && driver != "secrets" {
		return nil, &HelmError{Command: "helm", Cause: fmt.Sprintf("HELM_DRIVER is %q: only releases in Secrets can be looked at before and after", driver), hint: byHand}
	}
	path, err := lookHelm(variable(environ, "PATH"), runtime.GOOS)
	if err != nil {
		return nil, &HelmError{Command: "helm", Cause: err.Error(), hint: "install Helm 3.12 or newer, https://helm.sh/docs/intro/install, or " + byHand, Err: err}
	}
	h := &Helm{Path: path, environ: helmEnviron(environ, drop), patience: helmPatience}
	ctx, cancel := context.WithTimeoutCause(ctx, helmVersionTimeout, fmt.Errorf("no answer within %s", helmVersionTimeout))
	defer cancel()
	run := h.start([]string{"version", "--short"}, nil)
	run.impatient = true
	if err := run.wait(ctx, 0); err != nil {
		e := &HelmError{Command: path + " version", Cause: oneLine(run.reason(err)), hint: "run it yourself; " + byHand, Output: run.lines(), Err: err}
		if run.killed {
			e.Cause, e.Err = context.Cause(ctx).Error(), context.Cause(ctx)
		}
		return nil, e
	}
	version, ok := parseHelmVersion(strings.Join(run.lines(), "\n"))
	switch {
	case !ok:
		return nil, &HelmError{Command: path + " version", Cause: "it does not say which version it is", hint: byHand, Output: run.lines()}
	case version.compare(oldestHelm) < 0:
		return nil, &HelmError{Command: path, Cause: fmt.Sprintf("it is helm %s, and OpenChoreo needs %s or newer", version, oldestHelm), hint: "install a newer one: https://helm.sh/docs/intro/install"}
	case version.Major > newestHelmMajor:
		return nil, &HelmError{Command: path, Cause: fmt.Sprintf("it is helm %s, which this program was not made for", version), hint: byHand}
	}
	h.Version = version
	return h, nil
}

var helmVersionLine = regexp.MustCompile(`(?m)^(?:Client: )?v(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?:[-+].*)?\s*$`)

// parseHelmVersion reads helm version --short: "v3.14.0+gabc1234", "v4.3", and
// "Client: v2.16.1+g1234567" of Helm 2. Version managers write other lines around.
func parseHelmVersion(output string) (HelmVersion, bool) {
	parts := helmVersionLine.FindStringSubmatch(output)
	if parts == nil {
		return HelmVersion{}, false
	}
	var v HelmVersion
	for i, number := range []*int{&v.Major, &v.Minor, &v.Patch} {
		*number, _ = strconv.Atoi(parts[i+1]) // no patch is 0
	}
	return v, true
}

var errNoHelm = errors.New("there is no helm on the PATH")

// lookHelm is exec.LookPath for another PATH than this process's. Directories
// that are not absolute are passed over: the current one must not decide what is
// run.
func lookHelm(path, goos string) (string, error) {
	name := "helm"
	if goos == "windows" {
		name = "helm.exe" // a script would read its arguments anew
	}
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue
		}
		file := filepath.Join(dir, name)
		info, err := os.Stat(file)
		if err == nil && info.Mode().IsRegular() && (goos == "windows" || info.Mode()&0o111 != 0) {
			return file, nil
		}
	}
	return "", errNoHelm
}
