package k8s

import (
	"encoding/json"
	"maps"
	"time"
)

// HistoryAnnotation tells on a Secret when this program last set each key: a JSON
// object of key to RFC 3339 time. Nothing of a value is in it.
const HistoryAnnotation = "backstage-setup.openchoreo.dev/history"

// SecretHistory reads when this program last set each key of a Secret from its
// annotations; nil when they do not tell. What is no time is left out.
func SecretHistory(annotations map[string]string) map[string]time.Time {
	var written map[string]string
	if json.Unmarshal([]byte(annotations[HistoryAnnotation]), &written) != nil {
		return nil
	}
	var history map[string]time.Time
	for key, text := range written {
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			if history == nil {
				history = map[string]time.Time{}
			}
			history[key] = at
		}
	}
	return history
}

// WithHistory returns the HistoryAnnotation for a Secret with these annotations
// when keys are set at that time.
func WithHistory(annotations map[string]string, at time.Time, keys ...string) string {
	history := maps.Clone(SecretHistory(annotations))
	if history == nil {
		history = map[string]time.Time{}
	}
	for _, key := range keys {
		history[key] = at
	}
	written := make(map[string]string, len(history))
	for key, t := range history {
		written[key] = t.UTC().Format(time.RFC3339)
	}
	text, err := json.Marshal(written)
	if err != nil {
		return "" // no map of text fails
	}
	return string(text)
}
