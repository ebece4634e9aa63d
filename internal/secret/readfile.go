package secret

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// ReadFile reads a file that holds a secret: at most 64 KiB, and nobody but the
// user of this process may own or read it. A pipe is read too, so that
// file:/dev/fd/3 and the shell's <(command) work. The checks are made on what was
// opened, not on the name. It blocks as long as a pipe's writer does.
func ReadFile(path string) ([]byte, error) {
	if err := checkLink(path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if kind := info.Mode().Type(); kind != 0 && kind != fs.ModeNamedPipe {
		return nil, fmt.Errorf("%q is not a regular file", path)
	}
	if err := checkPrivate(path, info); err != nil {
		return nil, err
	}
	data, err := readLimited(f)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", path, err)
	}
	return data, nil
}

// readLimited reads to the end and refuses more than a secret may have.
func readLimited(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxLen+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxLen {
		return nil, errors.New("larger than 64 KiB: this is no secret")
	}
	return data, nil
}

// shellQuote makes path one word of a POSIX shell's command line.
func shellQuote(path string) string {
	plain := func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+,:@=-", r)
	}
	if path != "" && !strings.HasPrefix(path, "-") && !strings.ContainsFunc(path, plain) {
		return path
	}
	if strings.HasPrefix(path, "-") {
		path = "./" + path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
