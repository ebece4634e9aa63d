package wizard

import (
	"fmt"
	"testing"
)

func TestEveryStepIsReachedFromTheList(t *testing.T) {
	for _, open := range []string{"f2", "ctrl+l"} {
		b := newBench(t, 80, 24, local).filled()
		for i := range b.m.steps {
			b.press("alt+3").on("urls").press(open).shows("Go to a step")
			for range (i + len(b.m.steps) - 2) % len(b.m.steps) { // from the third, round the end
				b.press("down")
			}
			b.press("enter").on(b.m.steps[i].ID).hides("Go to a step").wait()
		}
		b.on("review").press("esc").on("urls")
	}
}

func TestStepListIsFiltered(t *testing.T) {
	b := newBench(t, 80, 24, local).filled().press("alt+3", "f2").types("envi").shows("● 11 Environment").hides("● 3  URLs", "2  Preset").press("enter").on("environment")
	b.shows("Nothing is asked here", "ctrl+e").press("ctrl+e")
	if b.m.current() == nil {
		t.Errorf("ctrl+e asks nothing:\n%s", b.screen())
	}
	b.press("ctrl+l").types("10\r").on("scaling")
	b.press("f2").types("nowhere\r").shows("nothing is called that").press("esc").shows("Go to a step", "14 Review").press("esc").hides("Go to a step").on("scaling")
	b.press("f2", "f2").hides("Go to a step").on("scaling")
	b.press("f2", "enter").on("scaling").press("f2", "ctrl+c").wait().shows("Leave?")
}

func TestStepListKeepsWhatIsTyped(t *testing.T) {
	b := newBench(t, 80, 24, local).filled().press("alt+3").on("urls").press("ctrl+u").types("https://typed.example.com").press("f2", "esc")
	b.shows("https://typed.example.com").press("f2").types("ci\r").on("ci")
	if got := b.m.s.Input().Draft.Portal.BaseURL; got != "https://typed.example.com" {
		t.Errorf("portal.baseUrl is %q", got)
	}
}

func TestStepsInOrder(t *testing.T) {
	for _, keys := range [][2]string{{"alt+right", "alt+left"}, {"ctrl+pgdown", "ctrl+pgup"}} {
		b := newBench(t, 80, 24, local).filled().on("target")
		for i := range b.m.steps {
			b.on(b.m.steps[i].ID).wait().press(keys[0])
		}
		b.on("review").shows("There is no step after this one")
		for i := range b.m.steps {
			b.on(b.m.steps[len(b.m.steps)-1-i].ID).wait().press(keys[1])
		}
		b.on("target").shows("There is no step before this one")
	}
	newBench(t, 80, 24, local).filled().press("alt+0").on("scaling")
}

func TestStepListScreens(t *testing.T) {
	for _, size := range [][2]int{{40, 12}, {80, 24}, {120, 40}} {
		b := newBench(t, size[0], size[1], local).settle().press("enter", "enter").on("urls").types("wrong\r").press("f2")
		b.golden(fmt.Sprintf("steps-%dx%d", size[0], size[1]))
		b.types("se").golden(fmt.Sprintf("steps-filtered-%dx%d", size[0], size[1]))
	}
}
