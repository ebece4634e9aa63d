package wizard

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/apply"
	"github.com/openchoreo/backstage-setup/internal/check"
)

// grace is how long a screen that can be agreed to takes no keys: those typed
// ahead were meant for the screen before. A burst of them may outlast it on a busy
// machine, so it also waits for a lull behind each that it drops. People press
// again more slowly than that.
const grace, lull = 300 * time.Millisecond, 50 * time.Millisecond

// page is what the main pane shows.
type page int

const (
	onForm page = iota
	onReview
	onApply
	onHome
)

// screen is the full-screen driver's model: the only one. Everything below it is
// a plain struct; keys move the focus before the next key is looked at.
type screen struct {
	ctx   context.Context
	s     *Session
	t     Terminal
	theme *look
	send  func(tea.Msg) // from the background to Update
	after func(time.Duration, tea.Msg) tea.Cmd
	now   func() time.Time // for the age of pods

	width, height int
	page          page
	form          form
	review        reviewPage
	progress      progressPage
	home          homePage
	menu          *menu
	help          *helpPage
	stepList      *stepList
	trail         []string // steps to go back to
	drafts        map[answers.Key]draft

	steps   []StepState
	version int // counts what can change the look of sidebar, header and lists
	look    looking
	asking  asking
	checks  checking

	serial  int  // of the latest hold
	holding bool // keys that agree are not taken yet: because of the grace, of a burst, or both
	young   bool // the grace is not over
	burst   bool // a key was just dropped
	dropped int  // how many

	copied      bool // the callback was asked for and is shown
	message     string
	messageKind LineKind

	scroll int  // first line of the main pane that is shown
	follow bool // the focus is kept in view
	frame  frame

	offered bool // what becomes of an earlier run that did not end was asked
	failed  *End // the last run of the plan, if it failed
	settled *End // a rotation that is done, and after which only the old value is waited for

	end   End
	done  bool   // the run has ended by what the operator did, or has to end
	saved string // where the answers were saved
	fault error  // why the run ends without being asked to
}

// draft is text that was typed and not taken as an answer.
type draft struct{ text, problem string }

// The messages from the background.
type (
	readyMsg     struct{ serial int }  // a screen may be agreed to
	lullMsg      struct{ dropped int } // no key came behind one that was dropped
	endMsg       struct{ cause error }
	faultMsg     struct{ err error }
	impatientMsg struct{} // what was to be undone has taken too long
	seenMsg      struct {
		run  int
		seen Seen
	}
	toldMsg struct {
		run  int
		seen SeenProvider
	}
	checkMsg struct {
		run    int
		result check.Result
	}
	checkedMsg struct {
		run     int
		results []check.Result
	}
	eventMsg  struct{ event apply.Event }
	decideMsg struct {
		failure apply.Failure
		answer  chan<- apply.Decision
	}
	revokedMsg struct{ end End }

	appliedMsg struct {
		outcome apply.Outcome
		err     error
	}
	tickMsg struct{}
)

// Fault is a mistake of the program's own that ended the screen.
type Fault struct {
	What  string // secrets are taken out
	Stack string
}

// Error tells what happened, for the operator.
func (f *Fault) Error() string { return "the screen broke down: " + f.What }

func newScreen(ctx context.Context, s *Session, t Terminal) *screen {
	m := &screen{ctx: ctx, s: s, t: t, theme: newLook(), send: func(tea.Msg) {}, after: after, now: time.Now, drafts: map[answers.Key]draft{}, follow: true}
	m.changed()
	return m
}

// Init opens the first screen and starts to look at the cluster. Nothing that
// the terminal is asked is waited for.
func (m *screen) Init() tea.Cmd {
	return tea.Batch(tea.RequestBackgroundColor, m.begin())
}

// begin opens the first step, or the review when nothing is left to ask.
func (m *screen) begin() tea.Cmd {
	look := m.startLook()
	if m.s.atHome() {
		return tea.Batch(look, m.openHome())
	}
	first := m.steps[0].ID
	if m.s.start.Step == "" && m.s.settled(m.steps) {
		first = m.last()
	}
	return tea.Batch(look, m.open(first, false, ""))
}

// leadOn goes on to where the run was led to, once it is known what there is: until
// then it is not known what is asked. It is nil where the operator has moved on.
func (m *screen) leadOn() tea.Cmd {
	start := m.s.start
	m.s.start = Start{}
	switch {
	case start.Step == "" || m.page != onForm || m.form.step != m.steps[0].ID || len(m.trail) > 0:
		return nil
	case start.Key != "" && !m.s.asks(start.Key), m.state(start.Step).Title == "":
		return m.jump(m.last())
	}
	return m.change(start.Step, start.Key)
}

// settled tells whether nothing waits for a person.
func (s *Session) settled(states []StepState) bool {
	for _, state := range states {
		if state.Open > 0 || state.Wrong > 0 {
			return false
		}
	}
	return len(s.Problems()) == 0
}

// Update takes one message. A panic ends the run with the terminal restored.
func (m *screen) Update(msg tea.Msg) (_ tea.Model, cmd tea.Cmd) {
	defer func() {
		if v := recover(); v != nil {
			m.fail(m.broken(v))
			cmd = tea.Quit
		}
	}()
	cmd = m.update(msg)
	if question := m.offerUndo(); question != nil {
		cmd = tea.Batch(cmd, question)
	}
	if m.done {
		return m, tea.Quit
	}
	m.draw()
	return m, cmd
}

func (m *screen) update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height, m.follow = msg.Width, msg.Height, true
	case tea.BackgroundColorMsg:
		m.theme.dark = msg.IsDark()
		m.version++
	case tea.KeyPressMsg:
		return m.press(msg)
	case tea.PasteMsg:
		m.paste(msg.Content)
	case readyMsg:
		if msg.serial == m.serial {
			m.young, m.holding = false, m.burst
		}
	case lullMsg:
		if msg.dropped == m.dropped {
			m.burst, m.holding = false, m.young
		}
	case endMsg:
		return m.stop(msg.cause)
	case impatientMsg:
		m.done = true
		m.end = End{Review: m.review.plan, Outcome: m.progress.outcome(), Err: errUnknown}
	case faultMsg:
		m.fail(msg.err)
	case seenMsg:
		return m.saw(msg)
	case toldMsg:
		return m.told(msg)
	case checkMsg:
		m.checked(msg)
	case checkedMsg:
		m.checkedAll(msg)
	case eventMsg:
		m.progress.take(msg.event)
	case tickMsg:
		if m.page == onApply && m.failed == nil {
			m.progress.elapsed += time.Second
			return m.tick()
		}
	case decideMsg:
		return m.askDecision(msg)
	case revokedMsg:
		m.progress.cancel()
		m.fault = nil
		m.end, m.done = msg.end, true
		return nil
	case appliedMsg:
		return m.applied(msg)
	}
	return nil
}

// broken is a panic as an error, without secrets.
func (m *screen) broken(v any) error {
	return &Fault{What: m.s.scrub.Scrub(fmt.Sprint(v)), Stack: m.s.scrub.Scrub(string(debug.Stack()))}
}

// guarded is work in the background whose panics end the run like any other.
func (m *screen) guarded(work func() tea.Msg) tea.Cmd {
	return func() (msg tea.Msg) {
		defer func() {
			if v := recover(); v != nil {
				msg = faultMsg{m.broken(v)}
			}
		}()
		return work()
	}
}

// fail ends the run; what was answered is kept.
func (m *screen) fail(err error) {
	m.fault, m.done = err, true
	m.end = End{Review: m.review.plan}
	m.save()
}

// stop ends the run because of a signal or the end of its time: at once, or,
// while changes are made, once they are undone.
func (m *screen) stop(cause error) tea.Cmd {
	m.save()
	if m.failed != nil {
		m.end, m.done = m.left(), true
		return nil
	}
	if m.settled != nil { // what is left is only a wait
		m.end, m.done = *m.settled, true
		return nil
	}
	if m.page != onApply {
		m.fault, m.done = cause, true
		m.end = End{Left: cause == nil, Review: m.review.plan}
		return nil
	}
	if m.progress.ending {
		return nil // Bubble Tea and we are told of the same signal
	}
	m.fault, m.progress.ending = cause, true
	if !m.progress.cancelled {
		m.progress.stop()
	}
	return m.after(patience, impatientMsg{})
}

// leave ends the run because the operator wants it.
func (m *screen) leave(save bool) {
	if save {
		m.commitTouched()
		if !m.save() {
			return
		}
	}
	m.end, m.done = m.left(), true
}

// left is how a run ends that the operator leaves. Once changes were tried, what
// became of them is the outcome.
func (m *screen) left() End {
	if m.failed != nil {
		return *m.failed
	}
	return End{Left: true, Review: m.review.plan}
}

// save keeps the answers given so far and tells whether that went well.
func (m *screen) save() bool {
	if m.t.SaveDraft == nil {
		return true
	}
	path, err := m.t.SaveDraft(m.s)
	if err != nil {
		m.say(Bad, "The answers could not be saved: %v", err)
		return false
	}
	m.saved = path
	return true
}

func (m *screen) say(kind LineKind, format string, args ...any) {
	m.message, m.messageKind = strings.ReplaceAll(visible(fmt.Sprintf(format, args...)), "\n", " "), kind
}

// hold keeps keys that agree from being taken until the grace is over.
func (m *screen) hold() tea.Cmd {
	m.serial++
	m.holding, m.young = true, true
	return m.after(grace, readyMsg{m.serial})
}

// drop does not take a key, and makes the next wait for a lull.
func (m *screen) drop() tea.Cmd {
	m.dropped++
	m.burst = true
	return m.after(lull, lullMsg{m.dropped})
}

func after(d time.Duration, msg tea.Msg) tea.Cmd {
	return tea.Tick(d, func(time.Time) tea.Msg { return msg })
}

// changed takes note that the session is not what it was.
func (m *screen) changed() {
	m.steps = m.s.Steps()
	if m.chartUnknown() {
		m.steps[0].Wrong++
	}
	m.version++
	m.checks.fresh = false
}

// last is the review.
func (m *screen) last() string { return m.steps[len(m.steps)-1].ID }

// here is the step that the screen is on.
func (m *screen) here() string {
	if m.page == onForm {
		return m.form.step
	}
	return m.last()
}

// state is how a step stands.
func (m *screen) state(id string) StepState {
	for _, state := range m.steps {
		if state.ID == id {
			return state
		}
	}
	return StepState{ID: id}
}

// View is the frame that Update has drawn.
func (m *screen) View() tea.View {
	v := tea.NewView(m.frame.content)
	v.AltScreen = true
	v.WindowTitle = "backstage-setup"
	v.Cursor = m.frame.cursor
	return v
}
