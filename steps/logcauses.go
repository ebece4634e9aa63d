package steps

import "github.com/openchoreo/backstage-setup/internal/cause"

// LogCauses are what the lines of a log mean. Its JSON form is that of
// `check --log -o json`.
type LogCauses struct {
	Lines    int        `json:"lines"` // that were read
	Fatal    bool       `json:"fatal"` // one of the causes keeps the portal from working
	Findings []LogCause `json:"findings"`
}

// LogCause is one thing that a log complains about. Line is without secrets.
type LogCause struct {
	Code    string `json:"code"` // `explain` knows it
	Title   string `json:"title"`
	Cause   string `json:"cause"`
	Fix     string `json:"fix"`
	Key     string `json:"key,omitempty"` // the answers key that mends it
	Line    string `json:"line"`
	Count   int    `json:"count"`
	Because string `json:"because,omitempty"` // code that it follows from
	Fatal   bool   `json:"fatal"`
}

// ExplainLog says what lines of the portal's log, of the API's or of Kubernetes'
// events mean: first what to mend first.
func ExplainLog(lines []string) LogCauses {
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	out := LogCauses{Lines: len(lines), Findings: []LogCause{}}
	for _, f := range cause.Explain(lines) {
		out.Findings = append(out.Findings, LogCause{
			Code: f.ID, Title: f.Title, Cause: f.Cause, Fix: f.Fix, Key: f.Step, Line: f.Line, Count: f.Count, Because: f.After, Fatal: f.Fatal(),
		})
		out.Fatal = out.Fatal || f.Fatal()
	}
	return out
}

// KnownCode tells whether a check can end with that code.
func KnownCode(code string) bool {
	for _, e := range Explain(code) {
		if e.Name == code && (e.Kind == VerdictEntry || e.Kind == VariableEntry) {
			return true
		}
	}
	return false
}
