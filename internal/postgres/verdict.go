package postgres

import (
	"fmt"
	"slices"
	"strings"

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

// Kind is what all verdicts of one ID have in common. Its texts name the role as
// <role> and the database as <database>; a Verdict has them in SQL's quotes. Of a
// Fix, every statement and every line for a file is a line of its own, to be pasted.
type Kind struct {
	ID         string
	Class      Class
	Cause, Fix string
}

// Kinds returns every verdict that there is, in the order of the checks, for
// documentation.
func Kinds() []Kind { return slices.Clone(kinds) }

// judgement collects the verdicts of one check of one target.
type judgement struct {
	target   Target
	service  Service // that the host belongs to; its words come before the general ones
	database string  // that the verdicts are about
	veil     *verdict.Veil
	verdicts []Verdict
}

func newJudgement(t Target) *judgement {
	service, _ := Managed(t.Host)
	return &judgement{target: t, service: service, database: t.entry(), veil: verdict.NewVeil(t.Password)}
}

// add appends the verdict of that id. What the line says may hold words of the
// server: all texts are cleaned here, for all verdicts alike.
func (j *judgement) add(id, format string, args ...any) {
	j.about(id, j.database, format, args...)
}

// about is add for a verdict about another database.
func (j *judgement) about(id, database, format string, args ...any) {
	v := Verdict{ID: id, Class: Fail, Found: j.veil.Line(fmt.Sprintf(format, args...))}
	// An id that is not there is kept from happening by a test; it must not become
	// a pass.
	if at := slices.IndexFunc(kinds, func(k Kind) bool { return k.ID == id }); at >= 0 {
		k := kinds[at]
		if fix, ok := j.service.Fixes[id]; ok {
			k.Fix = fix
		}
		names := strings.NewReplacer("<role>", quoteName(j.target.User), "<database>", quoteName(database), "<bundle>", j.service.Bundle)
		v.Class, v.Cause = k.Class, j.veil.Line(names.Replace(k.Cause))
		fix := strings.Split(k.Fix, "\n")
		for i, line := range fix { // each, so that no name makes another line
			fix[i] = j.veil.Line(names.Replace(line))
		}
		v.Fix = strings.Join(fix, "\n")
	}
	j.verdicts = append(j.verdicts, v)
}

// fault appends the verdict of what broke the connection.
func (j *judgement) fault(f *fault) { j.add(f.id, "%s", j.line(f)) }

// line is what a fault has to say. A server's own words are withheld when they
// repeat the password, in whatever spelling.
func (j *judgement) line(f *fault) string {
	if f.found != "" {
		return f.found
	}
	return fmt.Sprintf("the server says: %s (SQLSTATE %s)", j.veil.Words(f.said), f.code)
}

// blocked says whether there is a verdict that forbids a pass.
func (j *judgement) blocked() bool {
	return verdict.Blocked(j.verdicts)
}

// quoteName is s as an identifier in SQL.
func quoteName(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
