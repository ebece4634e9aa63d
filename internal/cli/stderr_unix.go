//go:build unix

package cli

import (
	"bufio"
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// divert keeps what libraries and credential plugins write to stderr off the
// screen, which is drawn there: the screen gets a duplicate of the descriptor,
// and descriptor 2 becomes a pipe whose lines are kept. restore puts it back and
// returns the lines.
func divert(stderr *os.File) (screen *os.File, restore func() ([]string, error), err error) {
	fd := int(stderr.Fd())
	duplicate, err := unix.Dup(fd)
	if err != nil {
		return nil, nil, err
	}
	unix.CloseOnExec(duplicate)
	screen = os.NewFile(uintptr(duplicate), stderr.Name())
	read, write, err := os.Pipe()
	if err != nil {
		return nil, nil, errors.Join(err, screen.Close())
	}
	if err := replaceFD(int(write.Fd()), fd); err != nil {
		return nil, nil, errors.Join(err, read.Close(), write.Close(), screen.Close())
	}
	if err := write.Close(); err != nil {
		return nil, nil, err
	}
	var lines []string
	var reading sync.WaitGroup
	reading.Go(func() {
		scanner := bufio.NewScanner(read)
		for scanner.Scan() {
			if len(lines) < 100 {
				lines = append(lines, scanner.Text())
			}
		}
	})
	restore = func() ([]string, error) {
		err := replaceFD(duplicate, fd) // closes the pipe's last end: reading comes to its end
		reading.Wait()
		return lines, errors.Join(err, read.Close())
	}
	return screen, restore, nil
}
