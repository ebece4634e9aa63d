package wizard

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/templates"
)

// lineMove is what a person did at a question: answered it, or went elsewhere.
type lineMove struct {
	answered bool
	back     bool
	all      bool   // to all settings of the same step
	step     string // to this step
}

// ask asks one question until it is answered with something that it accepts, or
// the person goes elsewhere. again says that it was answered in this round and
// does not fit the other answers, which is what the person is told then.
func (d *lineDriver) ask(f Field, again bool) (lineMove, error) {
	q := f.Question
	if !again {
		d.out.say("\n%s\n%s", q.Title, q.Why)
		if f.Seen != "" {
			d.out.say("Here: %s", f.Seen)
		}
		if f.Doubt != "" {
			d.out.say("Look twice: %s.", f.Doubt)
		}
		d.choices(f)
		if q.Example != "" && q.Value.Kind != answers.Hidden && len(f.Options) == 0 {
			d.out.say("Example: %s", q.Example)
		}
	}
	if f.Problem != "" {
		d.out.say("\n%s: the value %s.", q.Title, f.Problem)
	}
	for {
		if q.Value.Kind == answers.Hidden {
			return d.askSecret(f)
		}
		text, err := d.read(promptText(f))
		if wrongLine(err) {
			d.wrong(q.Key, err)
			continue
		}
		if err != nil {
			return lineMove{}, err
		}
		move, literal, err := d.command(f, text)
		if err != nil {
			return lineMove{}, err
		}
		if move != nil {
			return *move, nil
		}
		if literal == nil {
			continue
		}
		if d.take(f, *literal) {
			return lineMove{answered: true}, nil
		}
	}
}

// read prompts and reads a line that shows. In a pipe nobody ends the prompt's
// line by pressing Enter.
func (d *lineDriver) read(prompt string) (string, error) {
	d.out.prompt("%s", prompt)
	text, err := d.in.line(d.ctx)
	if d.in.terminal == nil || (err != nil && !wrongLine(err)) {
		d.out.write("\n")
	}
	return pasteMarkers.Replace(text), err
}

// promptText names the question, what can be typed, and what Enter takes.
func promptText(f Field) string {
	q, hints, value := f.Question, []string{}, ""
	switch {
	case q.Value.Kind == answers.Bool:
		hints = append(hints, "yes or no")
	case len(f.Options) > len(q.Options):
		hints = append(hints, "number, or a name of your own")
	case len(f.Options) > 0:
		hints = append(hints, "number or name")
	}
	switch {
	case f.Prefill != "":
		value = " [" + f.Prefill + "]"
	case f.Has:
		hints = append(hints, "Enter keeps it empty")
	case f.Required:
	case q.Default != "":
		hints = append(hints, "Enter: "+q.Default)
	default:
		hints = append(hints, "Enter leaves it empty")
	}
	text := q.Title
	if len(hints) > 0 {
		text += " (" + strings.Join(hints, "; ") + ")"
	}
	return text + value + ":"
}

func (d *lineDriver) choices(f Field) {
	for i, o := range f.Options {
		text := o.Title
		if !strings.EqualFold(o.Title, o.Value) {
			text += " (" + o.Value + ")"
		}
		if o.Note != "" {
			text += ": " + o.Note
		}
		d.out.say("  %d. %s", i+1, text)
	}
}

// command carries out what was typed instead of an answer. Otherwise it returns
// the answer, "" for none; nil with a nil move means to ask again.
func (d *lineDriver) command(f Field, text string) (*lineMove, *string, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return d.enterKey(f)
	case text == "<":
		return &lineMove{back: true}, nil, nil
	case text == "?":
		d.help(f)
		return nil, nil, nil
	case text == "+":
		return &lineMove{all: true}, nil, nil
	case text == ">":
		return &lineMove{step: d.reviewStep()}, nil, nil
	case text == "q":
		return nil, nil, errQuit
	case strings.HasPrefix(text, "!"):
		if step, ok := d.jump(strings.TrimSpace(text[1:])); ok {
			return &lineMove{step: step}, nil, nil
		}
		return nil, nil, nil
	case strings.HasPrefix(text, `\`):
		text = text[1:]
	default:
		text = chosen(f, text)
	}
	return nil, &text, nil
}

// enterKey takes what stands in brackets. What is settled and was only shown
// stays what it was: confirming is answering, looking is not.
func (d *lineDriver) enterKey(f Field) (*lineMove, *string, error) {
	if f.Has && !f.Asked {
		return &lineMove{answered: true}, nil, nil
	}
	return nil, &f.Prefill, nil
}

// jump returns the step that was named, or says which there are.
func (d *lineDriver) jump(name string) (string, bool) {
	step, ok := d.findStep(name)
	if ok && step != d.reviewStep() && len(d.s.Fields(step)) == 0 {
		d.out.say("Step %s has nothing to ask.", name)
		return "", false
	}
	if !ok {
		if name != "" {
			d.out.say("There is no step %q. Go to one of these with ! and its number or name:", name)
		}
		d.listSteps()
	}
	return step, ok
}

// chosen turns the number or the title of an option into its value.
func chosen(f Field, text string) string {
	for _, o := range f.Options {
		if text == o.Value {
			return text
		}
	}
	if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(f.Options) {
		return f.Options[n-1].Value
	}
	for _, o := range f.Options {
		if strings.EqualFold(text, o.Value) || strings.EqualFold(text, o.Title) {
			return o.Value
		}
	}
	return text
}

// take gives the Session an answer and tells whether it was accepted.
func (d *lineDriver) take(f Field, text string) bool {
	key := f.Question.Key
	if !utf8.ValidString(text) {
		d.wrong(key, errors.New("must be text in UTF-8"))
		return false
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		d.wrong(key, errors.New("must be without control characters, which cursor keys send here"))
		return false
	}
	notes, err := d.s.Answer(key, text)
	for _, note := range notes {
		d.out.say("The value %s.", note)
	}
	if err != nil {
		d.wrong(key, err)
		return false
	}
	now := d.field(f)
	switch {
	case now.Missing:
		d.needed(now)
		return false
	case now.Problem != "" && now.Problem != f.Problem:
		d.out.say("For now the value %s. It is asked again after the others of this step; < goes back to it.", now.Problem)
	}
	return true
}

// field returns f as it stands now.
func (d *lineDriver) field(f Field) Field {
	for _, now := range d.s.Fields(f.Step) {
		if now.Question.Key == f.Question.Key {
			return now
		}
	}
	return Field{}
}

// wrong says why an answer is not taken. What is about a file or a release names
// it and is a sentence of its own.
func (d *lineDriver) wrong(key answers.Key, err error) {
	text := strings.TrimPrefix(strings.TrimSuffix(err.Error(), "."), string(key)+": ") + "."
	if strings.HasPrefix(text, "must ") {
		text = "The value " + text
	}
	d.out.say("%s", text)
}

func (d *lineDriver) needed(f Field) {
	text := "The value is needed"
	if f.Question.Example != "" && f.Question.Value.Kind != answers.Hidden {
		text += ", such as " + f.Question.Example
	}
	d.out.say("%s. < goes back.", text)
}

// help prints what there is to know about a question.
func (d *lineDriver) help(f Field) {
	q := f.Question
	d.out.say("\n%s (%s)\n%s", q.Title, q.Key, q.Why)
	if q.Example != "" {
		d.out.say("Example: %s", q.Example)
	}
	d.choices(f)
	if q.Default != "" {
		d.out.say("Default: %s", q.Default)
	}
	if f.Has {
		d.out.say("Now: %s", settledText(f))
	}
	if since := templates.Since(string(q.Key)); since != "" {
		d.out.say("Charts: %s and newer", since)
	}
	if f.Required {
		d.out.say("It must have a value.")
	}
	d.commands()
	d.out.say("")
}
