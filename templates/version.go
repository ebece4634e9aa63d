package templates

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Match says how a version was matched to a profile.
type Match struct {
	// Exact: the version is one of the profile's.
	Exact bool
	// Note is a warning for the operator when it is not.
	Note string
}

// Lookup finds the profile of a chart version; a leading "v" is accepted. An
// unknown release of a known minor gets the newest profile of that minor and a
// note. The error for any other version names the known ones.
func Lookup(version string) (Profile, Match, error) {
	wanted := strings.TrimPrefix(strings.TrimSpace(version), "v")
	all := Profiles()
	for _, p := range all {
		if slices.Contains(p.Versions, wanted) {
			return p, Match{Exact: true}, nil
		}
	}
	minor, ok := minorOf(wanted)
	if !ok {
		return Profile{}, Match{}, fmt.Errorf("chart version %q is not a release such as %s; for a chart under development give --chart its directory, its archive or an oci:// reference", version, newest(all))
	}
	for _, p := range slices.Backward(all) {
		if known, _ := minorOf(p.Versions[0]); known == minor {
			note := fmt.Sprintf("chart version %s is not one this program knows; it is treated like %s", wanted, p.Versions[len(p.Versions)-1])
			return p, Match{Note: note}, nil
		}
	}
	return Profile{}, Match{}, fmt.Errorf("chart version %q is not known: the known ones are %s; for another one give --chart its directory, its archive or an oci:// reference", version, known(all))
}

// Newest returns the newest profile and its newest release.
func Newest() (Profile, string) {
	all := Profiles()
	return all[len(all)-1], newest(all)
}

// Since returns the first release that has an answers key, or the empty string.
func Since(key string) string {
	for _, p := range Profiles() {
		if p.Has(key) {
			return p.Versions[0]
		}
	}
	return ""
}

func newest(all []Profile) string {
	versions := all[len(all)-1].Versions
	return versions[len(versions)-1]
}

func known(all []Profile) string {
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name
	}
	return strings.Join(names, ", ")
}

// minorOf returns "1.2" of a full version such as "1.2.3" or "1.2.0-rc.1".
func minorOf(version string) (string, bool) {
	core, _, _ := strings.Cut(version, "+")
	core, _, _ = strings.Cut(core, "-")
	parts := strings.Split(core, ".")
	if len(parts) != 3 {
		return "", false
	}
	for _, part := range parts {
		if _, err := strconv.ParseUint(part, 10, 32); err != nil {
			return "", false
		}
	}
	if parts[0] == "0" {
		return "", false
	}
	return parts[0] + "." + parts[1], true
}

// before compares two full releases, such as "1.1.3" and "1.2.0".
func before(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range as {
		x, _ := strconv.Atoi(as[i])
		y, _ := strconv.Atoi(bs[i])
		if x != y {
			return x < y
		}
	}
	return false
}
