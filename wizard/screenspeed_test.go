package wizard

import "testing"

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
