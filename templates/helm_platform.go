package templates

const (
	apiSecurity  = "openchoreoApi.config.security."
	userSubject  = apiSecurity + "subjects.user."
	robotSubject = apiSecurity + "subjects.service_account."
	bootstrap    = apiSecurity + "authorization.bootstrap."
	mappingsPath = bootstrap + "mappings"
)

func apiKeys() []HelmKey {
	return []HelmKey{
		{"openchoreoApi.enabled", "boolean", true, v100, "", "Installs the OpenChoreo API."},
		{"openchoreoApi.name", "string", "openchoreo-api", v100, "", "Name of the API's Deployment, Service and HTTPRoute."},
		{"openchoreoApi.http.enabled", "boolean", true, v100, "", "Routes the API through the gateway with an HTTPRoute."},
		{"openchoreoApi.http.hostnames", "array", list("api.openchoreo.invalid"), v100, "", "Host names of the API's HTTPRoute."},
		{"openchoreoApi.http.annotations", "object", empty(), v100, "", "Annotations of the API's HTTPRoute."},
		{"openchoreoApi.config.server.publicUrl", "string", "http://api.openchoreo.invalid", v100, "", "Address of the API as its users see it. The chart does not notice when it is still the placeholder."},
		{"openchoreoApi.config.server.tls.enabled", "boolean", false, v100, "", "Serves the API itself with TLS; backstage.openchoreoApi.url then has to be set by hand."},
		{apiSecurity + "authentication.jwt.jwks.skip_tls_verify", "boolean", false, v100, "", "Lets the API fetch the signing keys without verifying the certificate. This, not the switches under security.oidc, is what the API reads."},
		{apiSecurity + "authentication.jwt.jwks.refresh_interval", "string", "1h", v100, "", "Time between two fetches of the signing keys; tokens signed with a new key are refused until then."},
		{apiSecurity + "authentication.jwt.clock_skew", "string", "0s", v100, "", "No effect: the API parses it and does not use it."},
		{userSubject + "display_name", "string", "User", v100, "", "Name of the kind of caller that is a person."},
		{userSubject + "priority", "integer", 1, v100, "", "Rank: a token that has this kind's claim is taken for it before the others are tried."},
		{userSubject + "mechanisms.jwt.entitlement.claim", "string", "groups", v100, "", "Top-level claim with a person's groups; text or a list of texts."},
		{userSubject + "mechanisms.jwt.entitlement.display_name", "string", "User Group", v100, "", "Name of that claim's values."},
		{robotSubject + "display_name", "string", "Service Account", v100, "", "Name of the kind of caller that is a program."},
		{robotSubject + "priority", "integer", 2, v100, "", "Rank: tried when the token lacks the claim of the kinds before."},
		{robotSubject + "mechanisms.jwt.entitlement.claim", "string", "sub", v100, "", "Claim that names a program, such as the portal's service client."},
		{robotSubject + "mechanisms.jwt.entitlement.display_name", "string", "Client ID", v100, "", "Name of that claim's values."},
		{apiSecurity + "authorization.cache.enabled", "boolean", false, v100, "", "Lets the API remember its decisions."},
		{apiSecurity + "authorization.cache.ttl", "string", "5m", v100, "", "How long the API remembers a decision."},
		{apiSecurity + "authorization.resync_interval", "string", "10m", v100, "", "Time between two complete reads of the roles and bindings."},
		{bootstrap + "image", "string", "registry.k8s.io/kubectl:v1.36.0", v113, "", "Image of the hook Job that applies the default roles and bindings; a mirror has to carry it."},
		{mappingsPath, "array", bindingValues(bindings12()), v100, "", "Which groups and clients have which role. Helm replaces the list as a whole: a short list takes the other bindings away."},
	}
}

func securityKeys() []HelmKey {
	scopes := func() []any { return list("openid", "profile", "email") }
	return []HelmKey{
		{"security.enabled", "boolean", true, v100, "", "Makes the API and the portal ask for a sign-in."},
		{"security.authz.enabled", "boolean", true, v100, "", "Makes the API decide by roles and bindings. Turning it off in 1.1.2 and older deletes all default roles and bindings."},
		{"security.oidc.issuer", "string", "http://thunder.openchoreo.invalid", v100, "", "Issuer of the tokens; compared with their iss claim byte for byte."},
		{"security.oidc.wellKnownEndpoint", "string", "", v100, "", "Discovery document of the identity provider. The portal reads it for signing keys; addresses that are set explicitly win over it."},
		{"security.oidc.authorizationUrl", "string", "http://thunder.openchoreo.invalid/oauth2/authorize", v100, "", "Where the browser goes to sign in."},
		{"security.oidc.tokenUrl", "string", "http://thunder.openchoreo.invalid/oauth2/token", v100, "", "Where the portal's pods get tokens."},
		{"security.oidc.jwksUrl", "string", "http://thunder.openchoreo.invalid/oauth2/jwks", v100, "", "Where the API's pods get the signing keys. The API takes RSA keys only."},
		{"security.oidc.externalClients", "array", list(map[string]any{
			"name": "cli", "client_id": "openchoreo-cli", "scopes": scopes(),
		}), v100, "", "Clients that the API tells other programs about. Helm replaces the list as a whole."},
		{"security.oidc.mcpOAuthScopes", "array", scopes(), v120, "", "Scopes that the API tells MCP clients to ask for."},
		{"security.oidc.jwksUrlTlsInsecureSkipVerify", "boolean", false, v110, "", "Reaches the assistant only; the API has its own switch under openchoreoApi.config.security."},
		{"security.oidc.uidResolverTlsInsecureSkipVerify", "boolean", false, v110, "", "Reaches the assistant only."},
		{"security.jwt.audience", "string", "", v100, "", "Audience that a token has to name; empty means that any will do."},
		{"security.authServerBaseUrl", "string", "", v100, "", "No template reads it."},
	}
}

func gatewayKeys() []HelmKey {
	return []HelmKey{
		{"gateway.enabled", "boolean", true, v100, "", "Creates the Gateway gateway-default; without it there are no HTTPRoutes either."},
		{"gateway.gatewayClassName", "string", "kgateway", v120, "", "GatewayClass. Before 1.2 it is fixed, and the key is silently ignored."},
		{"gateway.httpPort", "integer", 80, v100, "", "Port of the http listener. It stays open when TLS is on, without a redirect."},
		{"gateway.httpsPort", "integer", 443, v100, "", "Port of the https listener."},
		{"gateway.tls.enabled", "boolean", true, v100, "", "Adds the https listener."},
		{"gateway.tls.hostname", "string", "*.openchoreo.invalid", v100, "", "Host name of the https listener. A wildcard covers names below the domain, not the domain itself."},
		{"gateway.tls.certificateRefs", "array", none(), v100, "", "Secrets with the https listener's certificate. Without one the listener does not work."},
		{"gateway.infrastructure", "object", empty(), v100, "", "Passed to the Gateway's infrastructure field."},
		{"gateway.annotations", "object", empty(), v100, "", "Annotations of the Gateway."},
	}
}

// companionKeys are the parts around the portal that its settings refer to.
func companionKeys() []HelmKey {
	return []HelmKey{
		{"features.secretManagement.enabled", "boolean", false, v110, "", "Lets people manage Secrets in the portal and the API."},
		{"eventForwarder.enabled", "boolean", true, v110, "", "Installs the event forwarder, which tells the portal of changes at once. Without it the catalog follows only every backstage.catalogSync.frequency seconds."},
		{"eventForwarder.config.webhooks.endpoints", "array", list(map[string]any{
			"url": "http://backstage:7007/api/events/http/openchoreo",
		}), v110, "", "Where events are posted to. The default fits only the default backstage.name and backstage.service.port."},
		{"eventForwarder.config.logging.level", "string", "info", v110, "", "Log level of the event forwarder."},
		{"portalAssistant.enabled", "boolean", false, v110, "", "Installs the assistant; it needs a model's name and a Secret."},
		{"portalAssistant.name", "string", "portal-assistant", v110, "", "Name of the assistant's Deployment and Service."},
		{"portalAssistant.llm.secretName", "string", "", v110, "", "Secret with the key of the language model; required when the assistant is installed."},
		{"portalAssistant.llm.modelName", "string", "", v110, "", "Name of the language model; required when the assistant is installed."},
		{"portalAssistant.llm.baseUrl", "string", "", v120, "", "Address of the language model's API."},
		{"portalAssistant.config.openchoreoApiUrl", "string", "http://openchoreo-api.openchoreo-control-plane.svc.cluster.local:8080", v110, "", "Address at which the assistant reaches the API. The default has the namespace openchoreo-control-plane built in."},
		{"portalAssistant.service.port", "integer", 8080, v110, "", "Port of the assistant's Service."},
		{"portalAssistant.http.enabled", "boolean", true, v110, "", "Routes the assistant through the gateway."},
		{"portalAssistant.http.hostnames", "array", none(), v110, "", "Host names of the assistant's HTTPRoute."},
		{"waitJob.image", "string", "bitnamilegacy/kubectl:1.32.4", v100, v120, "No template reads it, and the schema of 1.2 refuses the key."},
		{"fullnameOverride", "string", "openchoreo", v100, "", "Prefix of the names of objects that have none of their own."},
		{"global.commonLabels", "object", empty(), v100, "", "Labels for every object."},
		{"global.imageRegistry", "string", "", v120, "", "Registry that replaces the host of every image of OpenChoreo."},
		{"global.imagePullSecrets", "array", none(), v120, "", "Secrets with which images are pulled."},
	}
}
