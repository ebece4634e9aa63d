// Command docs writes the parts of the documentation that would drift: the
// tables of docs/answers.md and the lists of docs/identity-providers.md from the
// catalog of the steps, and the picture
// docs/wizard.svg from a run of the program on a terminal. It is no part of the
// program, and must not know a setting or a screen by heart.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/openchoreo/backstage-setup/steps"
)

//go:generate go run . tables ../../docs/answers.md
//go:generate go run . providers ../../docs/identity-providers.md

const usage = `usage:
  docs tables FILE      write the generated blocks of docs/answers.md anew
  docs providers FILE   write those of docs/identity-providers.md anew
  docs picture FILE     run the program of this module and write its screen as SVG`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New(usage)
	}
	switch path := args[1]; args[0] {
	case "tables":
		return write(path, tables(steps.Entries()))
	case "providers":
		return write(path, providers(steps.Entries()))
	case "picture":
		return writePicture(ctx, path)
	}
	return errors.New(usage)
}

func write(path string, blocks map[string]string) error {
	before, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	after, err := fill(string(before), blocks)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(after), 0o644)
}

func writePicture(ctx context.Context, path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	picture, err := photograph(ctx, urlsScreen)
	if err != nil {
		return err
	}
	return os.WriteFile(path, picture, 0o644)
}
