package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
)

const (
	columns, rows = 100, 30
	patience      = time.Minute // for the whole run
	quiet         = 500 * time.Millisecond
)

// scene is a way to a screen: at every stop its keys are typed once what it
// waits for is on the screen. The last stop types nothing.
type scene struct {
	title string
	args  []string
	stops []stop
}

type stop struct{ sees, types string }

// urlsScreen is the picture of the README: one address in, the rest follows. It
// is offline, so that it shows the same on every machine.
var urlsScreen = scene{
	title: "backstage-setup install: the step URLs, with host names, callback and API address derived from the portal's address",
	args:  []string{"install", "--offline"},
	stops: []stop{
		{"(step 1 of ", "\r"},
		{"What is this installation for?", "\x1b[B"},
		{"● Production", "\r"},
		{"Portal address", "https://console.example.com"},
		{"https://console.example.com", "\r"},
		{"https://console.example.com/api/auth/", ""},
	},
}

// photograph builds the program of the module around the current directory,
// plays the scene on a terminal of columns × rows, and returns its last screen
// as SVG.
func photograph(ctx context.Context, s scene) (picture []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	dir, err := os.MkdirTemp("", "backstage-setup-docs")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	program := filepath.Join(dir, "backstage-setup")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/openchoreo/backstage-setup")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	cmd := exec.CommandContext(ctx, program, s.args...)
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + dir, "TERM=xterm-256color", "COLORTERM=truecolor", "LANG=C.UTF-8"}
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: rows, Cols: columns})
	if err != nil {
		return nil, err
	}
	term := vt10x.New(vt10x.WithSize(columns, rows), vt10x.WithWriter(tty))
	err = play(ctx, tty, term, s.stops)
	picture = svg(term, s.title)
	cancel()
	_ = cmd.Wait() // "signal: killed": it was ended on purpose
	return picture, errors.Join(err, tty.Close())
}

// play types each stop's keys when its text has come, and returns when nothing
// has been drawn for a while after the last.
func play(ctx context.Context, tty *os.File, term vt10x.Terminal, stops []stop) error {
	drawn := make(chan error)
	go func() {
		screen := bufio.NewReader(tty)
		for {
			err := term.Parse(screen)
			select {
			case drawn <- err:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	for _, next := range stops {
		for !strings.Contains(term.String(), next.sees) {
			select {
			case err := <-drawn:
				if err != nil {
					return fmt.Errorf("the program ended before %q was on the screen:\n%s", next.sees, term)
				}
			case <-ctx.Done():
				return fmt.Errorf("%q did not come:\n%s", next.sees, term)
			}
		}
		if _, err := tty.WriteString(next.types); err != nil {
			return err
		}
	}
	for {
		select {
		case <-drawn:
		case <-time.After(quiet):
			return nil
		}
	}
}
