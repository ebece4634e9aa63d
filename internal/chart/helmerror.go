package chart

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrBusy is a helm that was refused since another one is at work on the release,
// or was cut off: it has changed nothing.
var ErrBusy = errors.New("another helm is at work")

// HelmError is helm that could not be run, or did not do what it was told.
type HelmError struct {
	// Command is what was run, such as "helm upgrade".
	Command string
	// Cause says what is wrong, on one line.
	Cause string
	// Status is what the release's is to be expected, as Helm names it: "failed"
	// where helm was told to end, "pending-upgrade" and its like where it was cut
	// off. Empty: it may be failed, or the release was not touched.
	Status string
	// Output is the end of what helm wrote: at most 200 lines, none longer than
	// some 3 KB.
	Output []string
	// Err is how helm ended, with the cause of the end of its context.
	Err error

	hint string
}

// Error says what is wrong and, on a second line, what helm left behind.
func (e *HelmError) Error() string {
	text := e.Command + ": " + e.Cause
	if e.Status != "" {
		text += "\nthe release is left " + e.Status
		if e.Status != "failed" {
			text += ", or was not touched; nothing can be done with it until that is cleared"
		}
	}
	return text
}

// Hint says what to type next; it may be empty.
func (e *HelmError) Hint() string { return e.hint }

// Unwrap returns Err.
func (e *HelmError) Unwrap() error { return e.Err }

// failure says what became of an upgrade or a rollback that did not go through.
// stopped is why its context had ended, nil if it had not.
func (u Upgrade) failure(verb string, run *helmRun, stopped, err error) *HelmError {
	e := &HelmError{Command: "helm " + verb, Output: run.lines(), Err: errors.Join(stopped, err)}
	first := run.installs()
	switch {
	case run.failed != nil:
		e.Cause, e.hint = "it cannot be run: "+run.failed.Error(), "run it yourself: helm version"
	case run.cutOff():
		e.Status = "pending-" + verb
		if first {
			e.Status = "pending-install"
		}
		_, _, command := u.StatusBlocks(e.Status)
		e.hint = u.historyCommand() + "; if it is pending and no other helm is at work: " + command
		e.Cause = fmt.Sprintf("it was cut off: %v", err)
		if stopped != nil {
			e.Cause = fmt.Sprintf("it was stopped: %v", stopped)
		}
	case run.told && strings.Contains(run.lastError(), context.Canceled.Error()):
		e.Status = "failed"
		e.Cause, e.hint = fmt.Sprintf("it was stopped: %v", stopped), u.backCommand()
		if first {
			e.hint = "run the upgrade again, or take away what is there: " + u.helm("uninstall", u.Release)
		}
	default:
		if otherHelm.MatchString(run.reason(err)) {
			e.Err = errors.Join(e.Err, ErrBusy)
		}
		e.Cause, e.hint = u.explain(run.reason(err))
	}
	return e
}
