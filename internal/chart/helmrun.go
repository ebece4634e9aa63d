package chart

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// Upgrade runs helm upgrade --install and returns when helm has ended. progress
// is told every line that helm writes, one at a time; it may be nil.
//
// A helm that is killed leaves the release pending, which blocks every later
// upgrade. So when ctx ends helm may go on for u.Grace; a nil error means then
// that the release was upgraded after all. After that it is told to end, upon
// which it marks the release as failed, and killed when it does not. Neither
// Ctrl-C in the terminal nor the terminal's end reaches it. The error is a
// *HelmError; it wraps the cause of ctx's end, if that is why.
func (h *Helm) Upgrade(ctx context.Context, u Upgrade, progress func(line string)) error {
	return h.change(ctx, u, "upgrade", u.Args(), progress)
}

// Rollback runs helm rollback to a revision of u's release, as Upgrade runs helm
// upgrade, except that helm does not react to being told to end: it leaves the
// release pending-rollback. What the chart's hooks have applied is not undone.
func (h *Helm) Rollback(ctx context.Context, u Upgrade, revision int, progress func(line string)) error {
	if revision <= 0 {
		return &HelmError{Command: "helm rollback", Cause: "there is no revision to go back to", hint: u.historyCommand()}
	}
	return h.change(ctx, u, "rollback", u.RollbackArgs(revision), progress)
}

func (h *Helm) change(ctx context.Context, u Upgrade, verb string, args []string, progress func(string)) error {
	if ctx.Err() != nil {
		return fmt.Errorf("helm %s: not begun: %w", verb, context.Cause(ctx))
	}
	limit := u.limit()
	late := fmt.Errorf("it did not end within %s", limit)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, late)
	defer cancel()
	run := h.start(args, progress)
	if u.Limit > 0 {
		run.late = late
	}
	if err := run.wait(ctx, u.Grace); err != nil {
		return u.failure(verb, run, context.Cause(ctx), err)
	}
	return nil
}

// limit bounds a run as a whole: a chart has hooks before and after, and helm sets
// no bound to a server that never answers.
func (u Upgrade) limit() time.Duration {
	if u.Limit > 0 {
		return u.Limit
	}
	hook := u.Timeout
	if hook <= 0 {
		hook = 5 * time.Minute
	}
	return 3*hook + 2*time.Minute
}

// helmRun is one run of helm.
type helmRun struct {
	*output
	cmd       *exec.Cmd
	streams   []io.Closer
	patience  time.Duration
	impatient bool  // it changes nothing: kill it at once
	late      error // cause of a ctx's end upon which there is no grace; nil is none
	failed    error

	told, killed bool // to end
}

// start runs helm. Its standard input is empty; it has no shell and no terminal.
func (h *Helm) start(args []string, progress func(string)) *helmRun {
	r := &helmRun{output: &output{scrub: h.Scrub, progress: progress}, cmd: exec.Command(h.Path, args...), patience: h.patience}
	stdout, stderr := r.stream(false), r.stream(true)
	r.streams = []io.Closer{stdout, stderr}
	r.cmd.Env = h.environ
	r.cmd.Stdout, r.cmd.Stderr = stdout, stderr
	r.cmd.WaitDelay = 5 * time.Second // for what a credential plugin leaves running with helm's output
	detach(r.cmd)
	r.failed = r.cmd.Start()
	return r
}

// wait returns when helm has ended: nil when it did its work.
func (r *helmRun) wait(ctx context.Context, grace time.Duration) error {
	if r.failed != nil {
		return r.failed
	}
	done := make(chan error, 1)
	go func() { done <- r.cmd.Wait() }()
	select {
	case err := <-done:
		return r.end(err)
	case <-ctx.Done():
	}
	if !r.impatient {
		if r.late != nil && errors.Is(context.Cause(ctx), r.late) {
			grace = 0
		}
		select {
		case err := <-done:
			return r.end(err)
		case <-time.After(grace):
		}
		r.told = true
		if terminate(r.cmd) == nil {
			select {
			case err := <-done:
				return r.end(err)
			case <-time.After(r.patience):
			}
		}
	}
	r.killed = true
	kill(r.cmd)
	return r.end(<-done)
}

func (r *helmRun) end(err error) error {
	for _, s := range r.streams {
		_ = s.Close() // never an error
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		return nil // helm itself did well
	}
	return err
}

// reason says why helm did not do its work, in its own words.
func (r *helmRun) reason(err error) string {
	if text := r.lastError(); text != "" {
		return text
	}
	return err.Error()
}

// installs: helm has said that there is no such release yet.
func (r *helmRun) installs() bool {
	return slices.ContainsFunc(r.lines(), func(line string) bool {
		return strings.HasPrefix(line, `Release "`) && strings.HasSuffix(line, `" does not exist. Installing it now.`)
	})
}

// cutOff: helm had no time to write down what became of the release.
func (r *helmRun) cutOff() bool {
	return r.killed || r.cmd.ProcessState != nil && r.cmd.ProcessState.ExitCode() < 0
}
