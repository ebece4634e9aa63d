//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package wizard

import "errors"

// echoOff is not known for this system.
func echoOff(int) (restore func(flush bool) error, err error) { return nil, errors.ErrUnsupported }
