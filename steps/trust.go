package steps

import (
	"github.com/openchoreo/backstage-setup/internal/plan"
)

// Trust says what each component needs to trust an identity provider whose
// certificate is of a private authority: a line each, most useful first. Nothing
// of it skips verification for a request that carries a secret, but for the one
// that is named as such.
//
// The portal is Node.js, with the authorities of its own binary and those in
// NODE_EXTRA_CA_CERTS. The API is a static binary in an image with nothing but
// public authorities, and its chart has neither variables nor volumes for it.
func Trust(in plan.Input) []string {
	lines := []string{
		"Best: give the provider a certificate of a public authority, or addresses inside the cluster (identity.tokenUrl, identity.jwksUrl) that need none. What follows is for everything else.",
		"Browsers: the authority has to be in the trust store of whoever signs in.",
	}
	if in.Draft.Portal.Enabled {
		lines = append(lines, portalTrust(in)...)
	}
	lines = append(lines,
		"API: it fetches "+orElse(in.Draft.Identity.JWKSURL, "identity.jwksUrl")+" and trusts what is in its image. Build one on it with the authority in /etc/ssl/certs, and set openchoreoApi.image.",
		"API, otherwise: openchoreoApi.config.security.authentication.jwt.jwks.skip_tls_verify: true. No secret is sent there, but whoever is on the way can then hand it other keys and sign in as anybody. security.oidc.jwksUrlTlsInsecureSkipVerify does nothing for the API.",
	)
	if in.ChartHas("features.assistant") && in.Draft.Features.Assistant {
		lines = append(lines, "Assistant: security.oidc.jwksUrlTlsInsecureSkipVerify and uidResolverTlsInsecureSkipVerify are its switches.")
	}
	return append(lines, "This program: --ca-file FILE, for its checks only.")
}

// portalTrust: no released chart can mount a file. Those of 1.0 have no values
// for volumes; later ones write them with the wrong indentation.
func portalTrust(in plan.Input) []string {
	why := "chart " + in.Chart.Version + " has no values for volumes"
	if in.ChartHas("serviceClient.id") {
		why = "backstage.extraVolumes of chart " + in.Chart.Version + " does not render"
	}
	return []string{
		"Portal: it calls the token endpoint, with the client secret, and the discovery document. It trusts what is in Node.js and in the file that NODE_EXTRA_CA_CERTS names. That file has to be mounted, and " + why + ".",
		"So build an image on the portal's with the authority in, say, /etc/ssl/private-ca.pem, set backstage.image, and environment.extra NODE_EXTRA_CA_CERTS=/etc/ssl/private-ca.pem. Or mount a ConfigMap at that path with a Helm post-renderer.",
		"NODE_TLS_REJECT_UNAUTHORIZED=0 stops the portal from verifying anything, also where it sends the client secret: for development on your own machine only.",
	}
}
