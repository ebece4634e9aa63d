package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/file"
	"github.com/openchoreo/backstage-setup/internal/values"
	"github.com/openchoreo/backstage-setup/wizard"
)

// finish turns the end of a run into output and an error with its exit code.
func (a *app) finish(s *wizard.Session, end wizard.End, err error, interactive bool) error {
	switch {
	case end.Left:
		return &exitError{code: exitLeft, silent: true}
	case err != nil:
		return runError(err)
	case len(end.Review.Problems) > 0:
		return wrongAnswers(end.Review.Problems)
	}
	applied := end.Applied && !s.DryRun() || end.Remains()
	result := s.Result(end.Review, end.Outcome, applied)
	if end.Err != nil {
		e := applyError(end.Err, end.Outcome)
		e.result = &result
		return e
	}
	if failed := end.Review.Failed(); failed != "" && !applied {
		if a.output == "text" && !interactive {
			if err := wizard.WritePlain(a.out, end.Review.Lines()); err != nil {
				return err
			}
		}
		return blocked(end.Review.Checks, &result)
	}
	if a.output == "json" {
		return wizard.WriteJSON(a.out, result)
	}
	if interactive {
		return nil // the driver has left its summary in the scrollback
	}
	if s.DryRun() {
		return wizard.WritePlain(a.out, end.Preview())
	}
	return wizard.WritePlain(a.out, end.Summary())
}

// blocked is the end of a run that failed checks keep from writing anything. Its
// first line is what the first of them found.
func blocked(checks []check.Result, result *wizard.Result) error {
	checks = slices.DeleteFunc(slices.Clone(checks), func(c check.Result) bool { return c.Status != check.Fail })
	var failed []string
	for _, c := range checks {
		failed = append(failed, c.ID)
	}
	found, _, _ := strings.Cut(checks[0].Found, "\n")
	noun := "check"
	if len(failed) > 1 {
		noun = "checks"
	}
	e := &exitError{code: exitCheck, result: result, message: fmt.Sprintf("%s %s failed: %s\nnothing was changed", noun, strings.Join(failed, ", "), found)}
	if slices.Contains(failed, "cluster.reachable") {
		e.hint = "mend it: nothing can be written to a cluster that does not answer; --offline writes files only"
		return e
	}
	for _, c := range checks {
		if !acceptable(c.ID, result.Rotation != nil) {
			e.hint = c.Hint
			return e
		}
	}
	// What was not asked is skipped, by its own hint; what was found is accepted.
	var ways, skipped, accepted []string
	for _, id := range failed {
		way := "--skip " + id + "=REASON"
		if slices.ContainsFunc(result.Checks, func(c check.Result) bool { return c.ID == id && strings.Contains(c.Hint, way) }) {
			skipped = append(skipped, way)
			continue
		}
		accepted = append(accepted, "--accept "+id)
	}
	if len(accepted) > 0 {
		ways = append(ways, "go on regardless with "+strings.Join(accepted, " "))
	}
	if len(skipped) > 0 {
		ways = append(ways, "go on without asking, with "+strings.Join(skipped, " "))
	}
	e.hint = "mend it, or " + strings.Join(ways, " and ")
	return e
}

// acceptable tells whether going on regardless may help. It does not where the API
// server refuses the write; and what proves or judges the new value of a rotation has
// ways of its own in its hint.
func acceptable(id string, rotates bool) bool {
	switch topic, _, _ := strings.Cut(id, "."); {
	case id == "cluster.access", id == "cluster.namespace":
		return false
	case rotates:
		return topic != "identity" && topic != "database" && topic != "rotate"
	}
	return true
}

func wrongAnswers(problems answers.Problems) error {
	noun := "answers are"
	if len(problems) == 1 {
		noun = "answer is"
	}
	e := &exitError{code: exitUsage, message: fmt.Sprintf("%d %s wrong or missing; nothing was changed", len(problems), noun), problems: problems}
	for _, p := range problems {
		if _, known := answers.KindOf(p.Key); known {
			return e.hinted("backstage-setup explain %s", p.Key)
		}
	}
	return e.hinted("backstage-setup answers example")
}

// runError classifies what kept a run from getting to its plan.
func runError(err error) error {
	var refused *values.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &exitError{code: exitFailed, message: "not done within --timeout", hint: "give it longer, or find out what does not answer with --dry-run"}
	case errors.Is(err, context.Canceled):
		return &exitError{code: exitLeft, message: "interrupted: nothing was changed"}
	case errors.As(err, &refused):
		return &exitError{code: exitUsage, message: err.Error(), hint: refused.Hint}
	}
	return err
}

// loadError is about what the answers point at: a chart or a file that cannot be
// read is wrong use.
func loadError(err error) error {
	e := usage("%v", err)
	var refused *values.Error
	if errors.As(err, &refused) {
		e.hint = refused.Hint
	}
	return e
}

// save writes --save-answers.
func (a *app) save(s *wizard.Session, f *flags) error {
	if f.saveAnswers == "" {
		return nil
	}
	if err := writeAnswers(s, f.saveAnswers); err != nil {
		return fmt.Errorf("--save-answers: %w", err)
	}
	return nil
}

func writeAnswers(s *wizard.Session, path string) error {
	given := s.Given()
	text, err := answers.Encode(&given)
	if err != nil {
		return err
	}
	snapshot, err := file.Read(path)
	if err != nil {
		return err
	}
	return snapshot.Replace(text, file.Options{Mode: 0o600})
}

// saveDraft keeps the answers of a run that ended early in the state directory.
func (a *app) saveDraft(s *wizard.Session) (string, error) {
	dir, err := a.stateDir()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "answers.yaml")
	return path, writeAnswers(s, path)
}
