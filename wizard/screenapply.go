package wizard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/openchoreo/backstage-setup/internal/apply"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

// patience is how long a run that is told to end by a signal waits for what it
// is doing to be undone. Putting a release back and restarting the portal take
// their time.
const patience = 2 * time.Minute

// errUnknown is the outcome of a run that was left in the middle.
var errUnknown = errors.New("left while changes were being made: what was done last is not known\nrun the same command again to finish it, or `backstage-setup undo` to put everything back")

// progressPage shows the changes as they are made.
type progressPage struct {
	actions   []apply.Event // in order; Status "" has not begun
	cancel    context.CancelFunc
	cancelled bool
	ending    bool // a signal or the end of the run's time has cancelled it
	revoking  bool // all is done, and the server is to reject the old value
	undoing   bool // what was done is taken back, beyond the plan
	hurry     func()
	hurried   bool // nobody waits for what is back to come up
	elapsed   time.Duration
}

// apply makes the changes, in the background.
func (m *screen) apply() tea.Cmd {
	ctx, cancel := context.WithCancel(m.ctx)
	m.page, m.scroll, m.message, m.failed = onApply, 0, "", nil
	hurry := make(chan struct{})
	m.s.Hurry(hurry)
	m.progress = progressPage{cancel: cancel, hurry: sync.OnceFunc(func() { close(hurry) })}
	for _, a := range m.review.plan.Plan.Actions {
		m.progress.actions = append(m.progress.actions, apply.Event{ID: a.ID(), Title: a.Title()})
	}
	review, send := m.review.plan, m.send
	return tea.Batch(m.tick(), m.guarded(func() tea.Msg {
		outcome, err := m.s.Apply(ctx, review, func(e apply.Event) { send(eventMsg{e}) }, m.decider(send))
		return appliedMsg{outcome, err}
	}))
}

// decider asks the person what becomes of a roll-out that fails or was stopped.
// The changes are made in the background: it waits there for the answer.
func (m *screen) decider(send func(tea.Msg)) func(apply.Failure) apply.Decision {
	return func(f apply.Failure) apply.Decision {
		answer := make(chan apply.Decision, 1)
		send(decideMsg{f, answer})
		select {
		case d := <-answer:
			return d
		case <-m.ctx.Done():
			return apply.Decision{Do: apply.Undo}
		}
	}
}

// askDecision is the question of a wait or a proof that fails or was stopped.
func (m *screen) askDecision(msg decideMsg) tea.Cmd {
	if m.progress.ending {
		msg.answer <- m.s.policy()
		return nil
	}
	answer := func(d apply.Decision) func() tea.Cmd {
		return func() tea.Cmd { msg.answer <- d; return nil }
	}
	q := menu{title: failureTitle(msg.failure), must: true, interrupt: answer(apply.Decision{Do: apply.Leave})}
	var about lines
	about.add(Caution, "", "%s", m.s.scrub.Scrub(msg.failure.Err.Error()))
	if hint := msg.failure.Hint(); hint != "" {
		about.add(Dim, "", "%s", m.s.scrub.Scrub(hint))
	}
	q.about = about
	q.choices = []choice{
		{waitOn(msg.failure), func() tea.Cmd {
			ctx, cancel := context.WithCancel(m.ctx)
			m.progress.cancel, m.progress.cancelled = cancel, false
			msg.answer <- apply.Decision{Do: apply.WaitOn, Ctx: ctx}
			return nil
		}},
		{"Undo: put everything back as it was", answer(apply.Decision{Do: apply.Undo})},
		{"Leave it as it is", answer(apply.Decision{Do: apply.Leave})},
	}
	if m.s.undoing() {
		q.choices = slices.Delete(q.choices, 1, 2) // there is nothing before what was before
	}
	return m.ask(q)
}

// failureTitle says in a sentence why a person is asked about a roll-out.
func failureTitle(f apply.Failure) string {
	var stuck *apply.Stuck
	_, sync := f.Action.(plan.AwaitSync)
	_, prove := f.Action.(plan.Prove)
	_, confirm := f.Action.(plan.ConfirmDatabase)
	switch {
	case prove && !errors.Is(f.Err, context.Canceled):
		return "The portal does not work with the new value."
	case confirm && !errors.Is(f.Err, context.Canceled):
		return "The portal does not run with the database as it should."
	case sync && errors.Is(f.Err, context.Canceled):
		return "Stopped waiting for External Secrets."
	case sync:
		return "External Secrets has not brought the Secret up to date."
	case errors.Is(f.Err, context.Canceled):
		return "Stopped waiting for the portal."
	case errors.As(f.Err, &stuck):
		return "The portal will not come up: waiting does not help."
	}
	return "The portal did not come up in time."
}

// waitOn says what it is to do the action once more.
func waitOn(f apply.Failure) string {
	switch f.Action.(type) {
	case plan.Prove, plan.ConfirmDatabase:
		return "Look again"
	}
	return "Wait on"
}

func (m *screen) tick() tea.Cmd { return m.after(time.Second, tickMsg{}) }

// take notes what happened to an action.
func (p *progressPage) take(e apply.Event) {
	for i, a := range p.actions {
		if a.ID != e.ID {
			continue
		}
		if e.Status == apply.Progress {
			e.Status = apply.Running
			if e.Text == "" {
				e.Text = a.Text // nothing new in words
			}
		}
		p.actions[i] = e
		return
	}
	p.undoing = p.undoing || strings.HasPrefix(e.ID, "undo.")
	p.actions = append(p.actions, e) // what undoing does is in no plan
}

func (p *progressPage) stop() {
	p.cancelled = true
	p.cancel()
}

func (m *screen) pressApply(key string) tea.Cmd {
	switch {
	case key == "ctrl+c" && m.settled != nil && m.progress.cancelled:
		m.end, m.done = *m.settled, true
	case key == "ctrl+c" && m.progress.undoing && !m.progress.hurried:
		m.progress.hurried = true
		m.progress.hurry()
	case key == "ctrl+c" && (m.progress.cancelled || m.progress.hurried):
		m.end, m.done = End{Review: m.review.plan, Outcome: m.progress.outcome(), Err: errUnknown}, true
	case key == "ctrl+c":
		m.progress.stop()
	case key == "pgup" || key == "pgdown":
		m.scrollPage(key)
	}
	return nil
}

// waiting tells whether a roll-out is waited for now.
func (p *progressPage) waiting() bool {
	return slices.ContainsFunc(p.actions, func(a apply.Event) bool { return a.Status == apply.Running && a.Rollout != nil })
}

// outcome is what is known of a run that was not waited for.
func (p *progressPage) outcome() apply.Outcome {
	var o apply.Outcome
	for _, a := range p.actions {
		if a.Status != "" {
			o.Actions = append(o.Actions, a)
		}
	}
	return o
}

// applied ends the run: what is left to say goes into the scrollback. Where it
// failed, and the operator is there to say so, it may go on.
func (m *screen) applied(msg appliedMsg) tea.Cmd {
	m.progress.cancel()
	m.fault = nil
	end := End{Review: m.review.plan, Outcome: msg.outcome, Applied: msg.err == nil, Err: msg.err}
	if end.revocable() && !m.progress.ending {
		return m.askRevocation(end)
	}
	if msg.err == nil || m.progress.ending {
		m.end, m.done = end, true
		return nil
	}
	m.failed = &end
	return m.askFailed()
}

// askRevocation asks, once a rotation is done, whether to wait until the server rejects
// the old value.
func (m *screen) askRevocation(end End) tea.Cmd {
	m.settled = &end
	leave := func() tea.Cmd {
		m.end, m.done = end, true
		return nil
	}
	q := menu{must: true, interrupt: leave}
	q.title, q.about = end.revocation()
	q.choices = []choice{
		{"No, end here", leave},
		{"Wait for it", func() tea.Cmd { return m.awaitRevocation(end) }},
	}
	return m.ask(q)
}

// awaitRevocation waits for it in the background; Ctrl+C ends that.
func (m *screen) awaitRevocation(end End) tea.Cmd {
	ctx, cancel := context.WithCancel(m.ctx)
	m.progress = progressPage{cancel: cancel, revoking: true}
	send := m.send
	return m.guarded(func() tea.Msg {
		outcome, err := m.s.Revoked(ctx, end.Review, end.Outcome, func(e apply.Event) { send(eventMsg{e}) })
		return revokedMsg{end.revoked(outcome, err)}
	})
}

// askFailed says what went wrong and asks how to go on.
func (m *screen) askFailed() tea.Cmd {
	var failure *apply.Error
	changed := errors.As(m.failed.Err, &failure) && failure.Changed
	q := menu{title: "It could not be applied.", must: true}
	switch {
	case changed:
		q.title = "Something changed underneath, and nothing of it was overwritten."
	case errors.Is(m.failed.Err, context.Canceled):
		q.title = "Stopped."
	}
	var about lines
	for _, a := range m.failed.Outcome.Actions {
		if a.Status != apply.Failed {
			about.add(Plain, "", "%s %s (%s)", markSettled, a.Title, a.Status)
		}
	}
	about.add(Bad, "", "%s %s", markWrong, m.s.scrub.Scrub(m.failed.Err.Error()))
	q.about = about
	again := choice{"Look again and review anew", m.reviewAnew}
	if changed {
		q.choices = append(q.choices, again)
	}
	if m.t.SaveDraft != nil {
		q.choices = append(q.choices, choice{"Save the answers, without secrets, and leave", m.saveAndLeave})
	}
	q.choices = append(q.choices, choice{"Leave", func() tea.Cmd { m.leave(false); return nil }})
	if !changed {
		q.choices = append(q.choices, again)
	}
	return m.ask(q)
}

func (m *screen) saveAndLeave() tea.Cmd {
	if m.leave(true); m.done {
		return nil
	}
	return m.askFailed()
}

// reviewAnew looks at what is there now; all that was answered still counts.
func (m *screen) reviewAnew() tea.Cmd {
	m.checks.fresh = false
	return tea.Batch(m.startLook(), m.open(m.last(), false, ""))
}

// advice is what Ctrl+C does now; "" where that goes without saying.
func (p *progressPage) advice(t *tokens) (style lipgloss.Style, text string) {
	switch {
	case p.revoking && p.cancelled:
		return t.caution, "Leaving: the portal runs with the new value."
	case p.revoking:
		return t.dim, "Delete the old value there now. Ctrl+C ends the wait; the portal runs with the new value."
	case p.hurried:
		return t.caution, "Leaving. Ctrl+C again leaves at once."
	case p.undoing && p.waiting():
		return t.dim, "Everything is back, and the portal starts with it. Ctrl+C leaves without waiting for that."
	case p.waiting() && !p.cancelled:
		return t.dim, "Ctrl+C stops waiting and asks: wait on, undo or leave."
	case p.cancelled && !p.waiting():
		return t.caution, "Stopping: what was written is undone as far as it can be. Ctrl+C again leaves without waiting."
	}
	return t.dim, ""
}

// lines draws the page.
func (p *progressPage) lines(t *tokens, width int, now time.Time) (lines []string, at int) {
	lines = append(lines, t.here.Render("Applying"), "")
	for _, a := range p.actions {
		mark, style, word := " ", t.dim, ""
		switch a.Status {
		case apply.Running:
			mark, style, word, at = markMore, t.strong, "running", len(lines)
		case apply.Done, apply.Unchanged:
			mark, style, word = markSettled, t.good, string(a.Status)
		case apply.Failed:
			mark, style, word, at = markWrong, t.bad, "failed", len(lines)
		case apply.Undone:
			mark, style, word = markSettled, t.caution, "undone"
		}
		if word != "" {
			word = " (" + word + ")"
		}
		for i, line := range folded(visible(a.Title)+word, width-2, 0) {
			if i > 0 {
				mark = " "
			}
			lines = append(lines, style.Render(mark+" "+line))
		}
		if a.Rollout != nil {
			lines = append(lines, rolloutLines(t, a.Rollout, width-4, now)...)
		} else if a.Text != "" {
			for _, line := range folded(a.Text, width-4, 0) {
				lines = append(lines, t.dim.Render("    "+line))
			}
		}
	}
	lines = append(lines, "", t.dim.Render(fmt.Sprintf("%d s", int(p.elapsed.Seconds()))))
	style, text := p.advice(t)
	if text == "" {
		return lines, at
	}
	for _, line := range folded(text, width, 0) {
		lines = append(lines, style.Render(line))
	}
	return lines, at
}
