// Package check runs checks: in the order of their dependencies, several at a
// time, each with its time-out. It must not know what is checked, nor print.
package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Status is the verdict of a check. Only Fail blocks.
type Status string

// The verdicts, as the result's JSON has them.
const (
	Pass         Status = "pass"
	Warn         Status = "warn"         // works, but somebody should know
	Fail         Status = "fail"         // does not work
	Inconclusive Status = "inconclusive" // could not be told
	Skip         Status = "skip"         // not asked
	Accepted     Status = "accepted"     // failed, and the operator goes on
)

// Check is one question about the outside world. Run changes and prints nothing.
type Check struct {
	ID      string        // stable, dotted: "database.login"
	Title   string        // what is checked, for people
	After   []string      // IDs that must not fail first; else this one is skipped
	Timeout time.Duration // 0 is DefaultTimeout

	// Run returns the verdict; the engine fills in ID, Title and Elapsed. It must
	// return once ctx ends: then it can say more than the engine does for it.
	Run func(ctx context.Context) Result
}

// Result is what a check found.
type Result struct {
	ID     string `json:"id"`
	Title  string `json:"-"`
	Status Status `json:"status"`
	Code   string `json:"code,omitempty"` // stable, of what was found: "service.client"; `explain` knows it
	Found  string `json:"found"`          // what is so; more than one line where more was found
	Hint   string `json:"hint"`           // what to do about it, "" when nothing
	Cure   *Cure  `json:"cure,omitempty"`

	// Of an examination, where these are known.
	Category string `json:"category,omitempty"` // that it is shown under: "secret"
	Cause    string `json:"cause,omitempty"`    // what it comes from
	Fix      string `json:"fix,omitempty"`      // a command that mends it, or shows more
	Doc      string `json:"doc,omitempty"`      // address of a page about it
	Because  string `json:"because,omitempty"`  // ID of the check whose finding explains this one: see Explain

	// Guide is what to do where somebody else has to write what is wrong, such as the
	// owner of a Secret: sentences, and commands that begin with two blanks.
	Guide []string `json:"guide,omitempty"`

	Propose []Proposal    `json:"-"` // what was learnt and can fill an answer
	Elapsed time.Duration `json:"-"`
}

// Cure is where the operator mends what was found, and with what.
type Cure struct {
	Flow    string
	Step    string
	Key     string // the question there; "" is the whole step
	Propose []Proposal
}

// Proposal is a value for an answers key. It never overwrites an answer and never
// names a secret key.
type Proposal struct {
	Key   string
	Value any
}

// MarshalJSON writes {"flow": …, "step": …, "key": …, "set": {key: value}}.
func (c Cure) MarshalJSON() ([]byte, error) {
	set := map[string]any{}
	for _, p := range c.Propose {
		set[p.Key] = p.Value
	}
	return json.Marshal(struct {
		Flow string         `json:"flow"`
		Step string         `json:"step"`
		Key  string         `json:"key,omitempty"`
		Set  map[string]any `json:"set"`
	}{c.Flow, c.Step, c.Key, set})
}

// Validate says everything that is wrong with a list of checks: an empty or
// repeated ID, nothing to run, an unknown ID in After, a circle.
func Validate(checks []Check) error {
	var problems []error
	seen := map[string]bool{}
	for _, c := range checks {
		switch {
		case c.ID == "":
			problems = append(problems, fmt.Errorf("a check has no id (title %q)", c.Title))
		case seen[c.ID]:
			problems = append(problems, fmt.Errorf("check %s is there twice", c.ID))
		}
		seen[c.ID] = true
		if c.Run == nil {
			problems = append(problems, fmt.Errorf("check %s has nothing to run", c.ID))
		}
		if c.Timeout < 0 {
			problems = append(problems, fmt.Errorf("check %s has a negative time-out", c.ID))
		}
	}
	for _, c := range checks {
		for _, id := range c.After {
			if !seen[id] {
				problems = append(problems, fmt.Errorf("check %s comes after %s, which is not there", c.ID, id))
			}
		}
	}
	if ids := circle(checks); len(ids) > 0 {
		problems = append(problems, fmt.Errorf("checks wait for each other: %s", strings.Join(ids, ", ")))
	}
	return errors.Join(problems...)
}

// circle returns the IDs that are left when every check whose dependencies are
// gone is taken away again and again: those in a circle, and those behind one.
func circle(checks []Check) []string {
	waiting := map[string]bool{}
	for _, c := range checks {
		waiting[c.ID] = true
	}
	for again := true; again; {
		again = false
		for _, c := range checks {
			free := !slices.ContainsFunc(c.After, func(id string) bool { return waiting[id] })
			if waiting[c.ID] && free {
				delete(waiting, c.ID)
				again = true
			}
		}
	}
	var left []string
	for _, c := range checks {
		if waiting[c.ID] {
			left = append(left, c.ID)
		}
	}
	return left
}
