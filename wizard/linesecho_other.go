//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package wizard

import "errors"

// echoOff is not known for this system.
func echoOff(int) error { return errors.ErrUnsupported }
