package wizard

import (
	"fmt"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/steps"
)

// CauseLines is what a log means, for people.
func CauseLines(causes steps.LogCauses, width int) []Line {
	var l lines
	if len(causes.Findings) == 0 {
		l.add(Plain, "", "Nothing known in it: %d lines.", causes.Lines)
		return l
	}
	wrapped := func(label, text string) {
		for i, line := range steps.Wrap(text, max(width-len(label)-3, 40)) {
			if i > 0 {
				label = strings.Repeat(" ", len(label))
			}
			l.add(Plain, "", "  %s %s", label, line)
		}
	}
	for i, f := range causes.Findings {
		if f.Because != "" {
			l.add(Plain, "", "- %s: %s, follows from %s (%s)", f.Code, f.Title, f.Because, times(f.Count))
			continue
		}
		if i > 0 {
			l.add(Plain, "", "")
		}
		mark, kind := checkMarks[check.Warn], Caution
		if f.Fatal {
			mark, kind = checkMarks[check.Fail], Bad
		}
		l.add(kind, "", "%s %s: %s (%s)", mark, f.Code, f.Title, times(f.Count))
		l.add(Plain, "", "  > %s", f.Line)
		wrapped("why:", f.Cause)
		wrapped("do:", f.Fix)
		if f.Key != "" {
			l.add(Plain, "", "  key: %s (backstage-setup explain %s)", f.Key, f.Key)
		}
	}
	return l
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
