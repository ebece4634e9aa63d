// Command backstage-setup sets up the Backstage portal of OpenChoreo: it asks,
// checks, shows what will change, and changes it.
package main

import (
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/openchoreo/backstage-setup/internal/cli"
)

// version is set by the linker when a release is built.
var version = ""

func main() {
	log.SetOutput(io.Discard) // Helm's libraries warn there, and the screen is on stderr
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	os.Exit(cli.Run(cli.Process{
		Args: os.Args, In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		LookupEnv: os.LookupEnv, Environ: os.Environ(), Signals: signals, Version: version,
	}))
}
