package baotest

import (
	"maps"
	"slices"
	"strings"
)

// policy is what a token may do: capabilities by pattern.
type policy struct {
	root  bool
	rules map[string][]string
}

func newPolicy(rules map[string][]string) policy {
	p := policy{rules: map[string][]string{
		"auth/token/lookup-self": {"read"},
		"sys/capabilities-self":  {"update"},
	}}
	maps.Copy(p.rules, rules)
	return p
}

// capabilities returns what the policy gives for a path: that of the most
// specific pattern alone. An exact one is more specific than any other, then the
// one with more before its first wildcard. "deny" if there is none.
func (p policy) capabilities(path string) []string {
	if p.root {
		return []string{"root"}
	}
	if exact, ok := p.rules[path]; ok {
		return slices.Sorted(slices.Values(exact))
	}
	best, found := "", false
	for pattern := range p.rules {
		if matches(pattern, path) && (!found || literal(pattern) > literal(best) || (literal(pattern) == literal(best) && len(pattern) > len(best))) {
			best, found = pattern, true
		}
	}
	if !found || slices.Contains(p.rules[best], "deny") {
		return []string{"deny"}
	}
	return slices.Sorted(slices.Values(p.rules[best]))
}

func (p policy) may(path, capability string) bool {
	has := p.capabilities(path)
	return slices.Contains(has, "root") || (slices.Contains(has, capability) && !slices.Contains(has, "deny"))
}

// touches says whether the policy gives anything at or below a mount.
func (p policy) touches(mount string) bool {
	if !slices.Contains(p.capabilities(mount), "deny") {
		return true
	}
	for pattern, has := range p.rules {
		if strings.HasPrefix(pattern, mount) && !slices.Contains(has, "deny") {
			return true
		}
	}
	return false
}

func literal(pattern string) int {
	if i := strings.IndexAny(pattern, "+*"); i >= 0 {
		return i
	}
	return len(pattern)
}

func matches(pattern, path string) bool {
	prefix, glob := strings.CutSuffix(pattern, "*")
	if !strings.Contains(prefix, "+") {
		return prefix == path || (glob && strings.HasPrefix(path, prefix))
	}
	want, have := strings.Split(prefix, "/"), strings.Split(path, "/")
	if len(have) < len(want) || (!glob && len(have) != len(want)) {
		return false
	}
	for i, segment := range want {
		last := glob && i == len(want)-1
		if segment != "+" && segment != have[i] && (!last || !strings.HasPrefix(have[i], segment)) {
			return false
		}
	}
	return true
}
