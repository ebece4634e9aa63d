package wizard

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

const (
	// maxLine bounds an answer in bytes; a secret may have 64 KiB.
	maxLine = 1 << 20

	// maxTyped is where a terminal cuts a line off without a word: Linux keeps
	// 4095 bytes of it, the line's end included.
	maxTyped = 4094

	// quiet is how long nothing must come for a paste to be over.
	quiet = 50 * time.Millisecond
)

var (
	errLongLine  = errors.New("must be at most 1 MiB")
	errCutLine   = errors.New("must be shorter than 4094 bytes to be typed: a terminal cuts longer lines off; give it in a file, {file: PATH} in the answers file")
	errNoEcho    = errors.New("the terminal does not stop showing what is typed")
	pasteMarkers = strings.NewReplacer("\x1b[200~", "", "\x1b[201~", "")
)

// lineInput reads lines. There is one for the whole run, since a second reader
// would miss what the first has in its buffer. A read under way cannot be called
// off: it goes on in the background, and what it brings is the next line.
type lineInput struct {
	buffer   *bufio.Reader
	terminal *os.File // nil when there is none
	pending  chan lineRead
	ended    error
}

type lineRead struct {
	text string
	err  error
}

func newLineInput(in io.Reader) *lineInput {
	i := &lineInput{buffer: bufio.NewReader(in)}
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		i.terminal = f
	}
	return i
}

// line returns the next line without its end. It waits until ctx ends. Input
// that ends in the middle of a line has ended before it: nobody pressed Enter.
// errLongLine and errCutLine are about this line alone.
func (i *lineInput) line(ctx context.Context) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if i.ended != nil {
		return "", i.ended
	}
	if i.pending == nil {
		pending := make(chan lineRead, 1)
		i.pending = pending
		go func() {
			text, err := readLine(i.buffer)
			pending <- lineRead{text, err}
		}()
	}
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case read := <-i.pending:
		i.pending = nil
		if read.err == nil && i.terminal != nil && len(read.text) >= maxTyped {
			read.err = errCutLine
		}
		if read.err != nil && !wrongLine(read.err) {
			i.ended = read.err
		}
		return read.text, read.err
	}
}

func wrongLine(err error) bool { return errors.Is(err, errLongLine) || errors.Is(err, errCutLine) }

func readLine(r *bufio.Reader) (string, error) {
	var text []byte
	long := false
	for {
		piece, err := r.ReadSlice('\n')
		long = long || len(text)+len(piece) > maxLine
		if long {
			text = text[:0]
		} else {
			text = append(text, piece...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err != nil:
			return "", err
		case long:
			return "", errLongLine
		default:
			return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"), nil
		}
	}
}

// drop takes away lines that a terminal has already, and tells whether there
// were any. In a pipe nobody types ahead of a question: there it does nothing.
func (i *lineInput) drop(ctx context.Context) bool {
	if i.terminal == nil {
		return false
	}
	for dropped := false; ; dropped = true {
		soon, cancel := context.WithTimeout(ctx, quiet)
		_, err := i.line(soon)
		cancel()
		if err != nil && !wrongLine(err) {
			return dropped
		}
	}
}

// hide stops the terminal from showing what is typed. show undoes that, once; with
// flush, what was typed and not read is thrown away before it shows: half a secret
// must not turn up behind the shell's next prompt. Where there is no terminal
// nothing shows anyway.
func (i *lineInput) hide() (show func(flush bool), err error) {
	if i.terminal == nil {
		return func(bool) {}, nil
	}
	restore, err := echoOff(int(i.terminal.Fd()))
	if err != nil {
		return nil, errors.Join(errNoEcho, err)
	}
	shown := false
	return func(flush bool) {
		if shown {
			return
		}
		shown = true
		if flush {
			<-time.After(quiet) // for keys that are on their way
		}
		_ = restore(flush) // a terminal that is gone shows nothing
	}, nil
}
