package values

import (
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
)

// checkFile compares what a File says, having been read once, with what reading
// anew for each question says.
func checkFile(t *testing.T, src []byte, seed uint64) {
	t.Helper()
	places, err := Locate(src, someChart, topKeys...)
	source, scanned := Scan(src, someChart, topKeys...)
	if !reflect.DeepEqual(scanned, err) {
		t.Fatalf("Scan: %v, Locate: %v", scanned, err)
	}
	if err != nil {
		return
	}
	if got := source.Places(); !reflect.DeepEqual(got, places) {
		t.Fatalf("Scan finds\n%v\nLocate\n%v", got, places)
	}
	r := rand.New(rand.NewPCG(seed, 8))
	for _, at := range places[:min(len(places), 4)] {
		f, opened := source.Open(at)
		warnings, err := CheckAt(src, at)
		var tree map[string]any
		if err == nil {
			tree, err = ParseAt(src, at)
		}
		if !reflect.DeepEqual(opened, err) {
			t.Fatalf("%s: Open: %v, CheckAt and ParseAt: %v", at, opened, err)
		}
		if err != nil {
			continue
		}
		if !reflect.DeepEqual(f.Place(), at) || !sameWarnings(f.Warnings(), warnings) || !equal(f.Tree(), tree) {
			t.Fatalf("%s: Open gives\n%v %v %v\nwant\n%v %v", at, f.Place(), f.Warnings(), f.Tree(), warnings, tree)
		}
		for range 4 {
			var edits []Edit
			for want := tree; len(edits) < 2; {
				e := randomEdit(r, want)
				edits = append(edits, e)
				want = expected(want, e.Path.segs, e).(map[string]any)
			}
			checkFileEdits(t, f, src, at, edits)
		}
		if !equal(f.Tree(), tree) || !sameWarnings(f.Warnings(), warnings) {
			t.Fatalf("%s: edits changed the File", at)
		}
	}
}

func checkFileEdits(t *testing.T, f *File, src []byte, at Place, edits []Edit) {
	t.Helper()
	want, err := ApplyAt(src, at, edits, Options{})
	got, applied := f.Apply(edits, Options{})
	if !reflect.DeepEqual(applied, err) || !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: File.Apply: %v\n%s\nApplyAt: %v\n%s", describe(edits[0]), applied, got.Bytes, err, want.Bytes)
	}
	if err != nil {
		return
	}
	tree, err := ParseAt(want.Bytes, at)
	if err != nil {
		t.Fatal(err)
	}
	if after, err := f.After(edits); err != nil || !equal(after, tree) {
		t.Fatalf("%s, %s: After gives\n%v, %v\nreading anew\n%v", describe(edits[0]), describe(edits[1]), after, err, tree)
	}
}

func sameWarnings(a, b []Warning) bool {
	return len(a) == 0 && len(b) == 0 || reflect.DeepEqual(a, b)
}

func TestFile(t *testing.T) {
	for i, s := range oddFiles {
		checkFile(t, []byte(s), uint64(i))
		for _, w := range wrappings {
			if text, ok := w.wrap(s); ok {
				checkFile(t, []byte(text), uint64(i))
			}
		}
	}
	for i, s := range placedFiles(t) {
		checkFile(t, s, uint64(i))
	}
	for name, src := range corpus(t) {
		t.Run(name, func(t *testing.T) { checkFile(t, src, uint64(len(src))) })
	}
}

func FuzzFile(f *testing.F) {
	for _, s := range placedFiles(f) {
		f.Add(s, uint64(len(s)))
	}
	f.Fuzz(checkFile)
}

func TestNoFile(t *testing.T) {
	var f *File
	if f.Tree() != nil || f.Warnings() != nil || f.Place().Kind != "" {
		t.Error("no file says something")
	}
}

// TestFileIsShared edits one File from many goroutines, for the race detector.
// The key that is there twice is a warning, to which edits add theirs.
func TestFileIsShared(t *testing.T) {
	for _, how := range []string{"helmrelease", "literal"} {
		text, _ := wrappings[how].wrap("a: &a {x: 1}\nb: *a\nc: 1\nc: 2\nd: [1]\n")
		src := []byte(text)
		f, err := Open(src, wrappings[how].at)
		if err != nil {
			t.Fatal(how, err)
		}
		var all sync.WaitGroup
		for i := range 8 {
			edits := []Edit{{Path: MustPath("d"), Value: i}, {Path: MustPath("b"), Value: someTexts}}
			all.Go(func() { checkFileEdits(t, f, src, wrappings[how].at, edits) })
		}
		all.Wait()
	}
}
