package steps

import (
	"net"
	"net/url"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

func identity() Step {
	return Step{
		ID: "identity", Title: "Identity provider",
		Intro:   "Who signs people in, and whose tokens the OpenChoreo API accepts.",
		Suggest: suggestIdentity,
		Notes:   providerNotes,
		Checks: func(env *Env, in plan.Input) []check.Check {
			return append(securityChecks(env, in), identityChecks(env, in)...)
		},
		Plan: planIdentity,
		Questions: []Question{
			{Key: "security.authentication", Title: "Authentication", Ask: More, Value: boolValue,
				Why: "Off, the API answers anybody without a token, and the portal knows guests only. For trials on your own machine: the preset production refuses it."},
			{Key: "security.authorization", Title: "Authorization", Ask: More, Value: boolValue,
				Why: "Off, everybody who is signed in may do everything, deleting included. The preset production refuses it."},
			{Key: "identity.provider", Title: "Identity provider", Ask: Confirm, Value: textValue, When: authenticated, Options: providerOptions(), Seen: providerSeen,
				Default: "thunder", Rule: providerRule,
				Why: "Decides what is suggested and explained here. What counts in the end are the addresses below."},
			{Key: "identity.issuer", Title: "Issuer", Example: "https://idp.example.com/realms/platform", When: authenticated, Required: authenticated,
				Value: urlValue.with(noQueryRule), Suggest: suggestIssuer, Seen: issuerSeen,
				Why: "Compared byte for byte with iss in every token, trailing slash included. It is the value of \"issuer\" in the provider's discovery document."},
			{Key: "identity.discoveryUrl", Title: "Discovery document", Example: "https://idp.example.com/realms/platform/.well-known/openid-configuration", Ask: More, When: authenticated,
				Value: urlValue, Default: "the issuer followed by /.well-known/openid-configuration",
				Why: "Always written: what the portal guesses by itself is wrong for issuers with a path."},
			{Key: "identity.authorizationUrl", Title: "Authorization endpoint", Example: "https://idp.example.com/oauth2/authorize", When: authenticated, Required: endpointNeeded,
				Value: urlValue, Default: "the discovery document's; thunder: derived from the issuer",
				Doubt: browserDoubt,
				Why:   "Where the browser goes to sign in: authorization_endpoint of the discovery document."},
			{Key: "identity.tokenUrl", Title: "Token endpoint", Example: "https://idp.example.com/oauth2/token", When: authenticated, Required: endpointNeeded,
				Value: urlValue, Default: "the discovery document's; thunder: derived from the issuer",
				Doubt: func(in plan.Input) string { return in.Current.Provider.TokenDoubt },
				Why:   "Called by the portal's pods: token_endpoint of the discovery document, or its address inside the cluster."},
			{Key: "identity.jwksUrl", Title: "Key set", Example: "https://idp.example.com/oauth2/jwks", When: authenticated, Required: endpointNeeded,
				Value: urlValue, Default: "the discovery document's; thunder: derived from the issuer",
				Doubt: func(in plan.Input) string { return in.Current.Provider.JWKSDoubt },
				Why:   "Called by the API's pods: jwks_uri of the discovery document, or its address inside the cluster. The API reads RSA keys only."},
			{Key: "identity.audience", Title: "Audience", Example: "openchoreo", Ask: More, When: authenticated, Value: textValue.with(wordRule).orEmpty(),
				Default: "none: aud is not checked",
				Why:     "If set, the API accepts only tokens with this aud."},
		},
	}
}

// endpointNeeded: the issuer comes first, since the endpoints follow from it.
// Offline nobody can be asked, so all that is missing is told at once.
var endpointNeeded = Condition{"with security.authentication, where discovery does not tell it", func(in plan.Input) bool {
	_, derivable := endpointPaths[in.Draft.Identity.Provider]
	alone := in.Current.Offline && !derivable
	return in.Draft.Security.Authentication && !undescribed(in) && (alone || in.Draft.Has("identity.issuer"))
}}

func suggestIdentity(in plan.Input) []answers.Proposal {
	list := []answers.Proposal{{Key: "identity.provider", Value: "thunder", Source: answers.Source{Rank: answers.FromChart}}}
	if in.Current.Cluster.Thunder.Installed {
		list = append(list, found("identity.provider", "thunder", "namespace thunder"))
		if hosts := in.Current.Cluster.Thunder.Hostnames; len(hosts) > 0 && !in.Draft.Has("identity.issuer") {
			host := hosts[0]
			if base, ok := parseURL(in.Draft.Portal.BaseURL); ok && in.Draft.Identity.Provider != "other" {
				issuer := url.URL{Scheme: base.Scheme, Host: host}
				if base.Port() != "" {
					issuer.Host = net.JoinHostPort(host, base.Port())
				}
				list = append(list, found("identity.issuer", issuer.String(), "route of Thunder"))
				in.Draft = in.Draft.Clone()
				in.Draft.Identity.Issuer = issuer.String()
			}
		}
	}
	if rank := in.Draft.From["identity.issuer"].Rank; rank == answers.FromValues || rank == answers.FromCluster {
		list = append([]answers.Proposal{found("identity.provider", providerOf(in.Draft.Identity), "the issuer that is in use")}, list...)
	}
	provider := in.Draft.Identity.Provider
	if provider == "" {
		provider = "thunder"
	}
	issuer := in.Draft.Identity.Issuer
	if _, ok := parseURL(issuer); !ok {
		return list
	}
	trimmed := strings.TrimSuffix(issuer, "/")
	list = append(list, derived("identity.discoveryUrl", trimmed+"/.well-known/openid-configuration", "identity.issuer", changed(in, "identity.issuer")))
	for key, path := range endpointPaths[provider] {
		list = append(list, derived(key, trimmed+path, "identity.issuer", changed(in, "identity.issuer")))
	}
	return list
}

// endpointPaths are the endpoints of providers that have the same ones
// everywhere, behind the issuer.
var endpointPaths = map[string]map[answers.Key]string{
	"thunder": {
		"identity.authorizationUrl": "/oauth2/authorize",
		"identity.tokenUrl":         "/oauth2/token",
		"identity.jwksUrl":          "/oauth2/jwks",
	},
	"keycloak": {
		"identity.authorizationUrl": "/protocol/openid-connect/auth",
		"identity.tokenUrl":         "/protocol/openid-connect/token",
		"identity.jwksUrl":          "/protocol/openid-connect/certs",
	},
}

// changed tells whether a person gave key a value other than what is there: then
// what was found for its dependants is out of date.
func changed(in plan.Input, key answers.Key) bool {
	if !in.Draft.Given(key) {
		return false
	}
	for _, p := range known(in) {
		if p.Key == key {
			return p.Value != in.Draft.Get(key)
		}
	}
	return false
}

func suggestIssuer(in plan.Input) any {
	base, ok := parseURL(in.Draft.Portal.BaseURL)
	if !ok || !isThunder(in) {
		return nil
	}
	api, ok := parseURL(APIURL(base))
	if !ok {
		return nil
	}
	_, parent, _ := strings.Cut(api.Hostname(), ".")
	issuer := url.URL{Scheme: base.Scheme, Host: "thunder." + parent}
	if base.Port() != "" {
		issuer.Host = net.JoinHostPort(issuer.Host, base.Port())
	}
	return issuer.String()
}
