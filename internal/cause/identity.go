package cause

import "regexp"

// has compiles a pattern for text in lower case.
func has(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern) }

// tokenRows are the portal's service account asking for a token, with the
// answers of RFC 6749 5.2 and of the larger providers. The portal logs an answer
// word for word: "Token request failed: <status> <text> - <body>".
func tokenRows() []row {
	asked := []string{"token request failed", "client credentials token"}
	late := []string{"api.", "token.failed", "general."}
	// What says by itself what it is about, without the portal's words before it.
	bare := map[string][]string{
		"invalid-client": {"aadsts7000215", "aadsts7000222", "invalid client credentials"},
		"scope":          {"aadsts70011", "aadsts1002012"},
	}
	token := func(id, pattern, title, cause, fix, step string) row {
		return row{
			id: "token." + id, words: append(bare[id], asked...), match: has(pattern), title: title, cause: cause, fix: fix, step: step, hides: late,
		}
	}
	return []row{
		token("invalid-client", `invalid_client|aadsts7000215|aadsts7000222|aadsts700016|invalid client credentials|token request failed: 401`,
			"The identity provider refuses the client",
			"Client ID and secret in the Secret are not those at the provider; or the client is set to client_secret_basic, and the portal sends the secret in the body.",
			"Set the secret that the provider has (serviceClient.secret where the service client is another), and restart. At the provider the client's authentication method must be client_secret_post.",
			"client.secret"),
		token("grant", `unauthorized_client|unsupported_grant_type|grant type is not allowed|not allowed to use (?:the )?(?:grant|client)`,
			"The client may not ask for tokens of its own",
			"The grant client_credentials is not switched on for this client.",
			"Allow client_credentials (in Keycloak: service accounts) for the client at the provider.",
			"serviceClient.id"),
		token("scope", `invalid_scope|invalid_target|aadsts70011|aadsts1002012|aadsts500011`,
			"The identity provider refuses the scope",
			"The scope of the service client is not known there, or must be exactly one.",
			"Set client.serviceScope: for Entra ID api://<app>/.default and nothing else, for Okta a custom scope, else often nothing.",
			"client.serviceScope"),
		token("dpop", `invalid_dpop_proof|dpop proof`,
			"The identity provider wants proof of possession",
			"The client is set to DPoP, which the portal does not speak.",
			"Switch off “Require DPoP” for the client at the provider.",
			"client.id"),
		token("rate", `token request failed: 429|too_many_requests|slow_down`,
			"The identity provider limits requests",
			"Too many token requests: tokens that live for a minute or less are asked for at each call.",
			"Give tokens of this client a life of some minutes, at the provider.",
			"client.id"),
		token("address", `token request failed: 40[45]|token request failed: 30\d`,
			"The token address is wrong",
			"The provider has no token endpoint at that address.",
			"Take the token_endpoint of the provider's discovery document.",
			"identity.tokenUrl"),
		token("provider", `token request failed: 5\d\d`,
			"The identity provider fails",
			"It answers with an error of its own.",
			"Look at the provider's log.",
			"identity.tokenUrl"),
		token("answer", `unexpected token '?<|is not valid json|unexpected end of json input`,
			"The token address answers with a page",
			"What answers there is no token endpoint: a login page, a proxy, an ingress without a route.",
			"Take the token_endpoint of the provider's discovery document, at an address that the pods reach directly.",
			"identity.tokenUrl"),
		{
			id: "token.failed", general: true, words: []string{"token request failed", "failed to fetch client credentials token"},
			title: "The portal gets no token",
			cause: "The identity provider did not give the service account a token; the catalog is filled with it.",
			fix:   "The line has the provider's answer. Check identity.tokenUrl, client.id and the client's secret.",
			step:  "identity.tokenUrl", hides: []string{"api.", "general."},
		},
		{
			id: "discovery.incomplete", words: []string{"oidc discovery response missing required endpoints"},
			title: "The discovery document is incomplete",
			cause: "What is at the discovery address is not the provider's discovery document.",
			fix:   "Set identity.discoveryUrl to the issuer's /.well-known/openid-configuration.",
			step:  "identity.discoveryUrl",
		},
		{
			id: "discovery.failed", general: true, words: []string{"oidc discovery failed"},
			title: "The discovery document cannot be read",
			cause: "Without identity.discoveryUrl the portal takes the token address's host, which is wrong where the issuer has a path. Signatures are not checked then.",
			fix:   "Set identity.discoveryUrl to the issuer's /.well-known/openid-configuration, at an address that the pods reach.",
			step:  "identity.discoveryUrl",
		},
		{
			id: "jwks.failed", general: true, words: []string{"failed to fetch jwks", "failed to refresh jwks", "jwks endpoint returned status"},
			title: "The provider's keys cannot be read",
			cause: "The address of the keys is wrong, or not reached from the pod. Without keys the API accepts no token.",
			fix:   "Set identity.jwksUrl to the provider's jwks_uri, at an address that the API's pods reach.",
			step:  "identity.jwksUrl", hides: []string{"jwt.", "api.", "session.signature"},
		},
	}
}

// verificationRows are tokens that are not accepted: jose's words in the portal,
// those of golang-jwt and of the API's own middleware, which logs them at debug.
func verificationRows() []row {
	late := []string{"api.unauthorized", "api.sync", "session.", "jwt.invalid"}
	return []row{
		{
			id: "jwks.rsa", words: []string{"no valid rsa keys found in jwks"},
			title: "The provider has no RSA key",
			cause: "The API takes tokens with RSA signatures only.",
			fix:   "Give the provider an RSA signing key (RS256).",
			step:  "identity.jwksUrl", hides: late,
		},
		{
			id:    "jwt.key",
			words: []string{"not found in jwks", "no applicable key found in the json web key set", "jwksnomatchingkey", "algorithm mismatch: jwk specifies", "token missing 'kid' header"},
			title: "The token is signed with an unknown key",
			cause: "The provider has new keys, and the API reads them once an hour; or the addresses are of two providers.",
			fix:   "Restart the API after a change of keys, and make sure that the provider keeps its keys when it restarts. Compare identity.jwksUrl with the issuer.",
			step:  "identity.jwksUrl", hides: late,
		},
		{
			id: "jwt.signature", words: []string{"signature verification failed", "crypto/rsa: verification error", "signature is invalid"},
			not:   []string{"access token signature verification failed"},
			title: "A token's signature is wrong",
			cause: "The token is of another provider than the keys: often one that was set up anew.",
			fix:   "Compare identity.jwksUrl with the issuer, and sign in again.",
			step:  "identity.jwksUrl", hides: []string{"api.unauthorized", "session.signature", "session.refresh"},
		},
		{
			id: "jwt.issuer", words: []string{"invalid issuer: expected", "unexpected \"iss\" claim value", "token has invalid issuer"},
			title: "The token has another issuer",
			cause: "The iss in the token is not identity.issuer, letter by letter: a / at the end counts. Entra ID's v1 tokens have sts.windows.net.",
			fix:   "Set identity.issuer to the iss of a real token; for Entra ID let the application ask for version 2 tokens.",
			step:  "identity.issuer", hides: late,
		},
		{
			id: "jwt.audience", words: []string{"invalid audience: expected", "missing audience claim", "unexpected \"aud\" claim value", "token has invalid audience"},
			title: "The token is for another audience",
			cause: "The aud in the token is not identity.audience.",
			fix:   "Set identity.audience to what is in a real token, or leave it empty to have it not checked.",
			step:  "identity.audience", hides: late,
		},
		{
			id: "jwt.subject", words: []string{"no valid user type detected from jwt token", "missing required claim: sub", "missing required \"sub\" claim", "failed to resolve subject from token"},
			title: "The token names nobody",
			cause: "It has neither groups nor sub. Keycloak leaves sub out without the client scope basic, PingOne always.",
			fix:   "Have the provider put sub into access tokens, or name another claim in authorization.subjectClaim.",
			step:  "authorization.subjectClaim", hides: late,
		},
		{
			id: "jwt.clock", words: []string{"token is not valid yet", "\"nbf\" claim timestamp check failed", "token used before issued", "\"iat\" claim timestamp check failed"},
			title: "The clocks differ",
			cause: "The token is from the future: the provider's clock is ahead, and the API allows no difference.",
			fix:   "Synchronise the clocks of provider and nodes (NTP).",
			step:  "identity.issuer", hides: late,
		},
		{
			id: "jwt.expired", words: []string{"token is expired", "\"exp\" claim timestamp check failed", "jwtexpired", "err_jwt_expired"},
			title: "A token has expired",
			cause: "It is older than the provider allows; once in a while that is ordinary. At once, it is a wrong clock.",
			fix:   "Sign in again. If it happens with new tokens, compare the clocks.",
			hides: []string{"session.refresh", "session.expired", "api.unauthorized"},
		},
		{
			id: "jwt.opaque", words: []string{"invalid compact jws", "invalid jwt", "token is malformed", "invalid access token format", "failed to decode access token"},
			title: "The access token is no JWT",
			cause: "The provider gives opaque tokens: Auth0 without an audience, Zitadel, Hydra and WSO2 unless told otherwise.",
			fix:   "Have the provider give JWT access tokens to this client; for Auth0 set the tenant's default audience.",
			step:  "identity.provider", hides: append([]string{"signin.email"}, late...),
		},
		{
			id: "jwt.invalid", general: true, words: []string{"jwt verification failed", "token validation failed", "token claims validation failed"},
			title: "A token is not accepted",
			cause: "It does not pass the check; the line says which.",
			fix:   "Compare identity.issuer, identity.jwksUrl and identity.audience with a real token.",
			step:  "identity.issuer", hides: []string{"api.unauthorized", "session.refresh"},
		},
	}
}
