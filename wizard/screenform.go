package wizard

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/openchoreo/backstage-setup/internal/answers"
)

// form is a step as the screen asks it. Its shape is fixed when it opens: a
// question that stops applying is passed over, one that starts to apply is asked
// when the step opens again, which it does before it is left.
type form struct {
	step  string
	boxes []*box
	at    int  // the box with the focus; -1 when the step asks nothing
	more  bool // every question that applies is asked
	rest  int  // how many questions "more settings" would add
}

// goTo opens a step and remembers where it was come from.
func (m *screen) goTo(id string, want answers.Key) tea.Cmd {
	if from := m.here(); from != id {
		m.trail = slices.DeleteFunc(m.trail, func(s string) bool { return s == id || s == from })
		m.trail = append(m.trail, from)
	}
	return m.open(id, false, want)
}

// open shows a step: the review, or a form with want, or the first question that
// waits for a person, in focus.
func (m *screen) open(id string, more bool, want answers.Key) tea.Cmd {
	m.park()
	m.message, m.copied, m.scroll, m.follow, m.help, m.stepList = "", false, 0, true, nil, nil
	m.asking.leaving = ""
	if id == m.last() {
		m.page = onReview
		return m.openReview()
	}
	m.stopChecks()
	m.page = onForm
	m.form = form{step: id, more: more, at: -1}
	for _, f := range m.fields(id) {
		if !more && !f.Asked {
			m.form.rest++
			continue
		}
		m.form.boxes = append(m.form.boxes, m.boxOf(f))
	}
	first := -1
	for i, b := range m.form.boxes {
		switch {
		case want != "" && b.field.Question.Key == want:
			m.focus(i)
			return nil
		case first < 0 && (m.s.open(b.field) || b.problem != ""):
			first = i
		}
	}
	if len(m.form.boxes) > 0 {
		m.focus(max(first, 0))
	}
	return nil
}

func (m *screen) boxOf(f Field) *box {
	b := newBox(f, m.theme)
	b.problem = f.Problem
	if d, ok := m.drafts[f.Question.Key]; ok {
		b.widget.set(d.text)
		b.problem = d.problem
	}
	return b
}

// park keeps text that is typed and not taken, except secrets, for when the step
// opens again. A choice that was only looked at is not text.
func (m *screen) park() {
	if m.page != onForm {
		return
	}
	for _, b := range m.form.boxes {
		delete(m.drafts, b.field.Question.Key)
		if _, text := b.widget.(*textBox); text && b.touched() && !b.gone {
			m.drafts[b.field.Question.Key] = draft{b.widget.value(), b.problem}
		}
	}
}

// current is the box with the focus, nil when there is none.
func (m *screen) current() *box {
	if m.page != onForm || m.form.at < 0 || m.form.at >= len(m.form.boxes) {
		return nil
	}
	return m.form.boxes[m.form.at]
}

func (m *screen) focus(i int) {
	if b := m.current(); b != nil {
		b.widget.focus(false)
	}
	m.form.at, m.follow = i, true
	m.form.boxes[i].widget.focus(true)
}

// commit hands what a box holds to the session, where it is news; it tells
// whether it was taken. Values that nobody is asked about are left alone, so that
// they go on to follow from what they are derived from.
func (m *screen) commit(b *box) bool {
	key := b.field.Question.Key
	f, applies := m.field(key)
	if !applies {
		b.gone = true
		return true
	}
	text, hidden := b.widget.value(), f.Question.Value.Kind == answers.Hidden
	answered := f.Source.Rank == answers.FromPerson
	if !b.touched() && (!f.Asked || (f.Has && (answered || hidden))) {
		b.problem = f.Problem
		return true
	}
	var err error
	b.notes, err = m.s.Answer(key, text)
	m.reload()
	m.refresh()
	if err != nil {
		b.problem = err.Error()
		return false
	}
	if hidden {
		b.widget.set("")
	}
	b.settle()
	delete(m.drafts, key)
	if f, ok := m.field(key); ok {
		b.refresh(f)
		b.problem = f.Problem
	}
	return true
}

// commitTouched hands over all that was typed in this step. What is not taken
// keeps its text and says what is wrong.
func (m *screen) commitTouched() {
	if m.page != onForm {
		return
	}
	for _, b := range m.form.boxes {
		if b.touched() && !b.gone {
			m.commit(b)
		}
	}
}

// field is a question of the open step as it stands now; false when it does not
// apply any more.
func (m *screen) field(key answers.Key) (Field, bool) {
	for _, f := range m.fields(m.form.step) {
		if f.Question.Key == key {
			return f, true
		}
	}
	return Field{}, false
}

// refresh brings everything on the screen up to the session's present state.
func (m *screen) refresh() {
	m.changed()
	if m.page != onForm {
		return
	}
	fields := map[answers.Key]Field{}
	for _, f := range m.fields(m.form.step) {
		fields[f.Question.Key] = f
	}
	for _, b := range m.form.boxes {
		f, ok := fields[b.field.Question.Key]
		if b.gone = !ok; b.gone {
			continue
		}
		wrong := b.field.Problem
		b.refresh(f)
		if !b.touched() || b.problem == wrong {
			b.problem = f.Problem
		}
	}
}

// next leaves the question with the focus forwards: its answer is taken first.
func (m *screen) next() tea.Cmd {
	m.message = ""
	if b := m.current(); b != nil {
		if !m.commit(b) {
			m.follow = true
			return m.relook()
		}
		for i := m.form.at + 1; i < len(m.form.boxes); i++ {
			if !m.form.boxes[i].gone {
				m.focus(i)
				return m.relook()
			}
		}
	}
	return tea.Batch(m.relook(), m.leaveStep())
}

// leaveStep goes on to the next step that waits for a person, unless something
// here is wrong or missing or has come to be asked.
func (m *screen) leaveStep() tea.Cmd {
	if m.waits() {
		return nil
	}
	for i, b := range m.form.boxes {
		if b.gone {
			continue
		}
		if b.touched() && !m.commit(b) {
			m.focus(i)
			return nil
		}
		f, _ := m.field(b.field.Question.Key)
		if f.Missing && b.problem == "" {
			b.problem = "must be given"
		}
		if f.Missing || f.Problem != "" {
			m.focus(i)
			return nil
		}
	}
	for _, f := range m.fields(m.form.step) {
		asked := slices.ContainsFunc(m.form.boxes, func(b *box) bool { return b.field.Question.Key == f.Question.Key })
		if !asked && m.s.open(f) {
			return m.open(m.form.step, m.form.more, f.Question.Key)
		}
	}
	return m.goTo(m.s.NextStep(m.form.step), "")
}

// previous goes back to the question before, and from the first one to the step
// that was come from. What is typed is not looked at.
func (m *screen) previous() tea.Cmd {
	m.message = ""
	if m.page == onForm {
		for i := m.form.at - 1; i >= 0; i-- {
			if !m.form.boxes[i].gone {
				m.focus(i)
				return nil
			}
		}
	}
	return m.back()
}

// back goes to the step that was come from; from the first one it asks whether
// to leave.
func (m *screen) back() tea.Cmd {
	for len(m.trail) > 0 {
		id := m.trail[len(m.trail)-1]
		m.trail = m.trail[:len(m.trail)-1]
		if m.state(id).Title != "" {
			return m.open(id, false, "")
		}
	}
	if id := m.s.PreviousStep(m.here()); id != "" {
		return m.open(id, false, "")
	}
	return m.askLeave()
}

// jump goes to any step, after taking what can be taken here.
func (m *screen) jump(id string) tea.Cmd {
	m.commitTouched()
	return tea.Batch(m.relook(), m.goTo(id, ""))
}

// toggleMore opens the step again with all of its questions, or back with those
// that are asked.
func (m *screen) toggleMore() tea.Cmd {
	if m.page != onForm || (!m.form.more && m.form.rest == 0) {
		return nil
	}
	m.commitTouched()
	want := answers.Key("")
	if b := m.current(); b != nil {
		want = b.field.Question.Key
	}
	return tea.Batch(m.relook(), m.open(m.form.step, !m.form.more, want))
}
