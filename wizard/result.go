package wizard

import (
	"encoding/json"
	"io"
	"time"

	"github.com/openchoreo/backstage-setup/internal/apply"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

// Result is the outcome of a run, for programs. Its form is a promise. Applied
// tells that the files and the Secret are as asked, now or already; what this run
// changed is in Files, Secret and Actions. It is false for a dry run, where
// something kept the run from it, and where the Secret's owner has yet to write it;
// Files and Secret tell then what is to change. Next is what is left for the operator.
type Result struct {
	Flow     string         `json:"flow"`
	DryRun   bool           `json:"dryRun"`
	Applied  bool           `json:"applied"`
	Chart    string         `json:"chart"`
	Files    []FileResult   `json:"files"`
	Secret   SecretResult   `json:"secret"`
	Rollout  RolloutResult  `json:"rollout"`
	Actions  []ActionResult `json:"actions"`
	Checks   []check.Result `json:"checks"`
	Warnings []string       `json:"warnings"`
	Next     []string       `json:"next"`
	Error    *ErrorResult   `json:"error,omitempty"`

	Rotation *RotationResult `json:"rotation,omitempty"` // of a rotation
	Healthy  *bool           `json:"healthy,omitempty"`  // of an examination: nothing failed that was not accepted
	First    *FirstResult    `json:"first,omitempty"`    // of an examination: what to mend first
}

// RotationResult is what there is to know of a rotation besides.
type RotationResult struct {
	Keys     []string `json:"keys"`             // of the Secret; no value is in it
	Requests int      `json:"requests"`         // to the API server, from the first look to the end
	Window   string   `json:"window,omitempty"` // how long the portal may have been without a secret that counts, such as "4.2s"
}

// FirstResult is the finding to mend first, and those that follow from it.
type FirstResult struct {
	ID           string   `json:"id"`
	Code         string   `json:"code,omitempty"`
	Consequences []string `json:"consequences"`
}

// FileResult is one file.
type FileResult struct {
	Path   string   `json:"path"`
	Place  string   `json:"place,omitempty"` // where in the file, when it is no plain values file
	Action string   `json:"action"`          // created, edited, unchanged; by undo restored, removed
	Keys   []string `json:"keys"`
}

// SecretResult is the Secret; no value is in it.
type SecretResult struct {
	Namespace string      `json:"namespace"`
	Name      string      `json:"name"`
	Action    string      `json:"action"` // created, patched, unchanged, external, manifest
	Keys      []KeyResult `json:"keys"`
}

// KeyResult is one key of the Secret.
type KeyResult struct {
	Name   string `json:"name"`
	Action string `json:"action"` // set, kept, generated, removed; pending where the Secret's owner has to
}

// RolloutResult is what became of the portal's pods.
type RolloutResult struct {
	Deployment string `json:"deployment"`
	Status     string `json:"status"` // complete, skipped, failed, rolled-back
}

// ActionResult is what became of one action.
type ActionResult struct {
	ID     string `json:"id"`
	Status string `json:"status"`         // done, unchanged, failed, undone; planned in a dry run of undo
	Note   string `json:"note,omitempty"` // what an action that is done could not tell
}

// ErrorResult is why a run ended without doing what was asked.
type ErrorResult struct {
	Code     int             `json:"code"`
	Message  string          `json:"message"`
	Problems []ProblemResult `json:"problems,omitempty"`
}

// ProblemResult is one wrong or missing answer.
type ProblemResult struct {
	Key     string `json:"key,omitempty"`
	Message string `json:"message"`
	Where   string `json:"where,omitempty"`
}

// Result puts a review and its outcome into the form for programs.
func (s *Session) Result(r Review, outcome apply.Outcome, applied bool) Result {
	result := Result{
		Flow: s.flow.ID, DryRun: s.settings.DryRun, Applied: applied, Chart: s.chart.Version,
		Files: []FileResult{}, Actions: []ActionResult{}, Checks: r.Checks, Warnings: []string{}, Next: []string{},
		Secret:  SecretResult{Action: "unchanged", Keys: []KeyResult{}},
		Rollout: RolloutResult{Deployment: "backstage", Status: "skipped"},
	}
	if result.Checks == nil {
		result.Checks = []check.Result{}
	}
	if name := r.Input.Current.Cluster.Deployment.Name; name != "" {
		result.Rollout.Deployment = name
	}
	if outcome.Rollout != "" {
		result.Rollout.Status = outcome.Rollout
	}
	for _, w := range r.Warnings {
		result.Warnings = append(result.Warnings, w.Text)
	}
	for _, a := range outcome.Actions {
		result.Actions = append(result.Actions, ActionResult{ID: a.ID, Status: string(a.Status), Note: noteOf(a)})
	}
	if r.Plan == nil {
		return result
	}
	result.Applied = applied && !r.Plan.Pending()
	for _, f := range r.Plan.Files {
		keys := f.Keys
		if keys == nil {
			keys = []string{}
		}
		result.Files = append(result.Files, FileResult{Path: f.Path, Place: f.Place, Action: f.Action, Keys: keys})
	}
	for _, a := range r.Plan.Actions {
		if back, ok := a.(plan.RestoreFile); ok {
			action := "restored"
			if back.File.Before == "" {
				action = "removed"
			}
			result.Files = append(result.Files, FileResult{Path: back.File.Path, Action: action, Keys: []string{}})
		}
		if result.DryRun && r.undoes() {
			result.Actions = append(result.Actions, ActionResult{ID: a.ID(), Status: "planned"})
		}
	}
	result.Secret = SecretResult{Namespace: r.Plan.Secret.Namespace, Name: r.Plan.Secret.Name, Action: r.Plan.Secret.Action, Keys: []KeyResult{}}
	for _, k := range r.Plan.Secret.Keys {
		action := k.Action
		switch {
		case action != "kept" && result.Secret.Action == "external" && !r.Plan.Secret.Delivered:
			action = "pending" // its owner has to write it
		case action == "placeholder":
			action = "set"
		}
		result.Secret.Keys = append(result.Secret.Keys, KeyResult{Name: k.Name, Action: action})
	}
	for _, c := range nextAfter(r.Plan, outcome) {
		result.Next = append(result.Next, c.Line)
	}
	if r.Plan.Rotates() {
		result.Rotation = s.rotation(r, outcome)
		if len(outcome.Actions) > 0 && !applied {
			result.Next = []string{} // the old value is in use, so nobody is to delete it
		}
	}
	return result
}

// noteOf is what an action that is done could not tell. Why one failed is the
// result's error.
func noteOf(a apply.Event) string {
	if a.Status != apply.Done {
		return ""
	}
	return a.Text
}

func (s *Session) rotation(r Review, outcome apply.Outcome) *RotationResult {
	out := &RotationResult{Keys: r.Plan.Rotated(), Requests: s.Requests()}
	if outcome.Window > 0 {
		out.Window = outcome.Window.Round(time.Millisecond).String()
	}
	return out
}

// Requests is how many requests the run has sent to the API server.
func (s *Session) Requests() int {
	if s.env.Cluster == nil {
		return 0
	}
	return s.env.Cluster.Requests()
}

// WriteJSON writes v as one indented JSON document.
func WriteJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
