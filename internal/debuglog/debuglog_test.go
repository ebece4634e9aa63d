package debuglog

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/secret"
)

func open(t *testing.T, path string) (*Log, *secret.Scrubber) {
	t.Helper()
	scrub := &secret.Scrubber{}
	l, err := Open(path, scrub)
	if err != nil {
		t.Fatal(err)
	}
	return l, scrub
}

func lines(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func TestRequests(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/gone" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	path := filepath.Join(t.TempDir(), "log")
	l, scrub := open(t, path)
	scrub.Add(secret.New("s3cr3t/value"))
	for _, tt := range []struct {
		to, address string
		want        []string
		not         string
	}{
		{Kubernetes, server.URL + "/api/v1/pods?labelSelector=a%3Db", []string{"level=DEBUG", "to=kubernetes", "/api/v1/pods?labelSelector=a%3Db", "status=200", "took="}, ""},
		{"provider", server.URL + "/authorize?state=abc&client_id=portal", []string{"/authorize?client_id=...&state=...", "to=provider"}, "abc"},
		{"provider", server.URL + "/gone", []string{"level=WARN", "status=404"}, ""},
		{"provider", strings.Replace(server.URL, "http://", "http://user:pass@", 1) + "/s3cr3t%2Fvalue", []string{"/[redacted]"}, "pass@"},
		{"provider", "http://127.0.0.1:1/x", []string{"level=WARN", "connection refused", "http://127.0.0.1:1/x"}, "status="},
	} {
		client := &http.Client{Transport: l.Transport(tt.to)(http.DefaultTransport)}
		answer, err := client.Get(tt.address)
		if err == nil {
			_ = answer.Body.Close()
		}
		all := lines(t, path)
		last := all[len(all)-1]
		for _, want := range tt.want {
			if !strings.Contains(last, want) {
				t.Errorf("%s: got  %s\nwant %s", tt.address, last, want)
			}
		}
		if tt.not != "" && strings.Contains(last, tt.not) {
			t.Errorf("%s: %s has %s", tt.address, last, tt.not)
		}
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// A file that others could read is closed to them, and what is in it stays.
func TestFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "log")
	if err := os.WriteFile(path, []byte("before\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	l, scrub := open(t, path)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 100 {
				l.Logger().Info("one record")
			}
		})
	}
	wait.Wait()
	scrub.Add(secret.New("line\nbreak+secret"))
	l.Logger().Info("late", "text", "line\nbreak+secret")
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	all := lines(t, path)
	if len(all) != 802 || all[0] != "before" {
		t.Errorf("%d lines, first %q", len(all), all[0])
	}
	if last := all[len(all)-1]; !strings.Contains(last, "[redacted]") || strings.Contains(last, "break") {
		t.Errorf("got %s", last)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "log"), link); err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		link:                         "is a symbolic link",
		dir:                          "is a directory",
		filepath.Join(dir, "no/log"): "no such file",
		fifo:                         "no such device",
	} {
		if _, err := Open(path, &secret.Scrubber{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", path, err, want)
		}
	}
}

// What cannot be written fails no run, and is told at the end.
func TestUnwritten(t *testing.T) {
	l, _ := open(t, filepath.Join(t.TempDir(), "log"))
	if err := l.file.Close(); err != nil {
		t.Fatal(err)
	}
	l.Logger().Info("lost")
	if err := l.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v", err)
	}
	var none *Log
	none.Logger().Info("nobody")
	if got := none.Transport("x")(http.DefaultTransport); got != http.DefaultTransport {
		t.Errorf("got %v", got)
	}
	if err := none.Close(); err != nil {
		t.Error(err)
	}
}
