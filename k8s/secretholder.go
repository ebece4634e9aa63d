package k8s

import (
	"encoding/json"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// dataFields are the parts of a Secret in which managedFields lists its keys.
// Who applies stringData is recorded under that name, although the API server
// has no such field.
var dataFields = [...]string{"f:data", "f:stringData"}

// dataHistory reads from an object's managedFields which manager last set each
// key of the data, and when the newest of them wrote. A manager's time is that
// of its newest write to any field that it holds.
func dataHistory(entries []metav1.ManagedFieldsEntry) (holders map[string]string, written time.Time) {
	holders = map[string]string{}
	since := map[string]time.Time{}
	for _, entry := range entries {
		keys, holds := dataKeys(entry.FieldsV1)
		if !holds {
			continue
		}
		var at time.Time
		if entry.Time != nil {
			at = entry.Time.Time
		}
		if at.After(written) {
			written = at
		}
		for _, key := range keys {
			// Two hold a key when both applied the same value.
			if _, held := holders[key]; !held || at.After(since[key]) {
				holders[key], since[key] = entry.Manager, at
			}
		}
	}
	return holders, written
}

// dataKeys returns the keys of the data in a FieldsV1, which names a field
// "f:<name>" and the map itself ".", and whether it holds any part of the data.
// What cannot be read holds nothing.
func dataKeys(fields *metav1.FieldsV1) (keys []string, holds bool) {
	if fields == nil {
		return nil, false
	}
	var tree map[string]json.RawMessage
	if err := json.Unmarshal(fields.GetRawBytes(), &tree); err != nil {
		return nil, false
	}
	for _, field := range dataFields {
		var data map[string]json.RawMessage
		if err := json.Unmarshal(tree[field], &data); err != nil {
			continue // this manager holds none of it
		}
		holds = true
		for name := range data {
			if key, ok := strings.CutPrefix(name, "f:"); ok {
				keys = append(keys, key)
			}
		}
	}
	return keys, holds
}
