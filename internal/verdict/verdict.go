// Package verdict is what is found about a server that was asked: an ID, how bad it
// is, and words that are fit to be shown to a person, whatever the server said.
package verdict

import (
	"fmt"
	"slices"
)

// Class is how bad a Verdict is.
type Class string

// The classes. Only Pass says that it will work.
const (
	Pass         Class = "pass"
	Warn         Class = "warn"         // works, but somebody should know
	Inconclusive Class = "inconclusive" // cannot be known from here
	Fail         Class = "fail"         // will not work
)

// Verdict is one finding. Its texts are one line each, but for Fix, where what is to
// be pasted has lines of its own; they hold no secret, no token and nothing that a
// terminal would interpret.
type Verdict struct {
	ID    string // stable: "discovery.issuer", "login.password"
	Class Class
	Found string // what is so, with the values
	Cause string // why that matters: what the portal, the API or the server does with it
	Fix   string // what to do, in the operator's words, SQL included; "" with a Pass
}

// String is "class id: found".
func (v Verdict) String() string { return fmt.Sprintf("%s %s: %s", v.Class, v.ID, v.Found) }

// Worst returns the class that decides: Fail before Inconclusive before Warn
// before Pass. Without verdicts nothing is known: Inconclusive.
func Worst(verdicts []Verdict) Class {
	for _, class := range []Class{Fail, Inconclusive, Warn, Pass} {
		if slices.ContainsFunc(verdicts, func(v Verdict) bool { return v.Class == class }) {
			return class
		}
	}
	return Inconclusive
}

// Blocked tells whether there is a verdict that forbids a pass.
func Blocked(verdicts []Verdict) bool {
	return slices.ContainsFunc(verdicts, func(v Verdict) bool { return v.Class == Fail || v.Class == Inconclusive })
}
