package templates

import "slices"

// envVars returns the variables of the portal's container in one release. The
// list is that of the Deployment's template, in its order.
func envVars(release string) []EnvVar {
	all := []EnvVar{
		{Name: "NODE_ENV", Path: "backstage.env", Default: "production", Since: v100, Base: true, Meaning: "Environment of Node.js. The image sets it as well."},
		{Name: "LOG_LEVEL", Path: "backstage.env", Default: "info", Since: v100, Base: true, Meaning: "How much the portal logs: debug, info, warn or error."},
		{Name: "PORT", Path: "backstage.env", Default: "7007", Since: v100, Base: true, Meaning: "No effect: the portal's own configuration fixes port 7007."},
		{Name: "OPENCHOREO_API_URL", Path: "backstage.openchoreoApi.url", Default: "http://openchoreo-api.openchoreo-control-plane.svc.cluster.local:8080/api/v1", Since: v100, Meaning: "Address of the OpenChoreo API, by default the API's Service in the release's namespace."},
		{Name: "BACKSTAGE_BASE_URL", Path: "backstage.baseUrl", Default: "http://openchoreo.invalid", Since: v100, Meaning: "Address of the portal in a browser, without a slash at its end."},
		{Name: "BACKEND_SECRET", Secret: "backend-secret", Since: v100, Meaning: "Random text; the portal's own configuration does not read it."},
		{Name: "OPENCHOREO_AUTH_METADATA_URL", Path: "security.oidc.wellKnownEndpoint", Since: v100, When: When{Key: "identity.discoveryUrl"}, Meaning: "Discovery document of the identity provider."},
		{Name: "OPENCHOREO_AUTH_AUTHORIZATION_URL", Path: "security.oidc.authorizationUrl", Default: "http://thunder.openchoreo.invalid/oauth2/authorize", Since: v100, Meaning: "Where the browser goes to sign in."},
		{Name: "OPENCHOREO_AUTH_TOKEN_URL", Path: "security.oidc.tokenUrl", Default: "http://thunder.openchoreo.invalid/oauth2/token", Since: v100, Meaning: "Where the portal gets tokens."},
		{Name: "OPENCHOREO_AUTH_CLIENT_ID", Path: "backstage.auth.clientId", Default: "openchoreo-backstage-client", Since: v100, Meaning: "OAuth client with which people sign in; in 1.0 the catalog uses it too."},
		{Name: "OPENCHOREO_AUTH_CLIENT_SECRET", Secret: "client-secret", Since: v100, Meaning: "Secret of that client."},
		{Name: "OPENCHOREO_AUTH_OIDC_SCOPE", Path: "backstage.auth.oidcScope", Default: "openid profile email", Since: v100, Meaning: "Scopes of a person's sign-in."},
		{Name: "OPENCHOREO_AUTH_SCOPE", Path: "backstage.auth.scope", Since: v100, When: When{Key: "client.serviceScope"}, Meaning: "Scopes of the portal's own tokens."},
		{Name: "OPENCHOREO_SERVICE_CLIENT_ID", Path: "backstage.auth.serviceClientId", Default: "openchoreo-backstage-client", Since: v110, Meaning: "OAuth client with which the portal calls the API, by default the one for sign-in."},
		{Name: "OPENCHOREO_SERVICE_CLIENT_SECRET", Secret: "service-client-secret", Since: v110, Meaning: "Secret of that client, by default the key client-secret."},
		{Name: "OPENCHOREO_FEATURES_WORKFLOWS_ENABLED", Path: "backstage.features.workflows.enabled", Default: "true", Since: v100, Meaning: "Shows workflows."},
		{Name: "OPENCHOREO_FEATURES_OBSERVABILITY_ENABLED", Path: "backstage.features.observability.enabled", Default: "true", Since: v100, Meaning: "Shows logs, metrics and traces."},
		{Name: "OPENCHOREO_FEATURES_AUTH_ENABLED", Path: "security.enabled", Default: "true", Since: v100, Meaning: "Asks for a sign-in; false makes everybody a guest."},
		{Name: "OPENCHOREO_FEATURES_AUTHZ_ENABLED", Path: "security.authz.enabled", Default: "true", Since: v100, Meaning: "Decides by roles and bindings."},
		{Name: "OPENCHOREO_FEATURES_AUTH_REDIRECT_FLOW_ENABLED", Path: "backstage.features.auth.redirectFlow.enabled", Default: "true", Since: v100, Meaning: "Signs in by redirecting the page instead of opening a window."},
		{Name: "OPENCHOREO_FEATURES_ASSISTANT_ENABLED", Path: "backstage.features.assistant.enabled", Default: "false", Since: v110, Meaning: "Shows the assistant."},
		{Name: "OPENCHOREO_PORTAL_ASSISTANT_URL", Path: "backstage.features.assistant.portalAssistantUrl", Default: "http://portal-assistant.openchoreo-control-plane.svc.cluster.local:8080", Since: v110, Meaning: "Address of the assistant, by default its Service in the release's namespace. Older documentation calls it OPENCHOREO_PERCH_AGENT_URL."},
		{Name: "OPENCHOREO_FEATURES_SECRET_MANAGEMENT_ENABLED", Path: "features.secretManagement.enabled", Default: "false", Since: v110, Meaning: "Lets people manage Secrets in the portal."},
		{Name: "OPENCHOREO_CATALOG_SYNC_FREQUENCY", Path: "backstage.catalogSync.frequency", Default: "300", Since: v110, Meaning: "Seconds between two complete reads of the catalog."},
		{Name: "OPENCHOREO_EVENTS_ENABLED", Path: "eventForwarder.enabled", Default: "true", Since: v110, Meaning: "Takes the event forwarder's events."},
		{Name: "OPENCHOREO_OBSERVABILITY_WIRELOGS_STREAM_TIMEOUT_SECONDS", Path: "backstage.observability.wirelogs.streamTimeoutSeconds", Default: "900", Since: v120, Meaning: "Seconds after which a stream of wire logs ends."},
		{Name: "JENKINS_BASE_URL", Path: "backstage.externalCI.jenkins.baseUrl", Default: "https://jenkins.example.com", Since: v100, Meaning: "Address of Jenkins."},
		{Name: "JENKINS_USERNAME", Path: "backstage.externalCI.jenkins.username", Default: "jenkins-user", Since: v100, Meaning: "User of the Jenkins API key."},
		{Name: "JENKINS_API_KEY", Secret: "jenkins-api-key", Since: v100, Meaning: "API key of that user. It must not be empty, even where Jenkins is not used."},
	}
	github := When{Key: "githubActions.enabled", Value: "true"}
	oauth := When{Key: "githubActions.oauthClientId"}
	sqlite := When{Key: "database.type", Value: "sqlite"}
	postgresql := When{Key: "database.type", Value: "postgresql"}
	all = append(all,
		EnvVar{Name: "GITHUB_HOST", Path: "backstage.externalCI.githubActions.host", Default: "github.com", Since: v120, When: github, Meaning: "Host of GitHub."},
		EnvVar{Name: "GITHUB_API_BASE_URL", Path: "backstage.externalCI.githubActions.apiBaseUrl", Since: v120, When: github, Meaning: "API address of a GitHub Enterprise server."},
		EnvVar{Name: "GITHUB_TOKEN", Secret: "github-actions-token", Since: v120, When: github, Meaning: "Token with which the portal reads GitHub Actions."},
		EnvVar{Name: "AUTH_GITHUB_CLIENT_ID", Path: "backstage.externalCI.githubActions.oauth.clientId", Since: v120, When: oauth, Meaning: "GitHub OAuth app with which people sign in to GitHub."},
		EnvVar{Name: "AUTH_GITHUB_CLIENT_SECRET", Secret: "github-oauth-client-secret", Since: v120, When: oauth, Meaning: "Secret of that app."},
		EnvVar{Name: "DATABASE_CLIENT", Path: "backstage.database.type", Default: "better-sqlite3", Since: v100, Meaning: "Database driver: better-sqlite3 or pg."},
		EnvVar{Name: "SQLITE_STORAGE_DIR", Path: "backstage.database.sqlite.mountPath", Default: "/app/.config/backstage", Since: v100, When: sqlite, Meaning: "Directory of the SQLite files."},
		EnvVar{Name: "POSTGRES_HOST", Secret: "postgres-host", Since: v100, When: postgresql, Meaning: "Host name of PostgreSQL."},
		EnvVar{Name: "POSTGRES_PORT", Secret: "postgres-port", Since: v100, When: postgresql, Meaning: "Port of PostgreSQL."},
		EnvVar{Name: "POSTGRES_USER", Secret: "postgres-user", Since: v100, When: postgresql, Meaning: "Role with which the portal logs in."},
		EnvVar{Name: "POSTGRES_PASSWORD", Secret: "postgres-password", Since: v100, When: postgresql, Meaning: "Password of that role."},
		EnvVar{Name: "POSTGRES_DB", Secret: "postgres-db", Since: v100, When: postgresql, Meaning: "No effect, unless the portal is told to use one database for all plugins."},
		// The template asks for postgresql as well; this answer applies to it only.
		EnvVar{Name: "PGSSLMODE", Path: "backstage.database.postgresql.ssl", Since: v100, When: When{Key: "database.postgresql.ssl", Value: "true"}, Meaning: "The word require, which the portal's driver takes as: TLS, with the certificate's issuer and host name verified."},
	)
	return slices.DeleteFunc(all, func(v EnvVar) bool { return before(release, v.Since) })
}
