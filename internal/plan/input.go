// Package plan turns what is there and what is wanted into what will change:
// files, diffs, Secret keys, actions, commands, warnings. It is pure: it must
// not know how anything is carried out, and it reads no clock, no environment
// and no random source.
package plan

import (
	"slices"
	"time"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/file"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/internal/values"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/templates"
)

// Input is all that a plan depends on.
type Input struct {
	Current Current
	Draft   answers.Draft
	Profile templates.Profile
	Chart   *chart.Chart
	// Planned is what came of all this, when it has been planned: whoever looks at
	// the plan need not make it again. A plan does not depend on it.
	Planned *Plan
}

// Current is what is there before anything is changed.
type Current struct {
	Offline           bool          // nothing outside this machine is contacted
	NoConfig          bool          // there is no kubeconfig: the same, but not asked for
	Contexts          []string      // of the kubeconfig
	Target            k8s.Target    // zero when Offline or NoConfig
	Kubeconfig        string        // --kubeconfig, which the commands for the operator repeat
	Cluster           k8s.Found     // zero until discovery has ended
	Known             bool          // discovery has ended
	Files             []ValuesFile  // in Helm's order
	Edit              int           // index in Files of the one that is created or edited
	Manifest          Manifest      // the Secret manifest on disk, if it is ours
	Random            secret.Text   // 32 random bytes in base64, drawn once per run
	Fingerprint       []byte        // key of the fingerprints, drawn once per run
	ChartRef          string        // how helm names the chart: an oci:// reference, directory or archive
	Restart           bool          // the pods may be restarted when nothing else rolls them
	Wait              time.Duration // bounds the rollout
	Bound             bool          // somebody asked for Wait: it bounds helm too
	Backup            bool          // keep the previous bytes beside an edited file
	DropLastApplied   bool          // take kubectl's copy of old secrets off the Secret
	PostgresCA        []byte        // content of database.postgresql.caFile
	PostgresShown     ShownChain    // what the PostgreSQL server shows of itself; zero until it was asked
	Own               []string      // names of this machine, which no pod knows
	PostgresCAProblem string        // why it could not be read; completes "The value …"
	Accept            []string      // checks that the operator goes on without
	Flow              string        // ID of the flow, for the journal
	Upgrade           bool          // helm upgrade is run too
	KeepPrevious      bool          // the old values are kept, whatever else
	NoPrevious        bool          // they are not, although undoing after a kill takes them
	UndoOnFailure     bool          // a roll-out that fails is undone
	Journal           *Journal      // that an earlier run left; nil when there is none
	JournalProblem    string        // what is in the journal's place and is none
	Rights            []k8s.Access  // that a run can need, with whether they are there
	RightsUnknown     string        // why Rights is not known
	Store             StoreState    // of the Secret's values, where External Secrets makes it
	ExternalFile      file.Snapshot // where the change of an ExternalSecret goes that somebody keeps in Git
	DryRun            bool          // nothing is written, so nothing is to be confirmed
	LastTarget        k8s.Target    // of the last run that wrote to a cluster; zero when there is none
	Provider          Provider      // what the identity provider said; zero until it was asked
	Databases         Databases     // what the cluster said about PostgreSQL servers in it
	Health            k8s.Health    // how what is installed does; zero unless that is what the run is about
	Against           []ValuesFile  // in Helm's order: what the release is compared with, by a run that edits none
	Pasted            Pasted        // what was given in place of asking it

	Await   time.Duration // of a rotation: how long to wait for the server to take the new value; negative leaves it to the flow
	Revoked time.Duration // the same: to reject the old one; 0 does not wait
	History bool          // the same: the Secret tells when its keys were set

	Skip  map[string]string // checks that are not made, with the reason
	Probe bool              // requests that leave a failed attempt in the provider's log are allowed

	ProbeResult []byte // what a Job in the cluster wrote that asked PostgreSQL; nil asks from here
	ProbeCreate bool   // a database is made and dropped at PostgreSQL, to see whether it can be
}

// ValuesFile is one values file.
type ValuesFile struct {
	Path   string        // as the operator named it
	File   file.Snapshot // what was read; Exists is false for a new one
	Values *values.File  // the chart's values in it; nil for a new one
}

// Manifest is a Secret manifest that an earlier run wrote.
type Manifest struct {
	File file.Snapshot
	Ours bool
	Keys map[string]secret.Text
}

// Accepts tells whether the operator goes on although the check of that id fails.
func (c Current) Accepts(id string) bool { return slices.Contains(c.Accept, id) }

// Local tells whether the run touches no cluster.
func (c Current) Local() bool { return c.Offline || c.NoConfig }

// edited returns the values file that is created or edited.
func (in Input) edited() ValuesFile { return in.Current.Files[in.Current.Edit] }

// editedPath is the path of that file, or what a new one is called.
func (in Input) editedPath() string {
	if in.Current.Edit >= len(in.Current.Files) {
		return "backstage-values.yaml"
	}
	return in.edited().Path
}

// own returns the values in the edited file. A new one starts from those that
// the release was given.
func (in Input) own() map[string]any {
	f := in.edited()
	if config := in.Current.Cluster.Release.Config; !f.File.Exists && len(config) > 0 {
		return config
	}
	return f.Values.Tree()
}

// trees returns the values of the files in order, with those of the edited one
// as given.
func (in Input) trees(own map[string]any) []map[string]any {
	trees := make([]map[string]any, len(in.Current.Files))
	for i, f := range in.Current.Files {
		trees[i] = f.Values.Tree()
	}
	trees[in.Current.Edit] = own
	return trees
}

// EditedExists tells whether the edited values file is there already.
func (in Input) EditedExists() bool { return in.edited().File.Exists }

// Under returns the values as Helm sees them without the edited file: the
// chart's defaults and the files before it.
func (in Input) Under() map[string]any {
	return in.merge(in.trees(nil)[:in.Current.Edit])
}

// Effective returns the values as Helm sees them today: the chart's defaults
// and all files in order.
func (in Input) Effective() map[string]any { return in.merge(in.trees(in.own())) }

// Theirs returns what the operator's files say, without the chart's defaults.
func (in Input) Theirs() map[string]any {
	merged := map[string]any{}
	for _, tree := range in.trees(in.own()) {
		merged = overlay(merged, tree)
	}
	return merged
}

func (in Input) merge(trees []map[string]any) map[string]any {
	merged, err := in.Chart.Effective(trees...)
	if err != nil {
		return in.Chart.Defaults() // a file that Helm cannot merge is a failed check of its own
	}
	return merged
}

// overlay puts upper over lower as Helm merges values: maps by key, null takes
// away, everything else replaces.
func overlay(lower, upper map[string]any) map[string]any {
	merged := make(map[string]any, len(lower)+len(upper))
	for k, v := range lower {
		merged[k] = v
	}
	for k, v := range upper {
		below, ok1 := merged[k].(map[string]any)
		above, ok2 := v.(map[string]any)
		if ok1 && ok2 {
			v = overlay(below, above)
		}
		merged[k] = v
	}
	return merged
}

// ChartHas tells whether the chosen chart has what key is about.
func (in Input) ChartHas(key answers.Key) bool { return in.Profile.Has(string(key)) }

// Has tells whether the edited values file itself sets the Helm path of key.
func (in Input) Has(key answers.Key) bool {
	path, ok := in.Profile.Paths[string(key)]
	if !ok {
		return false
	}
	_, ok = values.Lookup(in.own(), values.MustPath(path))
	return ok
}

// KeptFrom returns the existing value of the Secret's key that answers key, and
// where it is: the Secret in the cluster, or our own manifest on disk.
func (in Input) KeptFrom(key answers.Key) (value secret.Text, where string, ok bool) {
	sk, ok := in.Profile.SecretKey(string(key))
	if !ok {
		return secret.Text{}, "", false
	}
	return in.existing(in.secretKeyName(sk))
}

func (in Input) existing(name string) (value secret.Text, where string, ok bool) {
	if in.Draft.Secret.Delivery == DeliverManifest && in.Current.Manifest.Ours {
		if value, ok := in.Current.Manifest.Keys[name]; ok {
			return value, "manifest " + in.Current.Manifest.File.Path, true
		}
	}
	if s := in.Current.Cluster.Secret.Secret; s != nil && slices.Contains(s.Keys, name) {
		return s.Values[name], "Secret " + s.Name, true
	}
	return secret.Text{}, "", false
}

// secretKeyName returns the name that the values give a key of the Secret.
func (in Input) secretKeyName(sk templates.SecretKey) string {
	if sk.NamePath == "" {
		return sk.Name
	}
	if name, ok := values.Lookup(in.Theirs(), values.MustPath(sk.NamePath)); ok {
		if text, ok := name.(string); ok && text != "" && text != "client-secret" {
			return text
		}
	}
	return sk.Name
}

// The deliveries of the Secret.
const (
	DeliverKubernetes = "kubernetes"
	DeliverStore      = "external-secrets"
	DeliverManifest   = "manifest"
)

// Text returns the answer under key as text, "true" and "false" for yes and no,
// "" when there is none: what templates.When asks for.
func (in Input) Text(key string) string {
	k := answers.Key(key)
	if !in.Draft.Has(k) {
		return ""
	}
	switch v := in.Draft.Get(k).(type) {
	case string:
		return v
	case bool:
		if v {
			return "true"
		}
		return "false"
	case int:
		return itoa(v)
	case secret.Value:
		if v.Ref.Keep || !v.Text.IsZero() || v.Ref != (secret.Ref{}) {
			return "set"
		}
	}
	return ""
}
