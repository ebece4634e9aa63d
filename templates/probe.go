package templates

import (
	_ "embed" // for the text
	"strconv"
	"strings"
)

//go:embed text/probe.yaml
var probeText string

// ProbeImage has sh, psql 16 or newer and the public authorities.
const ProbeImage = "postgres:17-alpine"

// Probe is what ProbeJob writes.
type Probe struct {
	Name, Namespace string
	Secret, Key     string      // where the password is, in that namespace
	Env             [][2]string // name and value, none of which is a secret
	Script          string
}

// ProbeJob returns a Kubernetes Job as YAML that runs a script with psql, under the
// restricted Pod Security Standard.
func ProbeJob(p Probe) []byte {
	var env, script strings.Builder
	for _, v := range p.Env {
		// The kubelet takes $$ for $, and $(NAME) for a variable.
		env.WriteString("        - name: " + v[0] + "\n          value: " + yamlText(strings.ReplaceAll(v[1], "$", "$$")) + "\n")
	}
	for line := range strings.Lines(p.Script) {
		if strings.TrimSpace(line) != "" {
			script.WriteString("          ")
		}
		script.WriteString(line)
	}
	return []byte(strings.NewReplacer(
		"${name}", strconv.Quote(p.Name), "${namespace}", strconv.Quote(p.Namespace), "${image}", strconv.Quote(ProbeImage),
		"${secret}", strconv.Quote(p.Secret), "${key}", strconv.Quote(p.Key), "${env}", env.String(), "${script}\n", script.String(),
	).Replace(probeText))
}

// yamlText is a double-quoted scalar, in ASCII: Go escapes as YAML 1.2 does.
func yamlText(s string) string {
	return strconv.QuoteToASCII(s)
}
