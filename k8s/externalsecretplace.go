package k8s

import (
	"fmt"
	"slices"
	"strings"
)

// StorePlace is where an operator wants new keys to be in the store. The zero
// value is: wherever the others are.
type StorePlace struct {
	Mount string // of the key-value engine; counts only where the store names none
	Path  string // of one entry for all new keys, each a property of its own name
}

// StoreKey is where the value of one key of the Secret is in the store.
type StoreKey struct {
	SecretKey   string
	Mount       string      // of the KV version 2 engine
	Entry       string      // below the mount, without "data/"
	Property    string      // of the entry
	New         ExternalKey // the entry that spec.data lacks; zero when External Secrets reads the key already
	Foreign     ExternalKey // where a store of another provider has it, which this program does not write to
	Unsupported string      // why the value cannot be put there; the other fields then say where it is, as far as known
}

// The convention of the product's own guides: an entry for each key.
const (
	conventionPrefix   = "backstage-"
	conventionProperty = "value"
)

// StoreKeys tells, for each wanted key of the Secret and in their order, where
// its value is in the store: where spec.data or spec.dataFrom reads it;
// otherwise in the one entry of place.Path; otherwise as the keys beside it are
// named (such as backstage-<key> with the property value, or one entry for all
// with the key as property); and where there is nothing to learn from, as the
// product's guides do it.
func StoreKeys(es ExternalSecret, place StorePlace, wanted ...string) []StoreKey {
	convention := es.convention()
	keys := make([]StoreKey, 0, len(wanted))
	for _, name := range wanted {
		keys = append(keys, es.storeKey(convention, place, name))
	}
	return keys
}

func (es ExternalSecret) storeKey(learnt naming, place StorePlace, name string) StoreKey {
	i := slices.IndexFunc(es.Data, func(k ExternalKey) bool { return k.SecretKey == name })
	var from ExternalKey
	fresh := false
	switch {
	case i >= 0:
		from = es.Data[i]
	case place.Path == "" && len(es.Extract) == 1:
		from = ExternalKey{SecretKey: name, RemoteKey: es.Extract[0], Property: name}
	case place.Path != "":
		fresh = true
		from = ExternalKey{SecretKey: name, RemoteKey: es.Store.RemoteKey(place.Mount, place.Path), Property: name}
	case learnt != naming{}:
		fresh = true
		from = learnt.key(name)
	default:
		fresh = true
		from = ExternalKey{SecretKey: name, RemoteKey: es.Store.RemoteKey(place.Mount, conventionPrefix+name), Property: conventionProperty}
	}
	at := StoreKey{SecretKey: name, Property: from.Property, Unsupported: es.unsupported(from, fresh)}
	at.Mount, at.Entry = es.Store.Entry(from.RemoteKey)
	if at.Entry == "" && at.Unsupported == "" {
		at.Unsupported = fmt.Sprintf("%s %q names no mount, and %q has none in front: set secret.store.mount", es.Store.Kind, es.Store.Name, from.RemoteKey)
	}
	if fresh {
		at.New = from
	}
	if more, _ := from.more(); more["sourceRef"] == nil && es.Store.Provider != "" && es.Store.Provider != "vault" && !(fresh && es.Templated) {
		at.Foreign = from
	}
	return at
}

// unsupported says why a value cannot be put where k reads it.
func (es ExternalSecret) unsupported(k ExternalKey, fresh bool) string {
	s := es.Store
	more, remote := k.more()
	_, elsewhere := more["sourceRef"]
	switch {
	case fresh && es.Templated:
		return "a template (spec.target.template) makes the keys of the Secret: add it there"
	case elsewhere:
		return "its entry in spec.data reads from a store of its own (sourceRef)"
	case s.Provider != "" && s.Provider != "vault":
		return fmt.Sprintf("%s %q is of the provider %q: only OpenBao and Vault are written to", s.Kind, s.Name, s.Provider)
	case s.Version == "v1":
		return fmt.Sprintf("%s %q reads a key-value engine of version 1, which keeps no old versions: only version 2 is written to", s.Kind, s.Name)
	case k.Property == "":
		return fmt.Sprintf("the whole entry %q, as JSON, is the value: give it a property in spec.data", k.RemoteKey)
	}
	for _, name := range []string{"version", "decodingStrategy", "metadataPolicy"} {
		if value, ok := remote[name]; ok {
			return fmt.Sprintf("its entry in spec.data has %s %v: what is written now would not be read as it is", name, value)
		}
	}
	return ""
}

// naming is how the entries of spec.data are named after their keys: star
// stands for the key. The zero value is no rule.
type naming struct{ remoteKey, property string }

const star = "\x00"

func (n naming) key(name string) ExternalKey {
	return ExternalKey{
		SecretKey: name,
		RemoteKey: strings.ReplaceAll(n.remoteKey, star, name),
		Property:  strings.ReplaceAll(n.property, star, name),
	}
}

// convention returns the rule that most entries follow. It gives each key a
// place of its own: entries whose names follow no rule teach one only where all
// are in one entry.
func (es ExternalSecret) convention() naming {
	var (
		rules    []naming
		count    = map[naming]int{}
		learning []ExternalKey
	)
	for _, k := range es.Data {
		if es.unsupported(k, false) != "" {
			continue
		}
		learning = append(learning, k)
		rule := naming{strings.ReplaceAll(k.RemoteKey, k.SecretKey, star), k.Property}
		if k.Property == k.SecretKey {
			rule.property = star
		}
		if strings.Contains(rule.remoteKey+rule.property, star) {
			rules = append(rules, rule)
			count[rule]++
		}
	}
	var best naming
	for _, rule := range rules { // in their order: the first of equals
		if count[rule] > count[best] {
			best = rule
		}
	}
	if best == (naming{}) && len(learning) > 1 && !slices.ContainsFunc(learning, func(k ExternalKey) bool { return k.RemoteKey != learning[0].RemoteKey }) {
		return naming{learning[0].RemoteKey, star}
	}
	return best
}
