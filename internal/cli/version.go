package cli

import (
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/templates"
	"github.com/openchoreo/backstage-setup/wizard"
)

// build is what this binary was made of.
type build struct {
	Name     string   `json:"name"`
	Version  string   `json:"version"`
	Commit   string   `json:"commit,omitempty"`
	Date     string   `json:"date,omitempty"` // of the commit
	Modified bool     `json:"modified,omitempty"`
	Go       string   `json:"go"`
	Platform string   `json:"platform"`
	Charts   []string `json:"charts"` // versions of openchoreo-control-plane that it knows
}

func (a *app) build() build {
	b := build{Name: "backstage-setup", Version: a.Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		if b.Version == "" && strings.HasPrefix(info.Main.Version, "v") {
			b.Version = info.Main.Version
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value
			case "vcs.time":
				b.Date = s.Value
			case "vcs.modified":
				b.Modified = s.Value == "true"
			}
		}
	}
	b.Version = strings.TrimPrefix(b.Version, "v")
	if b.Version == "" {
		b.Version = "dev"
	}
	for _, p := range templates.Profiles() {
		b.Charts = append(b.Charts, p.Versions...)
	}
	return b
}

func (a *app) versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "version", Short: "print version, commit and the charts it knows", Args: cobra.NoArgs,
		Long:    "Without a network: nothing is asked for newer versions.",
		Example: "  backstage-setup version\n  backstage-setup version -o json",
		RunE:    func(*cobra.Command, []string) error { return a.version() },
	}
	a.outputFlag(cmd)
	return cmd
}

func (a *app) version() error {
	if err := a.checkOutput(); err != nil {
		return err
	}
	b := a.build()
	if a.output == "json" {
		return wizard.WriteJSON(a.out, b)
	}
	commit := b.Commit
	if b.Date != "" {
		commit += " of " + b.Date
	}
	if b.Modified {
		commit += ", with changes"
	}
	rows := [][2]string{{b.Name, b.Version}}
	if commit != "" {
		rows = append(rows, [2]string{"commit", commit})
	}
	rows = append(rows, [2]string{"built with", b.Go + " for " + b.Platform})
	for i, p := range templates.Profiles() {
		known := p.Versions[0] + " to " + p.Versions[len(p.Versions)-1]
		rows = append(rows, [2]string{label(i, "knows"), chart.Name + " " + known})
	}
	return writeLines(a.out, columns(0, 17, rows, a.width()))
}
