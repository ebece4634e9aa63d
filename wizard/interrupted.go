package wizard

import (
	"slices"

	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/steps"
)

// undoFlow is the flow that puts back what an earlier run changed.
const undoFlow = "undo"

// Interrupted says in words which earlier run did not end, so that it is to be
// finished or undone: "install of 2026-11-23 14:02 UTC: client-secret". It is ""
// when there is none, and in the flow that undoes it.
func (s *Session) Interrupted() string {
	j := s.current.Journal
	if j == nil || j.Kept || s.undoing() {
		return ""
	}
	return j.Words()
}

// Switch goes on as a run of another flow, with what was answered and found so
// far: from a run that finds another one unfinished to the one that undoes it.
func (s *Session) Switch(flow steps.Flow) {
	s.flow, s.current.Flow = flow, flow.ID
	s.changed()
}

func (s *Session) undoing() bool { return s.flow.ID == undoFlow }

// mostRights is how many missing rights the first page names.
const mostRights = 5

// preflight lists what the run may not do in the cluster, with what that
// prevents, before the first question.
func (s *Session) preflight() []Line {
	var l lines
	c := s.current
	if c.RightsUnknown != "" {
		l.add(Caution, "", "? Which rights you have is not known: %s", c.RightsUnknown)
	}
	missing := slices.DeleteFunc(c.AllRights(), func(r k8s.Access) bool { return r.Allowed })
	for i, r := range missing {
		if i == mostRights {
			l.add(Caution, "", "  and %d more", len(missing)-i)
			break
		}
		l.add(Caution, "", "! Not allowed: %s: %s", r, r.Prevents)
	}
	if len(missing) > 0 {
		l.add(Plain, "", "  `backstage-setup rbac` prints the Role to ask for.")
	}
	return l
}

// earlier tells of an earlier run whose old values are there, for the first page.
func (s *Session) earlier() []Line {
	var l lines
	switch j := s.current.Journal; {
	case s.Interrupted() != "":
		l.add(Caution, "", "! An earlier run did not end: %s", s.Interrupted())
	case s.undoing() && j == nil:
		l.add(Plain, "", "No run was left in the middle, and no old values are kept: there is nothing to undo.")
	case s.undoing():
		l.add(Plain, "", "To be put back: %s", j.Words())
	case j != nil:
		l.add(Plain, "", "The values from before an earlier run are still kept: %s. `backstage-setup undo` puts them back.", j.Words())
	}
	return l
}
