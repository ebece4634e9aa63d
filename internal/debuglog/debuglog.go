// Package debuglog writes what a run does to a file, for whoever has to find out
// afterwards why it went as it did: requests, checks and actions, each with its
// time, one line each as slog's TextHandler writes them. Bodies, headers and
// values of queries outside Kubernetes are never written, and every line goes
// through a secret.Scrubber.
package debuglog

import (
	"errors"
	"log/slog"
	"os"
	"sync"

	"github.com/openchoreo/backstage-setup/internal/secret"
)

// Log is a file that is written line by line. It may be used concurrently. A nil
// Log writes nothing.
type Log struct {
	scrub *secret.Scrubber

	mu     sync.Mutex
	file   *os.File
	failed error
}

// Open appends to the file at path, which is made when it is not there, and lets
// nobody but its owner read it: mode 0600, also where it was there before. It
// follows no symbolic link. Errors are those of package os, or that path is no
// regular file.
func Open(path string, scrub *secret.Scrubber) (*Log, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|noFollow, 0o600)
	if errors.Is(err, linked) {
		return nil, errors.New("is a symbolic link, which is not followed")
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("is no regular file")
	}
	if err == nil && info.Mode().Perm() != 0o600 {
		err = f.Chmod(0o600)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Log{scrub: scrub, file: f}, nil
}

// Logger writes to the log, every level.
func (l *Log) Logger() *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Write writes one record without the secrets that are known by now. A record that
// cannot be written fails no run: Close tells.
func (l *Log) Write(record []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.file.WriteString(l.scrub.Scrub(string(record))); err != nil && l.failed == nil {
		l.failed = err
	}
	return len(record), nil
}

// Close ends the log. The error is the first of all that went wrong with it.
func (l *Log) Close() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.failed, l.file.Close())
}
