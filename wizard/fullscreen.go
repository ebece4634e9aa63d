package wizard

import (
	"context"
	"errors"
	"fmt"
	"io"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/openchoreo/backstage-setup/internal/plan"
)

// FullScreen asks, reviews and applies on the whole screen. What is to stay in
// the scrollback is written to t.Out when the screen is restored. An error is
// about the screen itself, a *Fault for instance, or ctx's end; that applying
// failed is in End.Err. Whatever happens, what was answered is kept by
// t.SaveDraft if the operator did not end the run.
func FullScreen(ctx context.Context, s *Session, t Terminal) (End, error) {
	if s.undoing() {
		t.SaveDraft = nil // it asks nothing that is worth it
	}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	m := newScreen(inner, s, t)
	options := []tea.ProgramOption{
		tea.WithInput(t.In), tea.WithOutput(t.Out), tea.WithEnvironment(t.Environ), tea.WithFPS(120),
		tea.WithFilter(func(_ tea.Model, msg tea.Msg) tea.Msg {
			switch msg.(type) {
			case tea.QuitMsg, tea.InterruptMsg: // a signal, unless the run has ended
				if !m.done {
					return endMsg{}
				}
			}
			return msg
		}),
	}
	if t.NoColor {
		options = append(options, tea.WithColorProfile(colorprofile.ASCII))
	}
	p := tea.NewProgram(m, options...)
	m.send = p.Send
	go func() {
		select {
		case <-t.Signals:
			p.Send(endMsg{})
		case <-ctx.Done():
			p.Send(endMsg{ctx.Err()})
		case <-inner.Done():
		}
	}()
	_, err := p.Run()
	if !m.done {
		// Bubble Tea has given up, on a terminal that is gone for instance: it was
		// nobody's yes.
		m.save()
		m.end = End{Left: err == nil || errors.Is(err, tea.ErrInterrupted)}
		m.fault = err
		switch {
		case m.failed != nil:
			m.end, m.fault = m.left(), nil
		case m.settled != nil:
			m.end, m.fault = *m.settled, nil
		case m.page == onApply:
			m.progress.stop()
			m.end.Outcome, m.end.Err, m.fault = m.progress.outcome(), errUnknown, nil
		}
	}
	if m.fault == nil {
		err = m.farewell(t)
	} else {
		err = m.fault
	}
	return m.end, err
}

// farewell writes what stays in the scrollback.
func (m *screen) farewell(t Terminal) error {
	out := colorprofile.NewWriter(t.Out, t.Environ)
	if t.NoColor {
		out.Profile = colorprofile.ASCII
	}
	list := m.end.Summary()
	if m.saved != "" {
		list = append(list, Line{Text: fmt.Sprintf("The answers so far, without secrets: %s", m.saved)},
			Line{Kind: Command, Text: fmt.Sprintf("backstage-setup %s %s--answers %s", m.s.began, m.s.Input().Reach(), plan.Quote(m.saved))})
	}
	styles := m.theme.now()
	for _, line := range list {
		text := visible(line.Text)
		if text != "" {
			text = styles.line(line.Kind).Render(text)
		}
		if _, err := io.WriteString(out, text+"\n"); err != nil {
			return err
		}
	}
	return nil
}
