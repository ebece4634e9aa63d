package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/file"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
)

// JournalAnnotation holds a run's Journal as JSON on the Secret PreviousName.
// No value of a secret is in it: the old ones are that Secret's own keys.
const JournalAnnotation = "backstage-setup.openchoreo.dev/journal"

// PreviousName is the Secret that keeps the old values of the named one while a
// run is not verified.
func PreviousName(secretName string) string { return secretName + k8s.PreviousSuffix }

// Journal is what undoing a run takes. It is written before the run's first
// change and goes when the run is verified, so that a run that was killed can be
// undone or gone on with, from another machine too.
type Journal struct {
	Flow       string           `json:"flow"`
	Started    time.Time        `json:"started"`
	Resumed    time.Time        `json:"resumed,omitzero"` // when the last run that goes on with it began
	Namespace  string           `json:"namespace,omitempty"`
	Secret     string           `json:"secret,omitempty"` // the portal's
	Created    bool             `json:"created,omitempty"`
	Set        []string         `json:"set,omitempty"`   // its keys that were given another value
	Added      []string         `json:"added,omitempty"` // its keys that were not there
	Release    string           `json:"release,omitempty"`
	Revision   int              `json:"revision,omitempty"` // of the release before; 0 when it is not known or there was none
	Upgrade    bool             `json:"upgrade,omitempty"`  // the run runs helm upgrade
	Deployment string           `json:"deployment,omitempty"`
	Wait       time.Duration    `json:"wait,omitempty"` // bounds the roll-out, in nanoseconds
	Files      []JournalFile    `json:"files,omitempty"`
	Entries    []JournalEntry   `json:"entries,omitempty"`
	External   *JournalExternal `json:"external,omitempty"`
	Claim      *JournalClaim    `json:"claim,omitempty"`    // that is kept although the release has it no more
	Unread     bool             `json:"unread,omitempty"`   // the pods that were there read none of the keys that are written
	Kept       bool             `json:"kept,omitempty"`     // the run ended well, and was not verified
	Database   *JournalDatabase `json:"database,omitempty"` // that the portal was given; nil where the run was about no other

	Old map[string]secret.Text `json:"-"` // of Set; in the cluster the keys of the Secret PreviousName
	New map[string]secret.Text `json:"-"` // of Set and Added, while the run lasts

	Helm  chart.Upgrade `json:"-"` // while the run lasts
	Reach string        `json:"-"` // kubectl's flags for the cluster
	Proof *Prove        `json:"-"` // that the run made, or is to make

	Followed bool     `json:"-"` // an earlier run's is in it: whatever it tells may have been done
	Earlier  []string `json:"-"` // keys of Set and Added that the earlier run may have given values that are not in New

	// Where the journal was found, for the write that takes it away again.
	UID, ResourceVersion string `json:"-"`
	File                 string `json:"-"` // in the state directory; "" is the cluster
}

// JournalFile is one file that a run writes.
type JournalFile struct {
	Name   string `json:"name"`             // as the WriteFile's
	Path   string `json:"path"`             // absolute, on the machine where the run was started
	Before string `json:"before,omitempty"` // SHA-256 in hexadecimal; "" is a file that was not there
	After  string `json:"after"`            // the same, of what is written
	Kept   string `json:"kept,omitempty"`   // where the old bytes are
	Backup bool   `json:"backup,omitempty"` // they stay there in the end

	Earlier []string `json:"earlier,omitempty"` // the same as After, of earlier runs that this one goes on with

	Snapshot file.Snapshot `json:"-"` // while the run lasts
	Bytes    []byte        `json:"-"` // that it writes
}

// Journaled returns what undoing the actions takes.
func Journaled(actions []Action) Journal {
	var j Journal
	for _, action := range actions {
		switch a := action.(type) {
		case KeepPrevious:
			return a.Journal
		case KeepVolume:
			j.Namespace, j.Claim = a.Namespace, &a.Claim
		case WriteFile:
			j.Files = append(j.Files, a.journal())
		case WriteSecret:
			j.Namespace, j.Secret, j.Created = a.Change.Namespace, a.Change.Name, a.Create
			j.Old, j.New, j.Unread = a.Previous, a.Change.Set, a.Unread
			for _, key := range slices.Sorted(maps.Keys(a.Change.Set)) {
				if _, there := a.Previous[key]; there {
					j.Set = append(j.Set, key)
				} else {
					j.Added = append(j.Added, key)
				}
			}
		case WriteStore:
			j.Entries = append(j.Entries, JournalEntry{Address: a.Target.Address, Namespace: a.Target.Namespace,
				Mount: a.At.Mount, Entry: a.At.Entry, Before: a.Version, Live: a.Live, Target: a.Target})
		case AddExternalKeys:
			j.External = &JournalExternal{Namespace: a.External.Namespace, Name: a.External.Name, Added: a.Keys}
		case CreateExternal:
			j.External = &JournalExternal{Namespace: a.New.Namespace, Name: a.New.Name, Created: true}
		case AwaitSync:
			if j.External == nil {
				j.External = &JournalExternal{Namespace: a.External.Namespace, Name: a.External.Name}
			}
			for _, k := range a.External.Data {
				j.External.Keys = append(j.External.Keys, k.SecretKey)
			}
			j.Wait, j.Unread = a.Timeout, a.Unread
		case Upgrade:
			j.Namespace, j.Release, j.Revision, j.Upgrade, j.Helm = a.Helm.Namespace, a.Helm.Release, a.Revision, true, a.Helm
		case Restart:
			j.Namespace, j.Deployment = a.Namespace, a.Deployment
		case AwaitRollout:
			j.Namespace, j.Deployment, j.Wait, j.Reach = a.Namespace, a.Deployment, a.Timeout, a.Reach
		case Prove:
			j.Proof = &a
		}
	}
	return j
}

func (a WriteFile) journal() JournalFile {
	f := JournalFile{
		Name: a.Name, Path: a.Change.File.Real, Before: a.Change.File.Sum(), After: file.Sum(a.Change.After), Backup: a.Backup,
		Snapshot: a.Change.File, Bytes: a.Change.After,
	}
	if a.Backup || a.Keep {
		f.Kept = a.Change.File.BackupPath()
	}
	return f
}

// Encode returns the journal as JSON, without any value of a secret.
func (j Journal) Encode() (string, error) {
	text, err := json.Marshal(j)
	return string(text), err
}

// FoundJournal reads the journal that an earlier run left in s, the Secret
// PreviousName. It is nil when s is none of ours.
func FoundJournal(s *k8s.Secret) (*Journal, error) {
	if s == nil || s.Annotations[JournalAnnotation] == "" {
		return nil, nil
	}
	j, err := DecodeJournal([]byte(s.Annotations[JournalAnnotation]))
	if err != nil {
		return nil, fmt.Errorf("annotation %s of Secret %s/%s cannot be read: %w", JournalAnnotation, s.Namespace, s.Name, err)
	}
	j.Old, j.UID, j.ResourceVersion = maps.Clone(s.Values), s.UID, s.ResourceVersion
	maps.DeleteFunc(j.Old, func(key string, _ secret.Text) bool { return !slices.Contains(j.Set, key) })
	return j, nil
}

// DecodeJournal reads what Encode wrote.
func DecodeJournal(text []byte) (*Journal, error) {
	var j Journal
	err := json.Unmarshal(text, &j)
	return &j, err
}

// Follow returns the journal of a run that goes on where earlier was
// interrupted: what was there before the first of the two counts.
func (j Journal) Follow(earlier Journal) Journal {
	j.Followed, j.Earlier = true, union(earlier.Set, earlier.Added)
	j.Started, j.UID, j.ResourceVersion = earlier.Started, earlier.UID, earlier.ResourceVersion
	j.Unread = earlier.Unread && (j.Unread || !j.writesKeys())
	old := maps.Clone(j.Old)
	if old == nil {
		old = map[string]secret.Text{}
	}
	maps.Copy(old, earlier.Old)
	j.Old = old
	for _, key := range earlier.Added {
		delete(j.Old, key)
	}
	own := slices.DeleteFunc(slices.Clone(j.Added), func(key string) bool { return slices.Contains(earlier.Set, key) })
	j.Added = union(own, earlier.Added)
	j.Set = slices.DeleteFunc(union(j.Set, earlier.Set), func(key string) bool { return slices.Contains(earlier.Added, key) })
	j.Created = j.Created || earlier.Created
	if earlier.Revision > 0 {
		j.Release, j.Revision = earlier.Release, earlier.Revision
	}
	j.Upgrade = j.Upgrade || earlier.Upgrade
	if j.Deployment == "" {
		j.Deployment, j.Wait = earlier.Deployment, earlier.Wait
	}
	for _, e := range earlier.Entries {
		i := slices.IndexFunc(j.Entries, func(own JournalEntry) bool { return own.Address == e.Address && own.At() == e.At() })
		if i < 0 {
			j.Entries = append(j.Entries, e)
			continue
		}
		j.Entries[i].Before, j.Entries[i].Live = e.Before, e.Live
	}
	if e := earlier.External; e != nil {
		if j.External == nil {
			j.External = &JournalExternal{}
		}
		own := *j.External
		own.Namespace, own.Name, own.Created, own.Keys = e.Namespace, e.Name, e.Created, e.Keys
		own.Added = append(slices.Clone(own.Added), e.Added...)
		j.External = &own
	}
	j.Claim = j.Claim.follow(earlier.Claim)
	if j.Database == nil {
		j.Database = earlier.Database
	}
	for _, f := range earlier.Files {
		i := slices.IndexFunc(j.Files, func(own JournalFile) bool { return own.Path == f.Path })
		if i < 0 {
			j.Files = append(j.Files, f)
			continue
		}
		own := &j.Files[i]
		if own.Before != f.Before && !f.Wrote(own.Before) {
			continue // somebody has edited it since: that is what was there
		}
		own.Earlier = append(slices.Clone(f.Earlier), f.After)
		own.Before, own.Kept, own.Backup = f.Before, f.Kept, own.Backup || f.Backup
		own.Snapshot, own.Bytes = file.Snapshot{}, nil // what was read now is not what was there first
	}
	return j
}

// writesKeys tells whether the run writes keys of the Secret, itself or through
// its owner.
func (j Journal) writesKeys() bool {
	return j.Created || len(j.Set)+len(j.Added)+len(j.Entries) > 0 || j.External != nil
}

// Without returns the journal of what is left to undo when some of the run's
// actions have been undone, which are told by ID.
func (j Journal) Without(undone func(id string) bool) Journal {
	if undone("secret") {
		j.Created, j.Set, j.Added, j.Old = false, nil, nil, nil
	}
	if undone("upgrade") {
		j.Upgrade, j.Revision = false, 0
	}
	if undone(KeepVolume{}.ID()) {
		j.Claim = nil
	}
	if e := j.External; e != nil {
		own := *e
		if undone("external.create") {
			own.Created, own.Keys = false, nil
		}
		if undone("external.keys") {
			own.Added = nil
		}
		j.External = &own
	}
	j.Entries = slices.DeleteFunc(slices.Clone(j.Entries), func(e JournalEntry) bool { return undone(WriteStore{At: e.At()}.ID()) })
	j.Files = slices.DeleteFunc(slices.Clone(j.Files), func(f JournalFile) bool { return undone(WriteFile{Name: f.Name}.ID()) })
	return j
}

// Unwritten returns the journal of a run that goes on with an earlier one and has
// not written the Secret itself: only what the earlier one may have written there.
func (j Journal) Unwritten() Journal {
	own := func(key string) bool { return !slices.Contains(j.Earlier, key) }
	j.New, j.Old = nil, maps.Clone(j.Old)
	maps.DeleteFunc(j.Old, func(key string, _ secret.Text) bool { return own(key) })
	j.Set = slices.DeleteFunc(slices.Clone(j.Set), own)
	j.Added = slices.DeleteFunc(slices.Clone(j.Added), own)
	return j
}

// wrote tells whether the journal's run, or one before it, wrote the file as it is
// now.
func (j Journal) wrote(now file.Snapshot) bool {
	return slices.ContainsFunc(j.Files, func(f JournalFile) bool { return f.Path == now.Real && f.Wrote(now.Sum()) })
}

// Wrote tells whether the run, or one before it, wrote what has that SHA-256; a
// file that is not there, "", was written by none.
func (f JournalFile) Wrote(sum string) bool {
	return sum != "" && (sum == f.After || slices.Contains(f.Earlier, sum))
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// Words says what the journal's run was about, for people: "install of
// 2026-11-23 14:02 UTC: client-secret, backstage-values.yaml".
func (j Journal) Words() string {
	var what []string
	what = append(what, j.Set...)
	what = append(what, j.Added...)
	for _, f := range j.Files {
		what = append(what, f.Path)
	}
	for _, e := range j.Entries {
		what = append(what, e.At().String()+" in the store")
	}
	if j.Claim != nil {
		what = append(what, "claim "+j.Claim.Name+" kept")
	}
	if j.Upgrade {
		what = append(what, "helm upgrade of "+j.Release)
	}
	text := fmt.Sprintf("%s of %s", j.Flow, j.Started.UTC().Format("2006-01-02 15:04 MST"))
	if len(what) > 0 {
		text += ": " + strings.Join(what, ", ")
	}
	return text
}
