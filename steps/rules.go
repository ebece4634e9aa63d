package steps

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

const exampleURL = "https://console.example.com"

// urlRule accepts an absolute http or https URL without user or fragment.
func urlRule(value any) error {
	text, _ := value.(string)
	u, err := url.Parse(text)
	switch {
	case hasPlaceholder(text):
		return nil // ${VAR}, {{ .x }}: filled in by the operator's own tooling
	case strings.ContainsAny(text, " \t\r\n"):
		return fmt.Errorf("must be an address without blanks, such as %s", exampleURL)
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "":
		return fmt.Errorf("must be a full address, such as %s", exampleURL)
	case u.User != nil:
		return fmt.Errorf("must not hold a user or password, only an address such as %s", exampleURL)
	case u.Fragment != "" || strings.HasSuffix(text, "#"):
		return fmt.Errorf("must not have a part after #")
	case strings.Contains(u.Hostname(), ".invalid"):
		return fmt.Errorf("must be a real address: names under .invalid never resolve, and the chart refuses them")
	}
	if port := u.Port(); port != "" {
		if err := portRange(port); err != nil {
			return err
		}
	} else if strings.HasSuffix(u.Host, ":") {
		return fmt.Errorf("must have a port number after the colon, or no colon")
	}
	return hostInURL(u.Hostname())
}

func portRange(port string) error {
	if _, err := net.LookupPort("tcp", port); err != nil || port == "0" {
		return fmt.Errorf("must have a port from 1 to 65535")
	}
	return nil
}

func hostInURL(host string) error {
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	if len(validation.IsDNS1123Subdomain(strings.ToLower(strings.TrimSuffix(host, ".")))) > 0 {
		return fmt.Errorf("must have a valid host name, such as %s", exampleURL)
	}
	return nil
}

// noQueryRule is urlRule's companion for addresses that other paths are put behind.
func noQueryRule(value any) error {
	if text, _ := value.(string); strings.Contains(text, "?") && !hasPlaceholder(text) {
		return fmt.Errorf("must not have a part after ?")
	}
	return nil
}

// originRule accepts scheme, host and port only. Backstage's route is "/", so a
// path would never be served.
func originRule(value any) error {
	text, _ := value.(string)
	if hasPlaceholder(text) {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil
	}
	if u.Path != "" && u.Path != "/" {
		return fmt.Errorf("must not have a path: the portal is served at /, such as %s://%s", u.Scheme, u.Host)
	}
	if u.Host != strings.ToLower(u.Host) {
		return fmt.Errorf("must be in lower case, such as %s://%s", u.Scheme, strings.ToLower(u.Host))
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return fmt.Errorf("must have a host name, not an IP address: the route is matched by name")
	}
	return nil
}

var placeholder = regexp.MustCompile(`\$\{[^}]*\}|\{\{.*\}\}`)

// hasPlaceholder tells whether text is filled in later by envsubst, Flux or a template.
func hasPlaceholder(text string) bool { return placeholder.MatchString(text) }

// holdsPlaceholder looks for one in any kind of answer.
func holdsPlaceholder(value any) bool {
	switch v := value.(type) {
	case string:
		return hasPlaceholder(v)
	case []string:
		return slices.ContainsFunc(v, hasPlaceholder)
	case []answers.EnvVar:
		return slices.ContainsFunc(v, func(e answers.EnvVar) bool { return hasPlaceholder(e.Name) || hasPlaceholder(e.Value) })
	}
	return false
}

// hostnameRule accepts a bare lower-case DNS name, as an HTTPRoute takes it.
func hostnameRule(value any) error {
	text, _ := value.(string)
	switch {
	case hasPlaceholder(text):
		return nil
	case strings.Contains(text, "://"):
		return fmt.Errorf("must be a bare host name without %q, such as console.example.com", text[:strings.Index(text, "://")+3])
	case strings.ContainsAny(text, "/"):
		return fmt.Errorf("must be a bare host name without a path, such as console.example.com")
	case strings.Contains(text, ":"):
		return fmt.Errorf("must be a bare host name without a port, such as console.example.com")
	case strings.Contains(text, ".invalid"):
		return fmt.Errorf("must be a real host name: names under .invalid never resolve, and the chart refuses them")
	case text != strings.ToLower(text):
		return fmt.Errorf("must be in lower case, such as %s", strings.ToLower(text))
	case len(validation.IsDNS1123Subdomain(text)) > 0:
		return fmt.Errorf("must be a host name of letters, digits, dashes and dots, such as console.example.com")
	}
	if _, err := netip.ParseAddr(text); err == nil {
		return fmt.Errorf("must be a host name, not an IP address")
	}
	return nil
}

// listenerRule accepts a host name with an optional leading "*.", as a Gateway listener takes it.
func listenerRule(value any) error {
	text, _ := value.(string)
	if err := hostnameRule(strings.TrimPrefix(text, "*.")); err != nil {
		return fmt.Errorf("must be a host name such as *.example.com or console.example.com")
	}
	return nil
}

// subdomainRule accepts the name of a Kubernetes object.
func subdomainRule(value any) error {
	text, _ := value.(string)
	if len(validation.IsDNS1123Subdomain(text)) > 0 {
		return fmt.Errorf("must be a Kubernetes name: lower-case letters, digits, dashes and dots")
	}
	return nil
}

// labelRule accepts the name of a namespace or a Helm release.
func labelRule(value any) error {
	text, _ := value.(string)
	if len(validation.IsDNS1123Label(text)) > 0 {
		return fmt.Errorf("must be lower-case letters, digits and dashes, at most 63")
	}
	return nil
}

func secretKeyRule(value any) error {
	text, _ := value.(string)
	if len(validation.IsConfigMapKey(text)) > 0 {
		return fmt.Errorf("must be a key of the Secret: letters, digits, dashes, dots and underscores")
	}
	return nil
}

func quantityRule(value any) error {
	text, _ := value.(string)
	q, err := resource.ParseQuantity(text)
	if err != nil || q.Sign() <= 0 {
		return fmt.Errorf("must be a Kubernetes quantity, such as 500m (half a CPU) or 512Mi")
	}
	return nil
}

func absolutePathRule(value any) error {
	text, _ := value.(string)
	if !path.IsAbs(text) || path.Clean(text) != strings.TrimSuffix(text, "/") {
		return fmt.Errorf("must be an absolute path in the container, such as /app/.config/backstage")
	}
	return nil
}

// wordRule refuses blanks and control characters in ids.
func wordRule(value any) error {
	text, _ := value.(string)
	if text == "" {
		return fmt.Errorf("must not be empty")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return fmt.Errorf("must not have blanks in it")
	}
	return nil
}

// scopeRule accepts a space-separated list of OAuth scopes (RFC 6749 section 3.3).
func scopeRule(value any) error {
	text, _ := value.(string)
	for _, r := range text {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return fmt.Errorf("must be scopes separated by blanks, such as openid profile email")
		}
	}
	if strings.Contains(text, ",") {
		return fmt.Errorf("must be separated by blanks, not commas")
	}
	return nil
}

// notEmptyRule refuses texts that would crash Backstage: an environment variable
// that is set but empty is a configuration error there.
func notEmptyRule(value any) error {
	if text, _ := value.(string); strings.TrimSpace(text) == "" {
		return fmt.Errorf("must not be empty: Backstage does not start with an empty setting")
	}
	return nil
}

func secretRule(value any) error {
	text, ok := value.(secret.Text)
	if !ok {
		return nil
	}
	if strings.ContainsAny(text.Reveal(), "\r\n") {
		return fmt.Errorf("must be one line: no credential of the portal has a line break in it")
	}
	return secret.Check(text.Reveal())
}

// envListRule refuses what the API server or the chart would refuse, and
// literals under names that look like credentials.
func envListRule(value any) error {
	list, _ := value.([]answers.EnvVar)
	var faults []string
	seen := map[string]bool{}
	for _, v := range list {
		switch {
		case len(validation.IsEnvVarName(v.Name)) > 0 || strings.ContainsAny(v.Name, " ="):
			faults = append(faults, fmt.Sprintf("must name variables with letters, digits and underscores: %q", v.Name))
		case seen[v.Name]:
			faults = append(faults, fmt.Sprintf("must not name %s twice: server-side apply refuses the Deployment", v.Name))
		case v.ValueFrom == nil && looksSecret(v.Name):
			faults = append(faults, fmt.Sprintf("must not hold %s as a literal: keep it in a Secret and write %s=secret:NAME/KEY", v.Name, v.Name))
		}
		seen[v.Name] = true
	}
	if len(faults) > 0 {
		return fmt.Errorf("%s", strings.Join(faults, "; "))
	}
	return nil
}

func looksSecret(name string) bool {
	name = strings.ToUpper(name)
	for _, suffix := range []string{"_TOKEN", "_SECRET", "_PASSWORD", "_PASSWD", "_APIKEY", "_API_KEY", "_PRIVATE_KEY"} {
		if strings.HasSuffix(name, suffix) || name == suffix[1:] {
			return true
		}
	}
	return false
}
