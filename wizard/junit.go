package wizard

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/steps"
)

// The elements of JUnit's XML, as Jenkins and GitLab read it.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitMessage `xml:"failure"`
		Error   *junitMessage `xml:"error"`
		Skipped *junitMessage `xml:"skipped"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes an examination as JUnit's XML: a suite for each category, a
// case for each check. What failed is a failure, what could not be told or was
// accepted is skipped, unless nothing is known of the portal without it: that is an
// error. A warning passes with its words in system-out.
func WriteJUnit(w io.Writer, e Examination) error {
	all := junitSuites{Name: "backstage-setup check"}
	for _, c := range steps.Categories() {
		suite := junitSuite{Name: c.ID}
		for _, r := range e.Checks {
			if r.Category == c.ID {
				suite.add(r)
			}
		}
		if suite.Tests == 0 {
			continue
		}
		all.Tests, all.Failures = all.Tests+suite.Tests, all.Failures+suite.Failures
		all.Errors, all.Skipped = all.Errors+suite.Errors, all.Skipped+suite.Skipped
		all.Suites = append(all.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *junitSuite) add(r check.Result) {
	c := junitCase{Class: "check." + r.Category, Name: r.ID, Time: fmt.Sprintf("%.3f", r.Elapsed.Seconds())}
	text := r.Found
	fix := r.Fix
	if len(r.Guide) > 0 {
		fix = strings.Join(r.Guide, "\n")
	}
	for _, more := range []string{r.Cause, r.Hint, fix} {
		if more != "" {
			text += "\n" + more
		}
	}
	if r.Because != "" {
		text += "\nfollows from " + r.Because
	}
	s.Tests++
	switch {
	case unseen(r):
		c.Error = &junitMessage{Message: string(r.Status) + ": " + r.Found, Type: firstText(r.Code, r.ID), Text: text}
		s.Errors++
	case r.Status == check.Fail:
		c.Failure = &junitMessage{Message: r.Found, Type: firstText(r.Code, r.ID), Text: text}
		s.Failures++
	case r.Status == check.Skip, r.Status == check.Inconclusive, r.Status == check.Accepted:
		c.Skipped = &junitMessage{Message: string(r.Status) + ": " + r.Found}
		s.Skipped++
	default:
		c.Out = text
	}
	s.Cases = append(s.Cases, c)
}
