package wizard

import (
	"context"
	"errors"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/steps"
)

// asking is what the identity provider is asked in the background.
type asking struct {
	run     int // its number; what an earlier one was told is dropped
	query   ProviderQuery
	running bool
	stop    context.CancelFunc
	whom    string // is asked: "the identity provider"
	leaving string // step that waits for the answer to be left; "" is none
}

// startAsk asks the identity provider, unless it was asked the same; an earlier
// request is given up.
func (m *screen) startAsk() tea.Cmd {
	q := m.s.ProviderQuery()
	if q == m.asking.query {
		return nil
	}
	whom := q.whom(m.asking.query)
	m.stopAsk()
	m.asking.query = q
	if q.Empty() {
		return nil
	}
	ctx, cancel := context.WithCancel(m.ctx)
	m.asking = asking{run: m.asking.run + 1, query: q, running: true, stop: cancel, leaving: m.asking.leaving, whom: whom}
	m.version++
	run := m.asking.run
	return m.guarded(func() tea.Msg { return toldMsg{run, m.s.LookProvider(ctx, q)} })
}

func (m *screen) stopAsk() {
	if m.asking.stop != nil {
		m.asking.stop()
	}
	if m.asking.running {
		m.version++
	}
	m.asking.run, m.asking.running, m.asking.stop = m.asking.run+1, false, nil
}

// told takes in what the provider said, unless the operator has moved on. There may
// be more to ask then: a token once the endpoints are known.
func (m *screen) told(msg toldMsg) tea.Cmd {
	if msg.run != m.asking.run {
		return nil
	}
	m.asking.stop()
	m.asking.running = false
	m.s.UseProvider(msg.seen)
	m.refresh()
	if more := m.startAsk(); more != nil {
		return more
	}
	leaving := m.asking.leaving
	m.asking.leaving = ""
	if strings.HasSuffix(m.message, waitText) {
		m.message = ""
	}
	switch {
	case m.page == onReview:
		return m.openReview()
	case leaving != "" && m.page == onForm && m.form.step == leaving && m.menu == nil:
		return m.leaveStep()
	}
	return nil
}

// waits keeps a step open while the provider is asked, since it may have the next
// answers; leaving it once more does not wait.
func (m *screen) waits() bool {
	if !m.asking.running || m.asking.leaving == m.form.step {
		return false
	}
	m.asking.leaving = m.form.step
	m.say(Plain, "Asking %s%s", m.asking.whom, waitText)
	return true
}

const waitText = markMore + " Enter goes on without it."

// busy tells whether something that the review depends on is still being found out.
func (m *screen) busy() bool { return m.look.running || m.asking.running }

// providerLines is what the identity provider said, for the steps that are about it.
func (m *screen) providerLines(step string) []Line {
	if m.asking.running && (step == "identity" || step == "client" || step == "database") {
		return []Line{{Kind: Dim, Text: "Asking " + m.asking.whom + markMore}}
	}
	return slices.DeleteFunc(m.s.ProviderLines(), func(l Line) bool { return l.Step != step })
}

// skippable is the failed check of the identity provider that stands in the way;
// "" when there is none.
func (m *screen) skippable() string {
	if id := m.verdict().failed; steps.MaySkip(id) {
		return id
	}
	return ""
}

// askSkip asks why a check is left out: the reason is recorded in the result.
func (m *screen) askSkip(id string) tea.Cmd {
	var about lines
	for _, r := range m.checks.results {
		if r.ID == id {
			about.add(Bad, "", "%s %s", markWrong, r.Found)
		}
	}
	about.add(Dim, "", "The check is not made in this run, and the reason stands in its result, as with --skip %s=REASON. An example: only the cluster can reach the provider", id)
	return m.askText("Why is check "+id+" left out?", about, newTextBox(Field{}, m.theme), func(reason string) (tea.Cmd, error) {
		if strings.TrimSpace(reason) == "" {
			return nil, errors.New("must be a reason, in a few words")
		}
		if err := m.s.Skip(id, reason); err != nil {
			return nil, err
		}
		return m.reviewedAnew(), nil
	})
}

// askToken asks for an access token, which is judged in place of asking for one.
func (m *screen) askToken() tea.Cmd {
	paste := func(of TokenOf, whose, about string) func() tea.Cmd {
		return func() tea.Cmd {
			var l lines
			l.add(Plain, "", "%s", about)
			l.add(Dim, "", "It is kept in memory for this run, shown nowhere and sent nowhere. Empty takes one back.")
			return m.askText("Paste "+whose+" access token", l, newSecretBox(Field{}), func(text string) (tea.Cmd, error) {
				if err := m.s.PasteToken(of, text); err != nil {
					return nil, err
				}
				return m.reviewedAnew(), nil
			})
		}
	}
	return m.ask(menu{
		title: "Judge an access token by the API's rules",
		choices: []choice{
			{"A person's: shows whether it carries groups, email and names", paste(UserToken, "a person's", "Sign in to an application of this provider and take its access token, not the ID token.")},
			{"The service client's, in place of asking for one", paste(ServiceToken, "the service client's", "For a provider that only the cluster can reach: request a token there with client_credentials.")},
			{"Back to the review", func() tea.Cmd { return nil }},
		},
	})
}

// askProbe asks whether requests may be made that fail on purpose.
func (m *screen) askProbe() tea.Cmd {
	var about lines
	about.add(Plain, "", "Two requests to compare with: one with a wrong secret, one with a redirect address that is not registered. Only they show whether the provider looks at either.")
	about.add(Caution, "", "Both leave a failed attempt of this client in the provider's log.")
	return m.ask(menu{title: "Make requests that fail on purpose?", about: about, choices: []choice{
		{"No, back to the review", func() tea.Cmd { return nil }},
		{"Yes, ask", func() tea.Cmd { m.s.Probe(true); return m.reviewedAnew() }},
	}})
}

// unproven tells whether requests that fail on purpose would show more.
func (m *screen) unproven() bool {
	return !m.s.Input().Current.Probe && slices.ContainsFunc(m.checks.results, func(r check.Result) bool {
		return r.Code == "signin.unproven" || r.Code == "redirect.login"
	})
}

// tokenHelps tells whether a pasted token would show more.
func (m *screen) tokenHelps() bool {
	return slices.ContainsFunc(m.checks.results, func(r check.Result) bool {
		return r.ID == "identity.claims" && r.Status == check.Inconclusive || r.ID == "identity.service-token" && r.Status == check.Fail
	})
}

// reviewedAnew makes plan and checks again after a choice about the checks.
func (m *screen) reviewedAnew() tea.Cmd {
	m.changed()
	return tea.Batch(m.startAsk(), m.openReview())
}
