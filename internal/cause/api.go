package cause

// apiRows are the portal at the OpenChoreo API: the catalog is filled from it.
func apiRows() []row {
	calls := []string{"failed to fetch namespaces", "failed to run openchoreoentityprovider", "failed to fetch user capabilities", "failed to fetch cluster ", "failed to fetch projects", "failed to fetch environments"}
	late := []string{"api.fetch", "api.sync", "api.empty"}
	return []row{
		{
			id: "api.unauthorized", words: append([]string{"invalid or expired token", "missing or invalid authentication token"}, calls...),
			match: has(`: 401 |invalid or expired token|missing or invalid authentication token|token claims validation failed|authenticationerror`),
			title: "The API does not accept the portal's token",
			cause: "Issuer, keys or audience of the API do not fit the provider; or the provider has new keys. The catalog stays as it was.",
			fix:   "Look at the API's log with its log level at debug: it says why. Compare identity.issuer, identity.jwksUrl and identity.audience with a real token.",
			step:  "identity.issuer", hides: late,
		},
		{
			id: "api.forbidden", words: append([]string{"authorization failed"}, calls...),
			match: has(`: 403 |notallowederror|authorization failed`), not: []string{"no valid user type"},
			title: "The API lets the portal see nothing",
			cause: "No binding gives the token's sub the role backstage-catalog-reader. With many providers sub is not the client ID. A token with groups is taken for a person's.",
			fix:   "Set authorization.subject to the sub of a real token of the service client.",
			step:  "authorization.subject", hides: late,
		},
		{
			id: "api.empty", words: []string{"entities (0 domains"},
			title: "The catalog is empty",
			cause: "The API answered with no namespaces: no binding gives the token's sub the role backstage-catalog-reader, or there is no namespace with the label openchoreo.dev/control-plane=true.",
			fix:   "Set authorization.subject to the sub of a real token of the service client.",
			step:  "authorization.subject",
		},
		{
			id: "api.address", words: calls, match: has(`: 404 |: 405 |unexpected token '?<|is not valid json`),
			title: "The API's address is wrong",
			cause: "What answers there is not the OpenChoreo API, or the path is not /api/v1.",
			fix:   "Leave portal.apiUrl empty to use the API's Service.",
			step:  "portal.apiUrl", hides: late,
		},
		{
			id: "api.fails", words: calls, match: has(`: 5\d\d `),
			title: "The OpenChoreo API fails",
			cause: "It answers with an error of its own.",
			fix:   "Look at its log: kubectl logs deployment/openchoreo-api in the control plane's namespace.",
			hides: late,
		},
		{
			id: "api.fetch", general: true, words: []string{"fetch failed"}, match: has(`(?:openchoreo|namespaces?|cluster|authz|capabilities).{0,120}fetch failed`), of: api,
			title: "The portal reaches no server",
			cause: "The identity provider or the OpenChoreo API did not answer; the line does not say why.",
			fix:   "Look for other lines about the token or the API. Check identity.tokenUrl, portal.apiUrl and the NetworkPolicy.",
			step:  "portal.apiUrl", hides: []string{"api.sync"},
		},
		{
			id: "portal.backend-token", words: []string{"failed to pre-cache capabilities: 401", "failed user token verification", "failed plugin token verification", "no user sub found in token"},
			title: "Plugins of the portal refuse each other",
			cause: "The images 1.0.4, 1.1.4 and 1.2.1 do so; else the database with the keys is new, or the replicas have one each, as with SQLite.",
			fix:   "Upgrade to chart 1.0.5, 1.1.5, 1.2.2 or newer. With more than one replica use PostgreSQL. People sign in again after a new database.",
			step:  "chart",
		},
		{
			id: "assistant.absent", words: []string{"portal-assistant"}, match: has(`portal-assistant.{0,200}(?:enotfound|econnrefused|fetch failed|502|timed? ?out)|(?:enotfound|econnrefused).{0,200}portal-assistant`),
			title: "The portal assistant is not there",
			cause: "The feature is on, and its service is not installed or does not run.",
			fix:   "Switch features.assistant off, or set portalAssistant.enabled with its model in the values.",
			step:  "features.assistant",
		},
		{
			id: "github.token", words: []string{"bad credentials"}, match: has(`github.{0,300}bad credentials|bad credentials.{0,300}github`),
			title: "GitHub refuses the token",
			cause: "The token of githubActions is wrong, has expired or lacks the repository.",
			fix:   "Set a new token, and restart.",
			step:  "githubActions.token",
		},
		{
			id: "github.rate", words: []string{"api rate limit exceeded"},
			title: "GitHub limits requests",
			cause: "Without a token GitHub allows 60 requests an hour.",
			fix:   "Give a token.",
			step:  "githubActions.token",
		},
		{
			id: "api.sync", general: true, words: []string{"failed to run openchoreoentityprovider", "failed to fetch namespaces"},
			title: "The catalog is not filled",
			cause: "The portal could not read from the OpenChoreo API; the line says how far it came.",
			fix:   "Look for other lines about the token or the API.",
			step:  "portal.apiUrl",
		},
	}
}

// generalRows follow from others, or explain little by themselves.
func generalRows() []row {
	return []row{
		{
			id: "general.webhook", general: true, words: []string{"failed calling webhook", "no endpoints available for service"},
			title: "A webhook of the cluster does not answer",
			cause: "Its pods are not ready yet, as after a first installation.",
			fix:   "Wait until the pods of its Service are ready, and run the same again.",
		},
		{
			id: "general.startup", general: true,
			words: []string{"backend startup failed", "threw an error during startup", "backend failed to start up", "startup failed; caused by"},
			not:   []string{"boot failure is permitted"},
			title: "The portal does not start",
			cause: "A plugin ended with an error, and the portal with it; the line says which.",
			fix:   "The words after “caused by” and the lines above say why.",
		},
	}
}
