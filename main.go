// Command backstage-setup sets up the Backstage portal of OpenChoreo: it asks,
// checks, shows what will change, and changes it.
package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/openchoreo/backstage-setup/internal/cli"
)

func main() {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	os.Exit(cli.Run(cli.Process{
		Args: os.Args, In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		LookupEnv: os.LookupEnv, Environ: os.Environ(), Signals: signals,
	}))
}
