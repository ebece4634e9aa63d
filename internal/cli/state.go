package cli

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"github.com/openchoreo/backstage-setup/internal/file"
	"github.com/openchoreo/backstage-setup/k8s"
)

// stateDir is where this program keeps what outlives a run. It need not be there.
func (a *app) stateDir() (string, error) {
	dir, ok := a.LookupEnv("XDG_STATE_HOME")
	if !ok || !filepath.IsAbs(dir) {
		home, ok := a.LookupEnv("HOME")
		if !ok {
			return "", errors.New("no home directory to keep anything in")
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "backstage-setup"), nil
}

// cluster is what is remembered of the cluster that was written to last.
type cluster struct {
	Context string `json:"context"`
	Server  string `json:"server"`
	CA      string `json:"ca,omitempty"` // the fingerprint that the screen shows
}

const lastCluster = "cluster.json"

// lastTarget is the cluster that the last run on this machine wrote to; zero when
// that is not known, which asks for nothing.
func (a *app) lastTarget() k8s.Target {
	dir, err := a.stateDir()
	if err != nil {
		return k8s.Target{}
	}
	text, err := os.ReadFile(filepath.Join(dir, lastCluster))
	if err != nil {
		return k8s.Target{}
	}
	var last cluster
	if json.Unmarshal(text, &last) != nil {
		return k8s.Target{}
	}
	return k8s.Target{Context: last.Context, Server: last.Server, CAFingerprint: last.CA}
}

// saveLastTarget remembers the cluster for the next run. Where nothing can be
// kept, such as in a container without a home, nothing is.
func (a *app) saveLastTarget(t k8s.Target) error {
	dir, err := a.stateDir()
	if err != nil {
		return nil
	}
	now := cluster{Context: t.Context, Server: t.Server, CA: t.CAFingerprint}
	if last := a.lastTarget(); (cluster{last.Context, last.Server, last.CAFingerprint}) == now {
		return nil
	}
	text, err := json.Marshal(now)
	if err != nil {
		return err
	}
	if os.MkdirAll(dir, 0o700) != nil {
		return nil
	}
	snapshot, err := file.Read(filepath.Join(dir, lastCluster))
	if err != nil {
		return nil
	}
	_ = snapshot.Replace(text, file.Options{Mode: 0o600}) // a memory that cannot be kept is no failure of the run
	return nil
}
