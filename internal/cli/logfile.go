package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/openchoreo/backstage-setup/internal/debuglog"
)

// openLog opens the file of --log-file, before anything is done, and begins it
// with what the run is. A run that the home screen led to goes on in its log.
func (a *app) openLog(cmd *cobra.Command) error {
	flag := cmd.Flags().Lookup("log-file")
	if flag == nil || flag.Value.String() == "" || a.log != nil {
		return nil
	}
	path := flag.Value.String()
	log, err := debuglog.Open(path, a.scrub)
	if err != nil {
		var at *os.PathError
		if errors.As(err, &at) {
			err = at.Err
		}
		return usage("--log-file %q: %v", path, err).hinted("name a file that you may write; it is made when it is not there")
	}
	a.log = log
	proxies := []string{} // by name: the address may have a password in it
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"} {
		if value, _ := a.LookupEnv(name); value != "" {
			proxies = append(proxies, name)
		}
	}
	terminal, _ := a.LookupEnv("TERM")
	log.Logger().Info("run begins",
		"version", a.build().Version, "command", cmd.CommandPath(), "given", given(cmd), "go", runtime.Version(),
		"system", runtime.GOOS+"/"+runtime.GOARCH, "terminal", terminal, "proxies", proxies)
	return nil
}

// given are the flags and arguments of the command. Of those that name a secret, or
// hold one by mistake, the name alone.
func given(cmd *cobra.Command) []string {
	list := cmd.Flags().Args()
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch f.Name {
		case "set", "from", "user-token", "service-token":
			list = append(list, "--"+f.Name)
		default:
			list = append(list, "--"+f.Name+"="+f.Value.String())
		}
	})
	return list
}

// closeLog ends the log with what the run came to. A log that could not be written
// is told of and changes no exit code.
func (a *app) closeLog(code int, failed error) {
	if a.log == nil {
		return
	}
	level, attributes := slog.LevelInfo, []any{"exit", code}
	if failed != nil {
		e := asExit(failed)
		level, attributes = slog.LevelError, append(attributes, "error", e.message)
		if len(e.problems) > 0 {
			attributes = append(attributes, "problems", e.problems)
		}
	}
	a.log.Logger().Log(context.Background(), level, "run ends", attributes...)
	if err := a.log.Close(); err != nil {
		fmt.Fprintf(a.err, "warning: --log-file is not complete: %v\n", err)
	}
}
