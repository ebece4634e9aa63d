package cli

import (
	"io"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/file"
	"github.com/openchoreo/backstage-setup/steps"
	"github.com/openchoreo/backstage-setup/wizard"
)

// logLimit bounds what of a log is read.
const logLimit = 64 << 20

// checkLog explains a log that somebody gives. It contacts nothing.
func (a *app) checkLog(f *checkFlags) error {
	if a.output != "text" && a.output != "json" {
		return usage("-o %q: with --log it must be text or json", a.output)
	}
	if len(f.values)+len(f.accept)+len(f.skip) > 0 || f.wait != 0 {
		return usage("--log explains a log and looks at nothing else: --values, --accept, --skip and --wait have no place beside it")
	}
	text, err := a.readLog(f.log)
	if err != nil {
		return err
	}
	causes := steps.ExplainLog(strings.Split(text, "\n"))
	if a.output == "json" {
		err = wizard.WriteJSON(a.out, causes)
	} else {
		err = wizard.WritePlain(a.out, wizard.CauseLines(causes, a.width()))
	}
	if err == nil && causes.Fatal {
		err = &exitError{code: exitCheck, silent: true}
	}
	return err
}

func (a *app) readLog(name string) (string, error) {
	if name == "-" {
		text, err := io.ReadAll(io.LimitReader(a.In, logLimit))
		return string(text), err
	}
	snapshot, err := file.Read(name)
	switch {
	case err != nil:
		return "", usage("--log: %v", err)
	case !snapshot.Exists:
		return "", usage("--log %q: there is no such file", name)
	}
	return string(snapshot.Bytes), nil
}
