package templates

import (
	_ "embed" // for the texts
	"encoding/base64"
	"strconv"
	"strings"
	"unicode"
)

//go:embed text/values.yaml
var valuesText string

//go:embed text/secret.yaml
var secretText string

// ValuesHeader returns the comment that a new values file starts with, for a
// chart's version and the name of the portal's Secret. It ends with a line end.
func ValuesHeader(version, secret string) string {
	return strings.NewReplacer("${version}", oneLine(version), "${secret}", oneLine(secret)).Replace(valuesText)
}

// Manifest is what SecretManifest writes.
type Manifest struct {
	Name, Namespace string
	// File is the name under which the manifest is kept, for the command in its
	// comment.
	File string
	Keys []ManifestKey
}

// ManifestKey is a key of the Secret, its value and the comment above it.
type ManifestKey struct {
	Name, Comment string
	Value         []byte
}

// SecretManifest returns a Kubernetes Secret as YAML, its values in base64: a
// manifest with stringData does not survive a server-side apply.
func SecretManifest(m Manifest) []byte {
	var b strings.Builder
	replace := strings.NewReplacer(
		"${name}", strconv.Quote(m.Name), "${namespace}", strconv.Quote(m.Namespace), "${file}", shellWord(m.File))
	b.WriteString(replace.Replace(secretText))
	if len(m.Keys) == 0 {
		return []byte(strings.TrimSuffix(b.String(), "\n") + " {}\n")
	}
	for _, key := range m.Keys {
		if key.Comment != "" {
			b.WriteString("  # " + oneLine(key.Comment) + "\n")
		}
		b.WriteString("  " + keyName(key.Name) + ": " + strconv.Quote(base64.StdEncoding.EncodeToString(key.Value)) + "\n")
	}
	return []byte(b.String())
}

// keyName quotes a key of the Secret unless no YAML reader could take it for
// anything but text.
func keyName(name string) string {
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz-") == "" && strings.Contains(strings.Trim(name, "-"), "-") && name[0] != '-' {
		return name
	}
	return strconv.Quote(name)
}

// shellWord quotes a file's name for a POSIX shell where that is necessary.
func shellWord(s string) string {
	s = printable(s)
	plain := strings.IndexFunc(s, func(r rune) bool {
		return !strings.ContainsRune("/._-+=:@%,", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
	if plain && s != "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// oneLine keeps a text from leaving the comment it is put into.
func oneLine(s string) string {
	return printable(strings.Join(strings.Fields(s), " "))
}

// printable replaces line ends and other signs that no terminal shows.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}
