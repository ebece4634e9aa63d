// Package cli is the command line: commands and flags, which driver runs, and
// how errors become exit codes and hints. It must not know widgets or Helm paths.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/debuglog"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/wizard"
)

// Process is everything that the program has of its surroundings.
type Process struct {
	Args      []string // Args[0] is the program's name
	In        *os.File
	Out, Err  *os.File
	LookupEnv func(string) (string, bool)
	Environ   []string
	Signals   <-chan os.Signal
	Version   string // set when the program is built for a release
}

// The exit codes; scripts rely on them.
const (
	exitFailed  = 1
	exitUsage   = 2
	exitCheck   = 3
	exitChanged = 4
	exitLeft    = 130
)

// exitError ends the run with a code, a message and a hint about what to type.
type exitError struct {
	code     int
	message  string
	hint     string
	problems answers.Problems
	result   *wizard.Result // printed instead of the error object, with -o json
	silent   bool           // everything has been said
}

func (e *exitError) Error() string { return e.message }

func usage(format string, args ...any) *exitError {
	return &exitError{code: exitUsage, message: fmt.Sprintf(format, args...)}
}

func (e *exitError) hinted(format string, args ...any) *exitError {
	e.hint = fmt.Sprintf(format, args...)
	return e
}

// app is one run of the program: its streams scrub every secret they are told of.
type app struct {
	Process
	out, err io.WriteCloser
	scrub    *secret.Scrubber
	log      *debuglog.Log // of --log-file; nil without
	output   string        // text or json
	start    wizard.Start  // of a run that the home screen led to

	secretVariables []string // that references to secrets named
}

// Run runs the program and returns its exit code.
func Run(p Process) int {
	a := &app{Process: p, scrub: &secret.Scrubber{}, output: "text"}
	a.out, a.err = a.scrub.Writer(p.Out), a.scrub.Writer(p.Err)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err := a.execute(ctx, cancel)
	code := a.report(err)
	a.closeLog(code, err)
	if err := errors.Join(a.out.Close(), a.err.Close()); err != nil && code == 0 {
		return exitFailed
	}
	return code
}

// report is the one place where an error becomes a message and an exit code.
func (a *app) report(err error) int {
	if err == nil {
		return 0
	}
	e := asExit(err)
	if e.silent {
		return e.code
	}
	if a.output == "json" {
		var document any = map[string]any{"error": errorResult(e)}
		if e.result != nil {
			e.result.Error = errorResult(e)
			document = e.result
		}
		if err := wizard.WriteJSON(a.out, document); err != nil {
			return exitFailed
		}
		return e.code
	}
	if e.code == exitLeft {
		fmt.Fprintln(a.err, e.message)
		return e.code
	}
	first, rest, _ := strings.Cut(e.message, "\n")
	fmt.Fprintf(a.err, "error: %s\n", first)
	for _, line := range strings.Split(rest, "\n") {
		if line != "" {
			fmt.Fprintf(a.err, "  %s\n", line)
		}
	}
	for _, p := range e.problems {
		fmt.Fprintf(a.err, "  %s\n", strings.ReplaceAll(p.String(), "\n", "\n    "))
	}
	if e.hint != "" {
		fmt.Fprintf(a.err, "hint: %s\n", strings.ReplaceAll(e.hint, "\n", "\n  "))
	}
	return e.code
}

func asExit(err error) *exitError {
	var e *exitError
	if errors.As(err, &e) {
		return e
	}
	if errors.Is(err, context.Canceled) {
		return &exitError{code: exitLeft, message: "nothing was changed"}
	}
	return &exitError{code: exitFailed, message: err.Error()}
}

func errorResult(e *exitError) *wizard.ErrorResult {
	result := &wizard.ErrorResult{Code: e.code, Message: e.message}
	for _, p := range e.problems {
		result.Problems = append(result.Problems, wizard.ProblemResult{Key: string(p.Key), Message: p.Message, Where: p.Where})
	}
	return result
}

// signalled returns channels that close at the first signal and at the second;
// stop ends the watching. On the full screen Ctrl-C is a key and no signal.
func (a *app) signalled() (first, second <-chan struct{}, stop func()) {
	done := make(chan struct{})
	out := [2]chan struct{}{make(chan struct{}), make(chan struct{})}
	var once sync.Once
	go func() {
		for _, closes := range out {
			select {
			case <-a.Signals:
				close(closes)
			case <-done:
				return
			}
		}
	}()
	return out[0], out[1], func() { once.Do(func() { close(done) }) }
}
