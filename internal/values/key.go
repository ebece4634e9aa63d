package values

import (
	"slices"
	"strings"

	yaml2 "go.yaml.in/yaml/v2"
	yaml "go.yaml.in/yaml/v3"
)

// nodeKey gives the key as Helm spells it; false for merge keys and for what
// is no scalar.
func nodeKey(n *yaml.Node) (string, bool) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!merge" {
		return "", false
	}
	quoted, tagged := n.Style&quotedStyles != 0, n.Style&yaml.TaggedStyle != 0
	if !tagged && (quoted || isWord(n.Value)) {
		return n.Value, true
	}
	text := n.Value
	if quoted {
		text = quote(text)
	}
	if tagged {
		text = n.Tag + " " + text
	}
	var v any
	if err := guard(func() error { return yaml2.Unmarshal([]byte(text), &v) }); err != nil {
		return "", false
	}
	return keyText(v)
}

const quotedStyles = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

// isWord tells of most keys at a glance that they are just text.
func isWord(s string) bool {
	if len(s) < 6 && slices.Contains(shortWords, strings.ToLower(s)) || s == "" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || !('0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' || c == '/')) {
			return false
		}
	}
	return true
}

// shortWords are the words that YAML 1.1 takes for something else than text.
var shortWords = []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
