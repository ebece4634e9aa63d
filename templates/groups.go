package templates

// Group is a mapping of a new values file and the comment above it.
type Group struct {
	// Path is the mapping's Helm path.
	Path string
	// Comment is one line, without the sign that starts a comment. It is empty
	// for a mapping whose children say enough.
	Comment string
}

// Groups returns the mappings of a new values file in the order they are
// written, every one before its children. A path that is in no group of its own
// belongs to the longest group that it starts with.
func Groups() []Group {
	return []Group{
		{"global", "Labels and images of all components."},
		{"backstage", "The developer portal."},
		{"backstage.http", "Its route through the gateway; the host names include that of baseUrl."},
		{"backstage.service", "Its Service."},
		{"backstage.openchoreoApi", "Where its pods reach the OpenChoreo API."},
		{"backstage.auth", "Sign-in: the OAuth clients the portal uses; their secrets are in the Secret."},
		{"backstage.database", "Where it keeps its data; the credentials are in the Secret."},
		{"backstage.database.sqlite", ""},
		{"backstage.database.sqlite.persistence", "Turning this off, or leaving sqlite, deletes the claim and its data unless the claim is annotated helm.sh/resource-policy: keep."},
		{"backstage.database.postgresql", ""},
		{"backstage.features", "What it shows."},
		{"backstage.features.workflows", ""},
		{"backstage.features.observability", ""},
		{"backstage.features.auth", ""},
		{"backstage.features.auth.redirectFlow", ""},
		{"backstage.features.assistant", "Needs portalAssistant as well."},
		{"backstage.catalogSync", "Seconds between two complete reads of the catalog."},
		{"backstage.externalCI", "Builds that run elsewhere."},
		{"backstage.externalCI.jenkins", ""},
		{"backstage.externalCI.githubActions", ""},
		{"backstage.externalCI.githubActions.oauth", ""},
		{"backstage.autoscaling", "How many pods the autoscaler may run."},
		{"backstage.resources", "What each of its pods gets; always text in quotes."},
		{"backstage.resources.requests", ""},
		{"backstage.resources.limits", ""},
		{"openchoreoApi", "The OpenChoreo API."},
		{"openchoreoApi.http", "Its route through the gateway."},
		{"openchoreoApi.config", ""},
		{"openchoreoApi.config.server", "The address its users see."},
		{"openchoreoApi.config.security", ""},
		{"openchoreoApi.config.security.subjects", "How it tells people from programs; both kinds are complete."},
		{"openchoreoApi.config.security.authorization", ""},
		{"openchoreoApi.config.security.authorization.bootstrap", "Who has which role. Helm replaces this list as a whole: keep every entry."},
		{"security", "Sign-in and permissions of the portal and the API."},
		{"security.oidc", "The identity provider's addresses."},
		{"security.jwt", ""},
		{"security.authz", ""},
		{"gateway", "The gateway in front of both."},
		{"gateway.tls", "Its https listener."},
		{"features", "Features that span components."},
		{"features.secretManagement", ""},
		{"eventForwarder", "Tells the portal of changes at once."},
	}
}
