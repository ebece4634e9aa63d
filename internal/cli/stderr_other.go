//go:build !unix

package cli

import "os"

// divert does nothing where a descriptor cannot be replaced under a running
// program: a stray line on the screen goes away with the next repaint.
func divert(stderr *os.File) (screen *os.File, restore func() ([]string, error), err error) {
	return stderr, func() ([]string, error) { return nil, nil }, nil
}
