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
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
)

// ErrUnproven is a credential that the portal does not work with.
var ErrUnproven = errors.New("the portal does not work with it")

var errNobody = errors.New("there is nobody to ask")

// unproven is one that is known by the pods' logs or by the server behind it.
type unproven struct{ what, do string }

func (e *unproven) Error() string { return ErrUnproven.Error() + ": " + e.what }

// Hint says what mends it.
func (e *unproven) Hint() string { return e.do }

// Unwrap returns ErrUnproven.
func (e *unproven) Unwrap() error { return ErrUnproven }

// straggler is a portal that complains once the old value is rejected.
type straggler struct{ text, do string }

func (e *straggler) Error() string { return e.text }

// Hint says what mends it.
func (e *straggler) Hint() string { return e.do }

// How often a server is asked whether it takes a value: soon at first, since
// somebody waits, and then more seldom, since some lock a client out.
const (
	askSoon   = 500 * time.Millisecond
	askSeldom = 5 * time.Second
	reasks    = 3 // of a server that rejects what it took before, or cannot be asked
	logTail   = 200
)

// prove looks whether the portal works with a value. The pods' logs are read again at
// the end: what they say of it comes with the first token that they ask for.
func (r *run) prove(ctx context.Context, a plan.Prove) (Status, error) {
	findings, silent := r.complaints(ctx, a.Namespace, a.Findings)
	if len(findings) > 0 {
		return Failed, complained(findings)
	}
	if silent != "" {
		r.progressText(a, "the pods' logs cannot be read: "+silent)
	}
	if !a.Asked || r.env.Ask == nil || a.Value.IsZero() {
		return Done, nil
	}
	answer, err := r.settledAnswer(ctx, a.Value)
	switch {
	case err != nil:
		return Failed, err
	case answer.Rejected:
		do := ""
		if a.Again {
			do = "put the old value back at " + a.Server + " too, or run the same again with one that it takes"
		}
		return Failed, &unproven{a.Server + " rejects it: " + answer.Text, do}
	case !answer.Accepted:
		r.progressText(a, a.Server+" could not be asked again: "+answer.Text)
	}
	if findings, _ := r.complaints(ctx, a.Namespace, a.Findings); len(findings) > 0 {
		return Failed, complained(findings)
	}
	return Done, nil
}

func complained(findings []cause.Finding) error {
	return &unproven{strings.Join(Explained(findings), "\n"), findings[0].Fix}
}

// settledAnswer asks until the value is taken, a few times at most.
func (r *run) settledAnswer(ctx context.Context, value secret.Text) (answer plan.Answer, err error) {
	for attempt := range reasks {
		if attempt > 0 {
			if err := pause(ctx, askSoon); err != nil {
				return answer, inWords(err, "stopped by you")
			}
		}
		if answer = r.env.Ask(ctx, value); answer.Accepted {
			return answer, nil
		}
	}
	return answer, ctx.Err()
}

// complaints is what the new pods' logs say about the credential; silent is why
// they are not known.
func (r *run) complaints(ctx context.Context, namespace string, ids []string) (findings []cause.Finding, silent string) {
	if len(ids) == 0 {
		return nil, ""
	}
	ctx, cancel := context.WithTimeout(ctx, logWait)
	defer cancel()
	return r.logged(ctx, namespace, func(id string) bool { return slices.Contains(ids, id) })
}

// logged is what the new pods' logs say of what is wanted; silent is why they are
// not known.
func (r *run) logged(ctx context.Context, namespace string, wanted func(id string) bool) (findings []cause.Finding, silent string) {
	for _, pod := range r.outcome.rolled.Pods {
		if pod.Template == k8s.TemplateOld || pod.Phase == "Terminating" {
			continue
		}
		lines, err := r.env.Cluster.Logs(ctx, namespace, pod.Name, logTail)
		if err != nil {
			silent = err.Error()
			continue
		}
		for _, f := range cause.Explain(lines) {
			if wanted(f.ID) {
				findings = append(findings, f)
			}
		}
	}
	return findings, silent
}

func (r *run) progressText(a plan.Action, text string) {
	if r.report != nil {
		r.report(Event{ID: a.ID(), Title: a.Title(), Status: Progress, Text: text})
	}
}

// accepted waits until the server takes the new value, and notes when it did not
// yet: from then on the portal may be without a secret that counts.
func (r *run) accepted(ctx context.Context, a plan.AwaitAccepted) error {
	if r.env.Ask == nil {
		return errNobody
	}
	ctx, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	told := ""
	for every := askSoon; ; every = min(2*every, askSeldom) {
		asked := r.env.Now()
		answer := r.env.Ask(ctx, a.Value)
		switch {
		case answer.Accepted:
			return nil
		case ctx.Err() != nil:
		case answer.Refusal:
			return fmt.Errorf("%s: %s", a.Server, answer.Text)
		default:
			r.dark = asked
			if told == "" {
				r.progressText(a, "change it there now: this goes on as soon as "+a.Server+" takes the new value")
			}
			if answer.Text != told && !answer.Rejected {
				r.progressText(a, answer.Text)
			}
			told = answer.Text
		}
		if err := pause(ctx, every); err != nil {
			if errors.Is(err, context.DeadlineExceeded) {
				return fmt.Errorf("%s did not take the new value within %s", a.Server, a.Timeout)
			}
			return inWords(err, "stopped by you before anything was changed; if the value was changed at "+a.Server+" already, run the same command again")
		}
	}
}

// rejected waits until the server takes the old value no longer. Meanwhile the pods
// have asked for tokens, and their logs tell.
func (r *run) rejected(ctx context.Context, a plan.AwaitRejected) error {
	if r.env.Ask == nil {
		return errNobody
	}
	ctx, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	r.progressText(a, "delete the old one there now: this ends when "+a.Server+" rejects it")
	for every := askSoon; ; every = min(2*every, askSeldom) {
		answer := r.env.Ask(ctx, a.Value)
		if answer.Rejected {
			if findings, _ := r.complaints(ctx, a.Namespace, a.Findings); len(findings) > 0 {
				return &straggler{a.Server + " rejects the old value now, and the pods complain:\n" + strings.Join(Explained(findings), "\n"), findings[0].Fix}
			}
			return nil
		}
		if err := pause(ctx, every); err != nil {
			if errors.Is(err, context.DeadlineExceeded) {
				return fmt.Errorf("%s still takes the old value after %s", a.Server, a.Timeout)
			}
			return inWords(err, "stopped by you; the portal runs with the new value")
		}
	}
}

// stillRuns is what became of a rotation that is done where the old value is not
// rejected.
func stillRuns(a plan.Action, err error) *Error {
	return &Error{Action: a.Title(), Err: fmt.Errorf("the portal runs with the new value, but %w", err)}
}
