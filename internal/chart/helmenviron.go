package chart

import (
	"runtime"
	"slices"
	"strings"
)

// What helm, and a kubeconfig's credential plugin that helm starts, are given of
// the environment. It is a list of what passes rather than of what does not: the
// secrets of a pipeline have names that nobody can foresee. A plugin that misses
// something fails before anything changes, and the same command typed by hand has
// it all.
var (
	helmVariables = []string{
		"PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR", "TMP", "TEMP",
		"KUBECONFIG", "KUBECACHEDIR", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
		"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
		"DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "GNUPGHOME", "PASSWORD_STORE_DIR", // where logins to registries are
		"DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK", "KRB5CCNAME", "DISPLAY", "WAYLAND_DISPLAY", "BROWSER", // logins of people
		"SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "USERNAME", "USERDOMAIN",
		"HOMEDRIVE", "HOMEPATH", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES", "PROGRAMFILES(X86)",
	}
	helmVariableFamilies = []string{
		"HELM_", "XDG_", "LC_",
		"ASDF_", "MISE_", "AQUA_", // version managers, whose helm is a stand-in
		"AWS_", "AZURE_", "AAD_", "GOOGLE_", "CLOUDSDK_", "GCE_METADATA_", "OCI_", "ALIBABA_CLOUD_", "DIGITALOCEAN_",
		"IBMCLOUD_", "LINODE_", "SCW_", "OS_", "VAULT_", "BAO_", "TELEPORT_", "RANCHER_", "KUBELOGIN_",
	}
	// These would send helm to another cluster, user or namespace than the one
	// that was looked at, or have it print every value.
	helmVariablesNot = []string{"HELM_KUBE", "HELM_NAMESPACE", "HELM_DEBUG"}
)

// helmEnviron is the part of environ that helm is run with. On Windows names have
// no case; proxies are written in lower case elsewhere too.
func helmEnviron(environ, drop []string) []string {
	kept := []string{"NO_COLOR=1"}
	for _, entry := range environ {
		name, _, ok := strings.Cut(entry, "=")
		upper := strings.ToUpper(name)
		if !ok || upper == "NO_COLOR" || slices.ContainsFunc(drop, func(d string) bool { return sameVariable(d, name) }) {
			continue
		}
		known := name
		if runtime.GOOS == "windows" || strings.HasSuffix(name, "_proxy") {
			known = upper
		}
		begins := func(prefix string) bool { return strings.HasPrefix(known, prefix) }
		if slices.ContainsFunc(helmVariablesNot, begins) {
			continue
		}
		if slices.Contains(helmVariables, known) || slices.ContainsFunc(helmVariableFamilies, begins) {
			kept = append(kept, entry)
		}
	}
	return kept
}

// variable looks a variable up; the last entry counts, as os/exec does it.
func variable(environ []string, name string) string {
	value := ""
	for _, entry := range environ {
		if n, v, ok := strings.Cut(entry, "="); ok && sameVariable(n, name) {
			value = v
		}
	}
	return value
}

func sameVariable(a, b string) bool {
	if runtime.GOOS == "windows" {
		return strings.EqualFold(a, b)
	}
	return a == b
}
