package secret

import (
	"slices"
	"strings"
)

// thunderDefault is the client secret that OpenChoreo's own Thunder ships with
// for the portal's client: public, and right only against that Thunder.
const thunderDefault = "backstage-portal-secret"

// placeholders are values that anybody can read in public: whoever finds one in a
// Secret may call itself the portal. Compared without regard to case.
var placeholders = []string{
	// OpenChoreo's documentation of the Backstage portal
	"your-client-secret",
	"your-32-character-secret-here",
	"your-secure-password",
	"not-used",
	// seeded by OpenChoreo's k3d set-up and its OpenBao
	thunderDefault,
	"local-dev-backend-secret",
	"placeholder-not-in-use",
	// the usual ones of examples elsewhere
	"supersecret",
	"changeme",
	"change-me",
	"changeit",
	"placeholder",
	"your-secret",
	"your-password",
	"your-secret-here",
	"your-password-here",
	"replace-me",
	"replaceme",
}

// Placeholder says whether s is a value known to the public, in any case and with
// or without the angle brackets of examples.
func Placeholder(s string) bool {
	s = strings.ToLower(strings.TrimSpace(s))
	if inner, ok := strings.CutPrefix(s, "<"); ok {
		s = strings.TrimSuffix(inner, ">")
	}
	return slices.Contains(placeholders, s)
}

// ThunderDefault says whether s is the public client secret of the Thunder that
// comes with OpenChoreo: a Placeholder, but one that works there.
func ThunderDefault(s string) bool { return s == thunderDefault }
