package k8s

import (
	"encoding/json"
	"maps"
)

// ExternalKey is an entry of spec.data: it maps a property of an entry in the
// store to a key of the Secret.
type ExternalKey struct {
	SecretKey string
	RemoteKey string // the entry, as the store's provider names it
	Property  string // "" is the whole entry, as JSON

	// More is what else the entry says, as JSON of the same shape, without what
	// the API server fills in by itself: another store, a version, a decoding.
	More string
}

// remoteDefaults is what entries say when nobody says it.
func remoteDefaults() map[string]string {
	return map[string]string{
		"conversionStrategy": "Default", "decodingStrategy": "None", "metadataPolicy": "None", "nullBytePolicy": "Ignore",
	}
}

func plainKey(entry map[string]any) ExternalKey {
	more := maps.Clone(entry)
	remote, _ := more["remoteRef"].(map[string]any)
	remote = maps.Clone(remote)
	k := ExternalKey{SecretKey: take(more, "secretKey"), RemoteKey: take(remote, "key"), Property: take(remote, "property")}
	for name, value := range remoteDefaults() {
		if remote[name] == value {
			delete(remote, name)
		}
	}
	delete(more, "remoteRef")
	if len(remote) > 0 {
		more["remoteRef"] = remote
	}
	if len(more) > 0 {
		text, _ := json.Marshal(more) // of what was JSON; its keys are sorted
		k.More = string(text)
	}
	return k
}

// take removes a text from m and returns it.
func take(m map[string]any, name string) string {
	text, _ := m[name].(string)
	delete(m, name)
	return text
}

// more returns what More says.
func (k ExternalKey) more() (entry, remote map[string]any) {
	entry = map[string]any{}
	if k.More != "" {
		_ = json.Unmarshal([]byte(k.More), &entry) // what plainKey wrote
	}
	remote, _ = entry["remoteRef"].(map[string]any)
	if remote == nil {
		remote = map[string]any{}
	}
	return entry, remote
}

// object returns the entry as spec.data holds it.
func (k ExternalKey) object() map[string]any {
	entry, remote := k.more()
	entry["secretKey"], remote["key"] = k.SecretKey, k.RemoteKey
	if k.Property != "" {
		remote["property"] = k.Property
	}
	entry["remoteRef"] = remote
	return entry
}

// missing returns those of keys that data has no entry for, and the first whose
// entry is another.
func missing(data, keys []ExternalKey) (absent []ExternalKey, other *ExternalKey) {
	has := make(map[string]ExternalKey, len(data))
	for _, k := range data {
		has[k.SecretKey] = k
	}
	for _, k := range keys {
		switch present, ok := has[k.SecretKey]; {
		case !ok:
			has[k.SecretKey] = k
			absent = append(absent, k)
		case present != k && other == nil:
			other = &present
		}
	}
	return absent, other
}
