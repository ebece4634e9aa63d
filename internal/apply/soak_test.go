package apply

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

var (
	soakN    = flag.Int("soak.n", 0, "how many random sequences; 0 is 500, or 50 with -short")
	soakSeed = flag.Uint64("soak.seed", 1, "seed of the first sequence; the others follow")
)

// fields is how many sequences are played at once: they wait more than they work.
const fields = 12

// TestSoak plays random sequences of runs, faults and other people against the API
// server. Seeds that have failed once are in testdata/seeds and are always played.
func TestSoak(t *testing.T) {
	t.Parallel() // with the trials of faults: both wait more than they work
	n := *soakN
	if n == 0 {
		if n = 500; testing.Short() {
			n = 50
		}
	}
	seeds := failedSeeds(t)
	for i := range n {
		seeds = append(seeds, *soakSeed+uint64(i))
	}
	todo := make(chan uint64)
	var wait sync.WaitGroup
	var lock sync.Mutex
	counts := map[string]int{}
	var grounds []*field
	for i := range min(fields, len(seeds)) {
		grounds = append(grounds, newField(t, i))
	}
	for _, f := range grounds {
		wait.Go(func() {
			for seed := range todo {
				w := newWorld(t, f, seed)
				wrong := w.play()
				lock.Lock()
				for what, n := range w.counts {
					counts[what] += n
				}
				counts["sequences"]++
				counts["writes"] += len(w.h.versions)
				if len(wrong) > 0 {
					t.Errorf("seed %d, to be kept in testdata/seeds: %s\n%s", seed, strings.Join(wrong, "\n"), w)
				}
				if counts["sequences"]%1000 == 0 {
					fmt.Fprintf(os.Stderr, "%d of %d sequences\n", counts["sequences"], len(seeds))
				}
				lock.Unlock()
			}
		})
	}
	for _, seed := range seeds {
		todo <- seed
	}
	close(todo)
	wait.Wait()
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%-22s %6d", what, counts[what])
	}
}

// failedSeeds are those that found a fault once: a file each, named after the
// fault, whose first word is the seed.
func failedSeeds(t *testing.T) (seeds []uint64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "seeds", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			seed, err := strconv.ParseUint(word, 10, 64)
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			seeds = append(seeds, seed)
		}
	}
	return seeds
}
