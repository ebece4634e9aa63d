package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
)

// StoreTarget is the OpenBao or Vault server behind an ExternalSecret.
type StoreTarget struct {
	Address   string // URL; a Service of the cluster is reached through a port-forward
	Namespace string // of the server itself, "" is the root
	CABundle  string // certificates in PEM, "" is none
	CAFile    string // another file of them, "" is none
	Token     secret.Text
}

// StoreAt is an entry of a key-value engine.
type StoreAt struct{ Mount, Entry string }

func (a StoreAt) String() string { return a.Mount + "/" + a.Entry }

// StoreState is what was read of the store.
type StoreState struct {
	Read     bool   // it was
	Problem  string // why not
	Hint     string // what to do about the problem
	InMemory bool   // a restart of the server loses everything
	Entries  map[StoreAt]StoreEntry
}

// StoreEntry is one entry as it is. The zero StoreEntry is not there.
type StoreEntry struct {
	Version int  // that a write has to replace
	Live    bool // the version has data
	Values  map[string]secret.Text
	NoUndo  string // why a write cannot be undone once this run has ended
	Refused string // why it may not be written
}

// InStore tells whether the portal's Secret is made from a store.
func (in Input) InStore() bool {
	if in.Current.Local() || !in.Draft.Portal.Enabled {
		return false
	}
	return in.Current.Cluster.Secret.Owner.Kind == k8s.OwnerExternalSecrets ||
		in.Draft.Secret.Delivery == DeliverStore && in.Current.Cluster.Secret.Owner.Kind == ""
}

// StoreTarget returns the store that this run may write to: it has an address, a
// token, and speaks the protocol of OpenBao and Vault.
func (in Input) StoreTarget() (StoreTarget, bool) {
	s, es := in.Draft.Secret.Store, in.Current.Cluster.External
	t := StoreTarget{
		Address: cmp.Or(s.Address, es.Store.Server), Namespace: es.Store.KVNamespace,
		CABundle: es.Store.CABundle, CAFile: s.CAFile, Token: s.Token.Text,
	}
	other := es.Store.Provider != "" && es.Store.Provider != "vault" || es.Store.Version == "v1"
	return t, in.InStore() && t.Address != "" && !t.Token.IsZero() && !other
}

// StorePlaces returns the entries of all keys that the portal's Secret needs.
func (in Input) StorePlaces() []StoreAt {
	var names []string
	for _, sk := range in.Profile.SecretKeys {
		if sk.Required.Holds(in.Text) {
			names = append(names, in.secretKeyName(sk))
		}
	}
	var places []StoreAt
	for _, k := range in.storeKeys(names) {
		if at := (StoreAt{k.Mount, k.Entry}); k.Unsupported == "" && !slices.Contains(places, at) {
			places = append(places, at)
		}
	}
	return places
}

func (in Input) storeKeys(names []string) []k8s.StoreKey {
	s := in.Draft.Secret.Store
	return k8s.StoreKeys(in.Current.Cluster.External, k8s.StorePlace{Mount: cmp.Or(s.Mount, "secret"), Path: s.Path}, names...)
}

// behind tells whether the store or the ExternalSecret does not have what the
// Secret holds, as after an undo that was stopped before External Secrets had
// synced: the next sync would take the value away again.
func (in Input) behind(name string, value secret.Text) bool {
	if !in.InStore() || !in.Current.Store.Read || in.Current.Cluster.External.Name == "" {
		return false
	}
	k := in.storeKeys([]string{name})[0]
	return k.Unsupported == "" && (k.New != (k8s.ExternalKey{}) || !in.Current.Store.Entries[StoreAt{k.Mount, k.Entry}].Values[k.Property].Equal(value))
}

// deliver plans the way of the changed keys through the store: their entries,
// what the ExternalSecret lacks, and the wait until they are in the Secret. Where
// that cannot be done here it says why.
func (p *Plan) deliver() (why string) {
	state, es := p.in.Current.Store, p.in.Current.Cluster.External
	target, ok := p.in.StoreTarget()
	switch {
	case !ok:
		return "no token for the store was given"
	case !state.Read:
		return cmp.Or(state.Problem, "the store was not read yet")
	case es.Name == "" && p.in.Current.Cluster.Secret.Secret != nil:
		return "a new ExternalSecret would drop the keys of the Secret that is there"
	case es.Name == "" && es.Store.Unknown != "":
		return es.Store.Kind + " " + es.Store.Name + " is not known: " + es.Store.Unknown
	case es.Name == "" && es.Store.Name == "":
		return "the cluster has no External Secrets, or its resources may not be listed"
	case es.Unknown != "" && es.Name == "":
		return "the ExternalSecret is not known: " + es.Unknown
	}
	if stuck := es.Stuck(); es.Name != "" && stuck != "" {
		return stuck
	}
	wanted := map[string]secret.Text{}
	var names []string
	for _, k := range p.Secret.Keys {
		if (k.changes || es.Name == "") && !k.Value.IsZero() {
			names = append(names, k.Name)
			wanted[k.Name] = k.Value
		}
	}
	entries := map[StoreAt]map[string]secret.Text{}
	var order []StoreAt
	var fresh []k8s.ExternalKey
	for _, k := range p.in.storeKeys(names) {
		at := StoreAt{k.Mount, k.Entry}
		entry := state.Entries[at]
		switch {
		case k.Unsupported != "":
			return k.SecretKey + ": " + k.Unsupported
		case entry.Refused != "":
			return at.String() + ": " + entry.Refused
		}
		if k.New != (k8s.ExternalKey{}) {
			fresh = append(fresh, k.New)
		}
		if now, there := entry.Values[k.Property]; there && now.Equal(wanted[k.SecretKey]) {
			continue
		}
		if entries[at] == nil {
			entries[at] = map[string]secret.Text{}
			order = append(order, at)
		}
		entries[at][k.Property] = wanted[k.SecretKey]
	}
	for _, at := range order {
		entry := state.Entries[at]
		p.delivery = append(p.delivery, WriteStore{Target: target, At: at, Set: entries[at], Version: entry.Version, Live: entry.Live})
		if entry.NoUndo != "" {
			p.Warn("target", "%s cannot be put back once this run has ended: %s", at, entry.NoUndo)
		}
	}
	if state.InMemory {
		p.Warn("target", "the store keeps everything in memory: a restart of it forgets what is written now, and External Secrets then puts back what it is seeded with")
	}
	if strings.HasPrefix(target.Address, "http://") && !isService(target.Address) {
		p.Warn("target", "the store at %s is reached without TLS: anybody on the way can read token and secrets", target.Address)
	}
	p.follow(es, fresh)
	return ""
}

// follow brings the ExternalSecret up to what the store has now.
func (p *Plan) follow(es k8s.ExternalSecret, fresh []k8s.ExternalKey) {
	var keys []string
	for _, k := range p.Secret.Keys {
		if k.Action != "removed" {
			keys = append(keys, k.Name)
		}
	}
	slices.Sort(keys)
	wait := AwaitSync{External: es, Keys: keys, Timeout: p.in.Current.Wait}
	switch {
	case es.Name == "":
		n := k8s.NewExternalSecret{Name: p.Secret.Name, Namespace: p.Secret.Namespace, Store: k8s.StoreRef{Kind: es.Store.Kind, Name: es.Store.Name}, Keys: fresh}
		p.delivery = append(p.delivery, CreateExternal{New: n}, wait)
	case len(fresh) > 0 && es.Owner.Kind != "":
		p.commitExternal(es, fresh)
	case len(fresh) > 0:
		p.delivery = append(p.delivery, AddExternalKeys{External: es, Keys: fresh}, wait)
	default:
		wait.Force = true
		p.delivery = append(p.delivery, wait)
	}
}

// ExternalFile is where the change of an ExternalSecret goes that somebody else
// keeps as it is in Git.
const ExternalFile = "backstage-external-secret.yaml"

// commitExternal writes the change of the ExternalSecret to a file: its owner
// would undo it in the cluster.
func (p *Plan) commitExternal(es k8s.ExternalSecret, fresh []k8s.ExternalKey) {
	text, err := k8s.ManifestWith(es, fresh)
	if err != nil {
		p.Problems = append(p.Problems, answers.Problem{Key: "secret.delivery", Message: err.Error()})
		return
	}
	snapshot := p.in.Current.ExternalFile
	change := FileChange{Path: ExternalFile, File: snapshot, After: text, Mode: 0o644, Action: "created"}
	switch {
	case snapshot.Exists && string(snapshot.Bytes) == string(text):
		change.Action = "unchanged"
	case snapshot.Exists:
		change.Action = "edited"
	}
	change.Diff = unified(ValuesFile{Path: ExternalFile, File: snapshot}, text)
	p.external = &change
	p.Secret.Guide = append(p.Secret.Guide,
		fmt.Sprintf("ExternalSecret %s belongs to %s: commit what %s adds to its spec.data there, let it sync, and run this again.", es.Name, cmp.Or(es.Owner.Name, string(es.Owner.Kind)), ExternalFile))
}

// isService tells the address of a Service of the cluster, which is reached
// through the API server.
func isService(address string) bool {
	_, host, _ := strings.Cut(address, "://")
	host, _, _ = strings.Cut(host, "/")
	host, _, _ = strings.Cut(host, ":")
	return k8s.IsClusterAddress(host)
}

// WriteStore gives properties of an entry another value, unless somebody has
// written the entry since it was read; the others stay byte for byte.
type WriteStore struct {
	Target  StoreTarget
	At      StoreAt
	Set     map[string]secret.Text // by property
	Version int                    // as read; 0 is an entry that is not there
	Live    bool                   // that version has data
}

// ID returns "store.mount/entry".
func (a WriteStore) ID() string { return "store." + a.At.String() }

// Title returns "write client-secret of the store's entry secret/backstage".
func (a WriteStore) Title() string {
	return fmt.Sprintf("write %s of %s in the store", strings.Join(slices.Sorted(maps.Keys(a.Set)), ", "), a.At)
}

// AddExternalKeys adds to an ExternalSecret what it lacks.
type AddExternalKeys struct {
	External k8s.ExternalSecret
	Keys     []k8s.ExternalKey
}

// ID returns "external.keys".
func (a AddExternalKeys) ID() string { return "external.keys" }

// Title returns "add client-secret to ExternalSecret namespace/name".
func (a AddExternalKeys) Title() string {
	var names []string
	for _, k := range a.Keys {
		names = append(names, k.SecretKey)
	}
	return fmt.Sprintf("add %s to ExternalSecret %s/%s", strings.Join(names, ", "), a.External.Namespace, a.External.Name)
}

// CreateExternal makes the ExternalSecret of a new installation.
type CreateExternal struct{ New k8s.NewExternalSecret }

// ID returns "external.create".
func (a CreateExternal) ID() string { return "external.create" }

// Title returns "create ExternalSecret namespace/name".
func (a CreateExternal) Title() string {
	return fmt.Sprintf("create ExternalSecret %s/%s", a.New.Namespace, a.New.Name)
}

// AwaitSync waits until External Secrets has brought the store's values into the
// Secret.
type AwaitSync struct {
	External k8s.ExternalSecret
	Keys     []string // that the Secret then has
	Force    bool     // the ExternalSecret does not change, so it has to be told
	Timeout  time.Duration
	Again    bool // after something was put back
	Unread   bool // the pods that run read none of the keys that change
}

// ID returns "sync", or "undo.sync".
func (a AwaitSync) ID() string { return again(a.Again, "sync") }

// Title returns "wait for ExternalSecret namespace/name".
func (a AwaitSync) Title() string {
	return fmt.Sprintf("wait for ExternalSecret %s/%s to sync", a.External.Namespace, a.External.Name)
}

// RestoreStore puts an entry of the store back as it was, unless somebody has
// written it since.
type RestoreStore struct {
	Target StoreTarget
	Entry  JournalEntry
}

// ID returns "undo.store.mount/entry".
func (a RestoreStore) ID() string { return "undo." + a.Undoes() }

// Undoes returns the WriteStore's ID.
func (a RestoreStore) Undoes() string { return "store." + a.Entry.At().String() }

// Title returns "put secret/backstage in the store back as it was".
func (a RestoreStore) Title() string {
	return fmt.Sprintf("put %s in the store back as it was", a.Entry.At())
}

// RemoveExternalKeys takes away what AddExternalKeys added.
type RemoveExternalKeys struct {
	Namespace, Name string
	Keys            []k8s.ExternalKey
}

// ID returns "undo.external.keys".
func (a RemoveExternalKeys) ID() string { return "undo." + a.Undoes() }

// Undoes returns the AddExternalKeys' ID.
func (a RemoveExternalKeys) Undoes() string { return "external.keys" }

// Title returns "take the added keys out of ExternalSecret namespace/name".
func (a RemoveExternalKeys) Title() string {
	return fmt.Sprintf("take the added keys out of ExternalSecret %s/%s", a.Namespace, a.Name)
}

// DeleteExternal deletes the ExternalSecret that a run made, and with it the
// Secret.
type DeleteExternal struct{ Namespace, Name string }

// ID returns "undo.external.create".
func (a DeleteExternal) ID() string { return "undo." + a.Undoes() }

// Undoes returns the CreateExternal's ID.
func (a DeleteExternal) Undoes() string { return "external.create" }

// Title returns "delete ExternalSecret namespace/name, which was not there".
func (a DeleteExternal) Title() string {
	return fmt.Sprintf("delete ExternalSecret %s/%s, which was not there", a.Namespace, a.Name)
}

// JournalEntry is an entry of the store that a run writes.
type JournalEntry struct {
	Address   string `json:"address"`
	Namespace string `json:"namespace,omitempty"`
	Mount     string `json:"mount"`
	Entry     string `json:"entry"`
	Before    int    `json:"before"` // version
	Live      bool   `json:"live"`   // that version has data

	Target StoreTarget `json:"-"` // while the run lasts
}

// At returns the entry's place.
func (e JournalEntry) At() StoreAt { return StoreAt{e.Mount, e.Entry} }

// JournalExternal is an ExternalSecret that a run changes or makes.
type JournalExternal struct {
	Namespace string            `json:"namespace"`
	Name      string            `json:"name"`
	Created   bool              `json:"created,omitempty"`
	Added     []k8s.ExternalKey `json:"added,omitempty"`
	Keys      []string          `json:"keys,omitempty"` // of the Secret before
}

// Rights are those of a port-forward, where the store is a Service.
func (a WriteStore) Rights() []k8s.Access { return storeRights(a.Target) }

// Rights are those of a port-forward, where the store is a Service.
func (a RestoreStore) Rights() []k8s.Access { return storeRights(a.Target) }

func storeRights(t StoreTarget) []k8s.Access {
	if !isService(t.Address) {
		return nil
	}
	_, host, _ := strings.Cut(t.Address, "://")
	host, _, _ = strings.Cut(host, ":")
	parts := strings.Split(host, ".")
	return k8s.PortForwardRights(parts[1], parts[0])
}

// Rights are to read and patch the ExternalSecret.
func (a AddExternalKeys) Rights() []k8s.Access {
	return k8s.PatchExternalSecretRights(a.External.Namespace, a.External.Name)
}

// Rights are to create it.
func (a CreateExternal) Rights() []k8s.Access { return k8s.CreateExternalSecretRights(a.New.Namespace) }

// Rights are to follow the ExternalSecret and read the Secret.
func (a AwaitSync) Rights() []k8s.Access { return k8s.AwaitSyncRights(a.External) }

// Rights are to read and patch the ExternalSecret.
func (a RemoveExternalKeys) Rights() []k8s.Access {
	return k8s.PatchExternalSecretRights(a.Namespace, a.Name)
}

// Rights are to delete it.
func (a DeleteExternal) Rights() []k8s.Access {
	return k8s.DeleteExternalSecretRights(a.Namespace, a.Name)
}
