package idp

import (
	"fmt"
	"slices"

	"github.com/openchoreo/backstage-setup/internal/verdict"
)

// The classes of package verdict. Only Pass says that it will work.
const (
	Pass         = verdict.Pass
	Warn         = verdict.Warn
	Inconclusive = verdict.Inconclusive
	Fail         = verdict.Fail
)

type (
	// Class is how bad a Verdict is.
	Class = verdict.Class
	// Verdict is one finding, whose ID is in Kinds.
	Verdict = verdict.Verdict
)

// Worst returns the class that decides, see verdict.Worst.
func Worst(verdicts []Verdict) Class { return verdict.Worst(verdicts) }

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
	veil     *verdict.Veil
	verdicts []Verdict
}

// add appends the verdict of that id. What the line says may hold words of the
// server: they are cleaned here, for all verdicts alike.
func (r *report) add(id, format string, args ...any) {
	found := r.veil.Line(fmt.Sprintf(format, args...))
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
	return verdict.Blocked(r.verdicts)
}
