// Command testcluster builds and runs the Kubernetes control plane of the
// tests, for trying things by hand. It knows nothing that the package
// testcluster does not.
//
//	testcluster build                              builds what tests need
//	testcluster up [--kubeconfig FILE] [--crds DIR] runs a cluster until Ctrl-C
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

const usage = `usage: testcluster build
       testcluster up [--kubeconfig FILE] [--crds DIR]

build   builds etcd, Kubernetes and kwok into the user's cache directory and
        prints where; the first time takes minutes and a network
up      runs a cluster, prints the path of its kubeconfig and stays until
        Ctrl-C; nothing of it is left then

  --kubeconfig FILE   also write the kubeconfig to FILE, and remove it at the end
  --crds DIR          apply every *.yaml file of DIR
`

var errUsage = errors.New("wrong use")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, errUsage):
		os.Exit(2)
	case errors.Is(err, context.Canceled):
		os.Exit(130)
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("testcluster", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage) }
	command := ""
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	kubeconfig, crds := "", ""
	if command == "up" {
		flags.StringVar(&kubeconfig, "kubeconfig", "", "")
		flags.StringVar(&crds, "crds", "", "")
	}
	if err := flags.Parse(args); err != nil {
		return errUsage // flags has said what is wrong
	}
	switch {
	case command == "build" && flags.NArg() == 0:
		dir, err := testcluster.Build(ctx, stderr)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(stdout, dir)
		return err
	case command == "up" && flags.NArg() == 0:
		return up(ctx, kubeconfig, crds, stdout)
	default:
		flags.Usage()
		return errUsage
	}
}

// up returns when ctx ends, which is how it is meant to end.
func up(ctx context.Context, kubeconfig, crds string, stdout io.Writer) (err error) {
	c, err := testcluster.New(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	if crds != "" {
		if err := c.ApplyDir(ctx, crds); err != nil {
			return err
		}
	}
	if kubeconfig == "" {
		kubeconfig = c.Kubeconfig
	} else {
		if err := copyNew(kubeconfig, c.Kubeconfig); err != nil {
			return err
		}
		defer os.Remove(kubeconfig)
	}
	if _, err := fmt.Fprintln(stdout, kubeconfig); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// copyNew copies a file to a path that must not exist yet: it could be the
// operator's own kubeconfig.
func copyNew(to, from string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%w\nname a file that does not exist yet", err)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
