package wizard

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/openchoreo/backstage-setup/internal/secret"
)

// askSecret reads a secret without showing it. The terminal shows again, whatever
// ends the prompt.
func (d *lineDriver) askSecret(f Field) (lineMove, error) {
	if f.Offer != "" && !f.Source.Given() {
		if move, err := d.askOffered(f); err != nil || move != nil {
			return *cmp.Or(move, &lineMove{}), err
		}
	}
	for {
		text, err := d.readHidden(hiddenPrompt(f))
		if wrongLine(err) {
			d.wrong(f.Question.Key, err)
			continue
		}
		switch {
		case err != nil:
			return lineMove{}, err
		case text == "<":
			return lineMove{back: true}, nil
		case text == "" && f.Has:
			return lineMove{answered: true}, nil
		}
		cleaned, _ := secret.Clean(text)
		if cleaned != "" {
			d.out.say("%s", count(utf8.RuneCountInString(cleaned), "character"))
		}
		if _, err := secret.ParseRef(cleaned); err == nil {
			d.out.say("This reads like a reference, which belongs into the answers file: here it was taken as the secret itself. < goes back to it.")
		}
		notes, err := d.s.Answer(f.Question.Key, text)
		for _, note := range notes {
			d.out.say("The value %s.", note)
		}
		if err != nil {
			d.wrong(f.Question.Key, err)
			continue
		}
		now := d.field(f)
		if now.Missing {
			d.needed(now)
			continue
		}
		if now.Problem != "" {
			d.wrong(f.Question.Key, errors.New(now.Problem))
			continue
		}
		return lineMove{answered: true}, nil
	}
}

// askOffered asks whether the secret that is there already is taken; nil is no.
func (d *lineDriver) askOffered(f Field) (*lineMove, error) {
	for {
		text, err := d.choose("Take it from %s? yes/no [no]:", f.Offer)
		if err != nil {
			return nil, err
		}
		switch strings.ToLower(text) {
		case "<":
			return &lineMove{back: true}, nil
		case "q":
			return nil, errQuit
		case "", "n", "no":
			return nil, nil
		case "y", "yes":
			if err := d.s.TakeOffered(f.Question.Key); err != nil {
				d.wrong(f.Question.Key, err)
				return nil, nil
			}
			return &lineMove{answered: true}, nil
		}
		d.out.say("The value must be yes or no.")
	}
}

func hiddenPrompt(f Field) string {
	switch {
	case f.Has && f.Problem == "":
		return fmt.Sprintf("%s, not shown (Enter: %s):", f.Question.Title, f.Text)
	case f.Required:
		return f.Question.Title + ", not shown:"
	}
	return f.Question.Title + ", not shown (Enter leaves it empty):"
}

// readHidden prompts and reads a line that does not show. The rest of a paste of
// several lines is dropped while nothing shows yet: it is a part of a secret, and
// must not become the answer to the next question.
func (d *lineDriver) readHidden(prompt string) (string, error) {
	show, err := d.in.hide()
	if err != nil {
		return "", fmt.Errorf("%w\ngive the secret as {env: NAME} or {file: PATH} in the answers file", err)
	}
	defer show(true)
	d.out.prompt("%s", prompt)
	text, err := d.in.line(d.ctx)
	more := err == nil && d.in.drop(d.ctx)
	show(err != nil && !wrongLine(err))
	d.out.write("\n")
	if more {
		d.out.say("More than one line was pasted: only the first was taken.")
	}
	return text, err
}
