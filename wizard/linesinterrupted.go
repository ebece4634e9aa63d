package wizard

import (
	"strings"

	"github.com/openchoreo/backstage-setup/steps"
)

// earlier says once what is known of an earlier run, and asks what becomes of one
// that did not end: to go on finishes it.
func (d *lineDriver) earlier() (undo bool, err error) {
	if d.told {
		return false, nil
	}
	d.told = true
	d.out.show(d.s.earlier())
	if d.s.Interrupted() == "" || d.s.Yes() {
		return false, nil
	}
	d.out.say("To go on finishes it; to undo puts everything back as it was before it, which you see first.")
	for {
		d.in.drop(d.ctx)
		text, err := d.choose("go on, undo, or quit? go/undo/q [go]:")
		if err != nil {
			return false, err
		}
		switch strings.ToLower(text) {
		case "", "go", "go on":
			return false, nil
		case "undo":
			d.s.Switch(steps.Undo())
			d.asked = nil
			return true, nil
		case "q", "quit":
			return false, errQuit
		}
		d.out.say("The value must be go, undo or q.")
	}
}
