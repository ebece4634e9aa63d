package wizard

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
)

// Whatever is typed, nothing breaks, no frame is larger than the terminal, and
// Ctrl+C leaves.
func TestRandomKeys(t *testing.T) {
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range named {
			if !yield(name) {
				return
			}
		}
	})
	for _, letter := range "abcdefghijklmnopqrstuvwxyz" {
		if letter != 'c' && letter != 'z' {
			names = append(names, "ctrl+"+string(letter))
		}
	}
	names = append(names, "alt+0", "alt+1", "alt+5", "alt+9", "a", "x", "c", "?", "y", "n", "/", "ä", "😀", "1")
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1))
		sizes := [][2]int{{80, 24}, {40, 12}, {120, 40}, {30, 8}}
		size := sizes[r.IntN(len(sizes))]
		b := newBench(t, size[0], size[1], Settings{NoConfig: true, DryRun: true})
		b.reveals = true
		var done []string
		for range 250 {
			name := names[r.IntN(len(names))]
			done = append(done, name)
			switch r.IntN(20) {
			case 0:
				b.tell(tea.PasteMsg{Content: "pasted\ntext\t" + name})
			case 1:
				b.wait()
			case 2:
				b.tell(tea.WindowSizeMsg{Width: 20 + r.IntN(120), Height: 4 + r.IntN(40)})
			case 3:
				b.types("https://a.example.com")
			}
			b.press(name)
			if b.m.fault != nil {
				t.Fatalf("seed %d, %v: %v\n%s", seed, done, b.m.fault, b.m.fault.(*Fault).Stack)
			}
			if b.m.done {
				break
			}
			if rows := strings.Count(b.m.View().Content, "\n") + 1; rows > b.m.height {
				t.Fatalf("seed %d, %v: %d rows on %d", seed, done, rows, b.m.height)
			}
		}
		if !b.m.done {
			b.press("ctrl+c", "ctrl+c")
		}
		if !b.m.done {
			t.Fatalf("seed %d: Ctrl+C does not leave after %v\n%s", seed, done, b.screen())
		}
	}
}

// A key and its frame together cost far less than a frame at 120 per second
// lasts.
func BenchmarkScreenKey(b *testing.B) {
	for _, step := range []string{"target", "urls", "identity", "client", "review"} {
		b.Run(step, func(b *testing.B) {
			bench := newBench(b, 120, 40, local).filled()
			bench.do(bench.m.jump(step))
			bench.wait()
			bench.press("tab", "shift+tab")
			bench.reveals = true
			keys := []string{"x", "backspace"}
			if step == "review" {
				keys = []string{"down", "up"}
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				bench.press(keys[i%2])
			}
		})
	}
}
