// Command helm pretends to be helm, for tests: it is what the file "pretended"
// beside it says.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() { os.Exit(pretend(filepath.Dir(os.Args[0]))) }

// seen is what the pretended helm was run with.
type seen struct {
	Args, Environ []string
	Input         string // what its standard input held
	Terminal      string // why it cannot open the terminal
	Group         int    // its process group
	Process       int
}

// pretended is what the pretended helm does. It writes seen to the file seen, the
// Output and then:
type pretended struct {
	Version string // of helm version, which ends with Refuses
	Refuses int
	Output  string
	Errors  string
	Exit    int
	// Until names a FIFO: helm ends when that is closed, or, on SIGTERM, as
	// helm does. Deaf ignores the signal.
	Until string
	Deaf  bool
}

func pretend(dir string) int {
	var p pretended
	text, err := os.ReadFile(filepath.Join(dir, "pretended"))
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 99
	}
	if os.Args[1] == "version" {
		fmt.Println(p.Version)
		return p.Refuses
	}
	stopped := make(chan os.Signal, 2)
	signal.Notify(stopped, os.Interrupt, syscall.SIGTERM)
	s := seen{Args: os.Args[1:], Environ: os.Environ(), Process: os.Getpid(), Group: syscall.Getpgrp()}
	if line, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		s.Input = line
	}
	if _, err := os.Open("/dev/tty"); err != nil {
		s.Terminal = err.Error()
	}
	text, _ = json.Marshal(s)
	if err := os.WriteFile(filepath.Join(dir, "seen"), text, 0o600); err != nil {
		return 98
	}
	fmt.Print(strings.ReplaceAll(p.Output, "INVALID", "\xff"))
	fmt.Fprint(os.Stderr, p.Errors)
	if p.Until == "" {
		return p.Exit
	}
	ended := make(chan struct{})
	go func() {
		_, _ = os.ReadFile(p.Until)
		close(ended)
	}()
	for {
		select {
		case <-ended:
			return p.Exit
		case <-stopped:
			if !p.Deaf {
				fmt.Println("Release r has been cancelled.")
				fmt.Fprintln(os.Stderr, "Error: UPGRADE FAILED: context canceled")
				return 1
			}
			fmt.Println("deaf")
		}
	}
}
