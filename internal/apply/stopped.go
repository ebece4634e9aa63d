package apply

import (
	"context"
	"errors"
)

// stopped is context.Canceled in words for people.
type stopped string

func (s stopped) Error() string { return string(s) }

// Unwrap returns context.Canceled.
func (s stopped) Unwrap() error { return context.Canceled }

func inWords(err error, text string) error {
	if errors.Is(err, context.Canceled) {
		return stopped(text)
	}
	return err
}
