package cause

// signInRows are people who sign in: Backstage's auth plugin, passport-oauth2
// and the portal's own provider.
func signInRows() []row {
	exchange := []string{"failed to obtain access token"}
	return []row{
		{
			id: "signin.client", words: exchange, match: has(`invalid_client|unauthorized_client|aadsts7000215|invalid client credentials|: 401`),
			title: "The identity provider refuses the sign-in client",
			cause: "Client ID or secret are not those at the provider; or the client is set to client_secret_basic, and the portal sends the secret in the body.",
			fix:   "Set the secret that the provider has, and restart. At the provider the authentication method must be client_secret_post.",
			step:  "client.secret", hides: []string{"signin.exchange", "token.invalid-client"},
		},
		{
			id: "signin.unknown", words: []string{"invalid client_id"}, match: has(`invalid_request.{0,40}invalid client_id`),
			title: "The provider does not know the client",
			cause: "No client with this ID is registered there: Thunder's own bootstrap was replaced, for instance.",
			fix:   "Register the client at the provider (confidential, authorization_code and client_credentials), or set client.id to one that it has.",
			step:  "client.id", hides: []string{"signin.exchange"},
		},
		{
			id: "signin.pkce", words: []string{"code_challenge", "code_verifier", "pkce"},
			match: has(`(?:code_challenge|code_verifier|pkce).{0,60}(?:required|missing|must|invalid)|(?:required|missing).{0,60}(?:code_challenge|code_verifier|pkce)`),
			title: "The identity provider insists on PKCE",
			cause: "The client is set to require PKCE, which the portal's sign-in does not send.",
			fix:   "Do not require PKCE for this client at the provider: it has a secret.",
			step:  "client.id", hides: []string{"signin.exchange"},
		},
		{
			id: "signin.redirect", words: []string{"redirect_uri", "redirect uri", "aadsts50011", "callback url mismatch", "invalid_callback"},
			match: has(`(?:invalid|unregistered|mismatch|does not match|not allowed|missing|unknown).{0,40}redirect[_ ]uri|redirect[_ ]uri.{0,60}(?:mismatch|invalid|does not match|not registered|is missing|not allowed)|aadsts50011|callback url mismatch|invalid_callback`),
			title: "The redirect address is not registered",
			cause: "Scheme, host, port or path differ from what the provider has; the portal's follows from portal.baseUrl.",
			fix:   "Register exactly <portal.baseUrl>/api/auth/openchoreo-auth/handler/frame for the client at the provider.",
			step:  "portal.baseUrl", hides: []string{"signin.exchange"},
		},
		{
			id: "signin.code", words: exchange, match: has(`invalid_grant`),
			title: "The identity provider refuses the code",
			cause: "The code was used twice or too late, or the redirect address differs between the two requests.",
			fix:   "Sign in again. If it stays, compare portal.baseUrl with the registered redirect address.",
			step:  "portal.baseUrl", hides: []string{"signin.exchange"},
		},
		{
			id: "signin.exchange", general: true, words: exchange,
			title: "The sign-in does not get its token",
			cause: "The portal asks the provider for a token with the code, and got none.",
			fix:   "Check identity.tokenUrl from within the cluster, and client ID and secret.",
			step:  "identity.tokenUrl",
		},
		{
			id: "signin.email", words: []string{"user profile/email is undefined", "user profile does not contain an email", "user profile contained no email"},
			title: "The token has no email",
			cause: "Sign-in needs one of email, preferred_username, username or unique_name in the access token, or in the ID token.",
			fix:   "Have the provider put one of them into the access token, and ask for its scope in client.oidcScope.",
			step:  "client.oidcScope",
		},
		{
			id: "signin.resolver", words: []string{"unable to resolve user identity", "failed to sign-in, unable"},
			title: "The person is not known",
			cause: "The sign-in went well, and nobody in the catalog fits.",
			fix:   "Look which claim names the person, and at the resolver in backstage.appConfig.",
			step:  "client.oidcScope",
		},
		{
			id: "signin.denied", words: []string{"access_denied"}, match: has(`(?:authentication (?:failed|rejected)|error.{0,20}).{0,80}access_denied`),
			title: "The identity provider denied the sign-in",
			cause: "The person is not assigned to the application, or said no.",
			fix:   "Assign the person or the group to the application at the provider.",
		},
		{
			id: "signin.origin", words: []string{"origin"}, match: has(`origin '?[^' ]+'? is not allowed`),
			title: "The portal is opened under another address",
			cause: "The address in the browser is not portal.baseUrl: another scheme, host or port.",
			fix:   "Set portal.baseUrl to the address in the browser, with its port.",
			step:  "portal.baseUrl", hides: []string{"session."},
		},
		{
			id: "signin.state", words: []string{"auth response is missing cookie nonce", "invalid nonce", "oauth state is invalid", "no scope found in oauth state", "unable to verify authorization request state", "state mismatch"},
			title: "The sign-in lost its cookie",
			cause: "The browser came back under another host or scheme than it started from, took too long, or keeps no cookies.",
			fix:   "Use one address everywhere: portal.baseUrl, the gateway and the registered redirect address, all https or all http.",
			step:  "portal.baseUrl", hides: []string{"session.cookie"},
		},
		{
			id: "session.user-token", words: []string{"missing x-openchoreo-token header"},
			title: "The browser sends no token",
			cause: "The person has not signed in with the provider, or the session is over.",
			fix:   "Sign out and in again.",
		},
		{
			id: "session.signature", words: []string{"access token signature verification failed"},
			title: "Sessions are of another identity provider",
			cause: "The provider has new keys, or was set up anew.",
			fix:   "Sign in again; make sure that the provider keeps its keys when it restarts.",
		},
		{
			id: "session.expired", words: []string{"access token expired, re-authentication required"},
			title: "Sessions end with the access token",
			cause: "The provider gives no refresh token, so that a session lives as long as its access token.",
			fix:   "Add offline_access to client.oidcScope and allow refresh_token for the client, or let access tokens live longer.",
			step:  "client.oidcScope", hides: []string{"session.refresh"},
		},
		{
			id: "session.refresh", general: true, words: []string{"failed to refresh access token", "authenticationerror: refresh failed", "auth refresh request failed"},
			title: "Sessions are not prolonged",
			cause: "The refresh token has expired or was withdrawn, or the client may not use refresh_token.",
			fix:   "Sign in again. Allow refresh_token for the client at the provider.",
			step:  "client.oidcScope",
		},
		{
			id: "session.cookie", words: []string{"missing session cookie"},
			title: "A browser came without a session",
			cause: "Ordinary before the sign-in. Afterwards: https and http are mixed, or the browser keeps no cookies.",
			fix:   "Nothing before the sign-in. Else use one address everywhere, with the scheme of portal.baseUrl.",
			step:  "portal.baseUrl",
		},
	}
}
