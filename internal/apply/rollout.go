package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openchoreo/backstage-setup/internal/cause"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
)

// Rollout is how far a roll-out has come that is waited for. Instead of the logs
// of pods that crashed it has what they mean.
type Rollout struct {
	k8s.Rollout
	Causes [][]cause.Finding // of each of Troubles; nil where there is no log, or it says nothing known
}

// Stuck is a roll-out that no waiting ends. errors.Is finds k8s.ErrNotRolledOut.
type Stuck struct {
	Namespace, Name string
	Reason          string // what is in the way
	Do              string // what to type about it
	Before          bool   // it was so before the run
}

// Error names the reason.
func (e *Stuck) Error() string {
	if e.Before {
		return fmt.Sprintf("deployment %s/%s: its pods have the Secret already and do not come up: %s", e.Namespace, e.Name, e.Reason)
	}
	return fmt.Sprintf("deployment %s/%s: no waiting ends this roll-out: %s", e.Namespace, e.Name, e.Reason)
}

// Hint says what to type next.
func (e *Stuck) Hint() string { return e.Do }

// Unwrap returns k8s.ErrNotRolledOut.
func (e *Stuck) Unwrap() error { return k8s.ErrNotRolledOut }

// explained is a roll-out that failed with what the pods' logs say about it.
type explained struct {
	err      error
	findings []cause.Finding
}

func (e *explained) Error() string {
	text := e.err.Error()
	for _, line := range Explained(e.findings) {
		text += "\n" + line
	}
	return text
}

// Hint says what mends the first cause.
func (e *explained) Hint() string { return e.findings[0].Fix }

// Unwrap returns the failure itself.
func (e *explained) Unwrap() error { return e.err }

// Explained says what lines of a log mean, in lines: what is wrong and the line
// that says so, what it comes from, what to do. It holds what the portal has
// logged: it is to be scrubbed before it is shown.
func Explained(findings []cause.Finding) (lines []string) {
	for _, f := range findings {
		lines = append(lines, fmt.Sprintf("its log: %s", f.Line), fmt.Sprintf("  %s: %s", f.Title, f.Cause), "  to do: "+f.Fix)
	}
	return lines
}

// await waits until the Deployment has rolled out. What no waiting ends is a
// failure before the deadline, once for each reason: who waits on knows it.
func (r *run) await(ctx context.Context, a plan.AwaitRollout) error {
	whole := context.WithoutCancel(ctx)
	ctx, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var state Rollout
	var told account
	logs := reader{map[string][]string{}, map[string][]cause.Finding{}}
	err := r.env.Cluster.WatchNextRollout(ctx, a.Namespace, a.Deployment, a.After, func(now k8s.Rollout) {
		r.outcome.rolled = now
		state = logs.explain(now)
		r.progress(a, told.news(state), state)
		if reason, certain := now.Stuck(); (certain || a.Before && reason != "") && !slices.Contains(r.borne, reason) {
			r.borne = append(r.borne, reason)
			stop(&Stuck{Namespace: a.Namespace, Name: a.Deployment, Reason: reason, Do: now.Troubles[0].Hint(), Before: a.Before})
		}
	})
	var stuck *Stuck
	if errors.As(context.Cause(ctx), &stuck) && errors.Is(err, context.Canceled) {
		err = stuck
	}
	if errors.Is(err, k8s.ErrNotRolledOut) {
		findings := slices.Concat(state.Causes...)
		if stuck == nil && len(findings) == 0 {
			findings = r.unready(whole, a.Namespace)
		}
		if len(findings) > 0 {
			err = &explained{err, findings}
		}
	}
	return inWords(err, "stopped by you; the portal goes on rolling out")
}

// logWait bounds the last look at the logs of a roll-out that has failed.
const logWait = 5 * time.Second

// unready is what the logs of new pods say that run and are not ready: once the
// roll-out is undone nobody can look any more.
func (r *run) unready(ctx context.Context, namespace string) (findings []cause.Finding) {
	ctx, cancel := context.WithTimeout(ctx, logWait)
	defer cancel()
	for _, pod := range r.outcome.rolled.Pods {
		if pod.Template != k8s.TemplateNew || pod.Ready || pod.Started.IsZero() || pod.Phase == "Terminating" {
			continue
		}
		if lines, err := r.env.Cluster.Logs(ctx, namespace, pod.Name, logTail); err == nil {
			findings = append(findings, cause.Explain(lines)...)
		}
	}
	return findings
}

// progress tells how far a roll-out has come; text is "" where there is nothing
// new to say in words.
func (r *run) progress(a plan.Action, text string, state Rollout) {
	if r.report != nil {
		r.report(Event{ID: a.ID(), Title: a.Title(), Status: Progress, Text: text, Rollout: &state})
	}
}

// reader explains logs, each once: the same is told with every change of a pod.
type reader struct {
	logs  map[string][]string // by pod
	means map[string][]cause.Finding
}

// explain puts what the logs mean in their place.
func (r *reader) explain(now k8s.Rollout) Rollout {
	now.Troubles = slices.Clone(now.Troubles)
	out := Rollout{Rollout: now, Causes: make([][]cause.Finding, len(now.Troubles))}
	for i, t := range now.Troubles {
		if len(t.Log) == 0 {
			continue
		}
		if !slices.Equal(r.logs[t.Pod], t.Log) {
			r.logs[t.Pod], r.means[t.Pod] = t.Log, cause.Explain(t.Log)
		}
		out.Causes[i], out.Troubles[i].Log = r.means[t.Pod], nil
	}
	return out
}

// account is what of a roll-out was told in words.
type account struct{ counts, troubles string }

// news is what is new in the state, in words: the counts, and below them what is
// in the way, the one to mend first in front; "" when nothing is.
func (a *account) news(state Rollout) string {
	counts := fmt.Sprintf("%d of %d updated, %d available", state.Updated, state.Desired, state.Available)
	var lines []string
	for i, trouble := range state.Troubles {
		if i == 3 {
			break
		}
		lines = append(lines, trouble.Text())
		for _, line := range Explained(state.Causes[i]) {
			lines = append(lines, "  "+line)
		}
		if len(state.Causes[i]) == 0 {
			lines = append(lines, "  "+trouble.Hint())
		}
	}
	troubles := strings.Join(lines, "\n")
	before := *a
	*a = account{counts, troubles}
	switch {
	case troubles != before.troubles && troubles != "":
		return counts + "\n" + troubles
	case counts != before.counts || troubles != before.troubles:
		return counts
	}
	return ""
}
