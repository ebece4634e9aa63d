package wizard

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/openchoreo/backstage-setup/internal/answers"
)

// Lines runs s as plain text that only ever grows, for screen readers, dumb
// terminals and pipes: no cursor movement, no colours, nothing that moves. It
// asks the same steps as the full screen.
//
// Leaving is no error: End.Left is set then. It is what an end of input, a signal
// and an ended ctx lead to; none of them ever applies anything. The error is
// about files that cannot be read, and about t.Out.
func Lines(ctx context.Context, s *Session, t Terminal) (End, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-t.Signals:
			cancel()
		case <-ctx.Done():
		}
	}()
	if s.undoing() {
		t.SaveDraft = nil // it asks nothing that is worth it
	}
	scrubbed := s.scrub.Writer(t.Out)
	d := &lineDriver{
		questions: make(chan asked),
		ctx:       ctx, s: s, saveDraft: t.SaveDraft,
		in:  newLineInput(t.In),
		out: &lineText{w: scrubbed, width: columns(t)},
	}
	defer d.fault()
	end, err := d.run()
	return end, errors.Join(err, d.out.err, scrubbed.Close())
}

// lineDriver is one run of Lines.
type lineDriver struct {
	ctx       context.Context
	s         *Session
	in        *lineInput
	out       *lineText
	saveDraft func(*Session) (string, error)

	looked    Query         // what the cluster was last looked at for
	inquired  ProviderQuery // what the identity provider was last asked
	head      string        // the step whose heading was printed last
	told      bool          // what is known of an earlier run
	questions chan asked    // that come up while work goes on in the background

	asked []linePlace // what `<` goes back to, in the order it was met
}

// linePlace is where the person is: at a question, or at the beginning of a step.
type linePlace struct {
	step string
	key  answers.Key // "" is the beginning of the step
	all  bool        // every setting of the step is asked
}

var errQuit = errors.New("the operator left")

func (d *lineDriver) run() (End, error) {
	if d.s.atHome() {
		return d.home()
	}
	d.hello()
	if err := d.look(); err != nil {
		return d.stop(err)
	}
	at := linePlace{step: d.s.NextStep("")}
	if start := d.s.start; start.Step != "" {
		at = linePlace{step: start.Step, key: start.Key, all: true}
		if start.Key != "" && !d.s.asks(start.Key) {
			at = linePlace{step: d.reviewStep()}
		}
	}
	for {
		undo, err := d.earlier()
		if err != nil {
			return d.stop(err)
		}
		if undo {
			at = linePlace{step: d.reviewStep()}
		}
		if at.step == d.reviewStep() {
			var end *End
			if at, end, err = d.review(); end != nil {
				d.out.show(end.Summary())
				return *end, nil
			}
		} else {
			at, err = d.step(at)
		}
		if err != nil {
			return d.stop(err)
		}
	}
}

func (d *lineDriver) reviewStep() string {
	states := d.s.Steps()
	return states[len(states)-1].ID
}

// stop ends the run: by leaving, or with an error of its own.
func (d *lineDriver) stop(err error) (End, error) {
	if d.ctx.Err() == nil && !errors.Is(err, errQuit) && !errors.Is(err, io.EOF) {
		return End{}, err
	}
	return d.leave(err), nil
}

func (d *lineDriver) hello() {
	in := d.s.Input()
	d.out.say("%s of OpenChoreo's Backstage portal; %s; chart %s.", d.s.flow.Title, d.s.whereabouts().sentence(), in.Chart.Version)
	d.out.say("Nothing is changed before you type yes at the end.")
	d.commands()
}

// commands says what can be typed instead of an answer.
func (d *lineDriver) commands() {
	d.out.say(`Enter takes what stands in brackets. Instead of an answer you can type:
  < for the question before
  ? for more about a question, and this list
  + for all settings of the step
  ! for the list of steps, !STEP to go to one
  > for the review
  q to leave
  \ for an empty answer; \< and so on when < itself is the answer
Where a secret is asked, only Enter and < have these meanings.`)
}

// look finds out what is in the cluster and what the identity provider says,
// unless that is known.
func (d *lineDriver) look() error {
	if err := d.lookCluster(); err != nil {
		return err
	}
	return d.lookProvider()
}

// lookProvider asks the identity provider what the answers lead to by now.
func (d *lineDriver) lookProvider() error {
	var before []Line
	for i := range mostAsks {
		q := d.s.ProviderQuery()
		if q.Empty() || q == d.inquired {
			return nil
		}
		whom := q.whom(d.inquired)
		d.inquired = q
		if i == 0 {
			before = d.s.ProviderLines()
			d.out.say("Asking %s…", whom)
		}
		var seen SeenProvider
		d.wait("asking "+whom, d.ctx.Done(), func(func([]Line)) { seen = d.s.LookProvider(d.ctx, q) })
		if err := d.ctx.Err(); err != nil {
			return err
		}
		d.s.UseProvider(seen)
		now := d.s.ProviderLines()
		d.out.show(slices.DeleteFunc(slices.Clone(now), func(l Line) bool { return slices.Contains(before, l) }))
		before = now
	}
	return nil
}

// lookCluster looks at the cluster. What was found can move the questions on to
// another Secret: then it looks again, once.
func (d *lineDriver) lookCluster() error {
	for range 2 {
		q := d.s.Query()
		if d.s.Offline() || q == d.looked {
			return nil
		}
		d.looked = q
		d.out.say("Looking at the cluster…")
		var seen Seen
		d.wait("looking at the cluster", d.ctx.Done(), func(func([]Line)) { seen = d.s.Look(d.ctx, q) })
		if err := d.ctx.Err(); err != nil {
			return err
		}
		if _, err := d.s.Use(seen); err != nil {
			return err
		}
		d.out.show(d.s.preflight())
	}
	return nil
}

// heartbeat is how long a wait may be silent: longer, and one wonders whether it
// still goes on; shorter, and a screen reader speaks of nothing else.
const heartbeat = 30 * time.Second

// wait runs work in the background, prints what it tells, and a line when it
// tells nothing for long. It returns when work has, or once leave is ready; a nil
// leave never is.
func (d *lineDriver) wait(what string, leave <-chan struct{}, work func(tell func([]Line))) {
	told, done, gone := make(chan []Line), make(chan struct{}), make(chan struct{})
	defer close(gone)
	go func() {
		defer close(done)
		work(func(list []Line) {
			select {
			case told <- list:
			case <-gone:
			}
		})
	}()
	began, tick := time.Now(), time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case list := <-told:
			d.out.show(list)
			tick.Reset(heartbeat)
		case <-tick.C:
			d.out.say("Still %s, %d seconds now.", what, int(time.Since(began).Seconds()))
		case q := <-d.questions:
			q.answer <- d.decide(q.failure)
			tick.Reset(heartbeat)
		case <-done:
			return
		case <-leave:
			return
		}
	}
}
