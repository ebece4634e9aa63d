package wizard

import "golang.org/x/sys/windows"

// echoOff keeps the console's own line editing and stops it from showing what is
// typed. restore undoes that; with flush, what was typed and not read yet is
// thrown away.
func echoOff(fd int) (restore func(flush bool) error, err error) {
	console := windows.Handle(fd)
	var before uint32
	if err := windows.GetConsoleMode(console, &before); err != nil {
		return nil, err
	}
	hidden := before&^windows.ENABLE_ECHO_INPUT | windows.ENABLE_LINE_INPUT | windows.ENABLE_PROCESSED_INPUT
	restore = func(flush bool) error {
		if flush {
			if err := windows.FlushConsoleInputBuffer(console); err != nil {
				return err
			}
		}
		return windows.SetConsoleMode(console, before)
	}
	return restore, windows.SetConsoleMode(console, hidden)
}
