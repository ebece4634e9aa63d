package idp

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

// Verdict is one finding. Its texts are one line each, hold no secret, no token
// and nothing that a terminal would interpret.
type Verdict struct {
	ID    string // stable: "discovery.issuer"; all are in Kinds
	Class Class
	Found string // what is so, with the values
	Cause string // why that matters: what the portal or the API does with it
	Fix   string // what to do, in the operator's words; "" with a Pass
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

// Kind is what all verdicts of one ID have in common.
type Kind struct {
	ID         string
	Class      Class
	Cause, Fix string
}

// Kinds returns every verdict that there is, in the order of the checks, for
// documentation.
func Kinds() []Kind { return slices.Clone(kinds) }

// report collects the verdicts of one check.
type report struct {
	veil     *veil
	verdicts []Verdict
}

// add appends the verdict of that id. What the line says may hold words of the
// server: they are cleaned here, for all verdicts alike.
func (r *report) add(id, format string, args ...any) {
	found := r.veil.line(fmt.Sprintf(format, args...), maxLine)
	at := slices.IndexFunc(kinds, func(k Kind) bool { return k.ID == id })
	if at < 0 { // a test keeps this from happening; it must not become a pass
		r.verdicts = append(r.verdicts, Verdict{ID: id, Class: Fail, Found: found})
		return
	}
	k := kinds[at]
	r.verdicts = append(r.verdicts, Verdict{ID: id, Class: k.Class, Found: found, Cause: k.Cause, Fix: k.Fix})
}

// blocked says whether there is a verdict that forbids a pass.
func (r *report) blocked() bool {
	return slices.ContainsFunc(r.verdicts, func(v Verdict) bool { return v.Class == Fail || v.Class == Inconclusive })
}
