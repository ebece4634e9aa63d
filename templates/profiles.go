package templates

import "maps"

// Profiles returns the known classes of charts, oldest first. Every call
// returns fresh data that the caller may change.
func Profiles() []Profile {
	return []Profile{
		profile("1.0.x", []string{"1.0.0", "1.0.1", "1.0.2", "1.0.3", "1.0.4", "1.0.5"}),
		profile("1.1.0-1.1.2", []string{"1.1.0", "1.1.1", "1.1.2"}),
		profile("1.1.3-1.1.6", []string{"1.1.3", "1.1.4", "1.1.5", "1.1.6"}),
		profile("1.2.x", []string{"1.2.0", "1.2.1", "1.2.2", "1.2.3"}),
	}
}

func profile(name string, versions []string) Profile {
	first := versions[0]
	p := Profile{
		Name: name, Versions: versions, Advisories: map[string]string{},
		Paths: paths(first), Items: items(), NoPath: noPath(), Moved: moved(first),
		MappingsPath: mappingsPath, SecretKeys: secretKeys(first), Env: envVars(first),
		UnquotedBindings: before(first, v113), HookBindings: !before(first, v113),
		ValidateAlways: before(first, v120), ReplicasWithAutoscaling: before(first, v120), AffinityUsable: !before(first, v120),
	}
	switch minor, _ := minorOf(first); minor {
	case "1.0":
		p.Recommended, p.Kubernetes, p.Bindings = "1.0.5", "1.32", bindings10()
	case "1.1":
		p.Recommended, p.Kubernetes, p.Bindings = "1.1.5", "1.32", bindings11()
	case "1.2":
		p.Recommended, p.Kubernetes, p.Bindings = "1.2.2", "1.34", bindings12()
	}
	p.BindingKeys = bindingKeys(p.Bindings)
	p.Defaults = defaultsOf(first, p.Bindings)
	for _, version := range versions {
		if text := advisory(version); text != "" {
			p.Advisories[version] = text
		}
	}
	return p
}

// advisory says what is wrong with the portal's image of a release. The flags
// that let anyone call the backend are in the images' app-config.production.yaml;
// the releases that took them out broke the backend's calls to itself.
func advisory(version string) string {
	switch version {
	case "1.0.0", "1.0.1", "1.0.2", "1.0.3", "1.1.0", "1.1.1", "1.1.2", "1.1.3", "1.2.0":
		return "the portal's image of this release answers its backend's /api without a sign-in, even with authentication on"
	case "1.0.4", "1.1.4", "1.2.1":
		return "the portal's image of this release gets 401 when its backend calls itself, so creating from templates fails"
	}
	return ""
}

// moved maps paths that older files and documentation have to their successors.
// perchAgentUrl is in no release, but the documentation of 1.1 and 1.2 names it.
func moved(release string) map[string]string {
	paths := map[string]string{"backstage.existingSecret": "backstage.secretName"}
	if !before(release, v110) {
		paths["backstage.features.assistant.perchAgentUrl"] = "backstage.features.assistant.portalAssistantUrl"
	}
	return paths
}

// items are the answers that go into a list.
func items() map[string]Item {
	return map[string]Item{
		"gateway.tls.certificateSecret": {List: "gateway.tls.certificateRefs", Field: "name"},
		"environment.logLevel":          {List: "backstage.env", Name: "LOG_LEVEL", Field: "value"},
		// The content of the file, not its name. An explicit certificate wins over
		// PGSSLMODE, and a variable, unlike backstage.appConfig, restarts the pods
		// when it changes.
		"database.postgresql.caFile":  {List: "backstage.extraEnv", Name: "APP_CONFIG_backend_database_connection_ssl_ca", Field: "value"},
		"database.postgresql.trustCA": {List: "backstage.extraEnv", Name: "APP_CONFIG_backend_database_connection_ssl_ca"},
		"database.postgresql.verify":  {List: "backstage.extraEnv", Name: "PGSSLMODE"},
		// With two more of the same beginning: ensureExists and ensureSchemaExists.
		"database.postgresql.layout": {List: "backstage.extraEnv", Name: "APP_CONFIG_backend_database_pluginDivisionMode"},
	}
}

// noPath are the answers that are about the run itself.
func noPath() map[string]string {
	return map[string]string{
		"preset":                     "fills defaults for what is not answered",
		"chart":                      "chooses the chart",
		"target.context":             "says which cluster",
		"target.namespace":           "says which namespace",
		"target.release":             "says which Helm release",
		"target.values":              "says which values file",
		"secret.delivery":            "says how the Secret is delivered",
		"secret.manifest":            "says where the Secret's manifest is written",
		"secret.store.address":       "says where the store of External Secrets is",
		"secret.store.mount":         "says where the store of External Secrets is",
		"secret.store.path":          "says where the store of External Secrets is",
		"secret.store.token":         "opens the store of External Secrets",
		"secret.store.caFile":        "verifies the store of External Secrets",
		"identity.provider":          "chooses presets and hints",
		"database.sqlite.keepVolume": "keeps a volume that the release has no more",
		"rotate.key":                 "names the key of the Secret to rotate",
		"rotate.value":               "is the new value of that key",
	}
}

func paths(release string) map[string]string {
	paths := map[string]string{
		"secret.name":                  "backstage.secretName",
		"portal.enabled":               "backstage.enabled",
		"portal.baseUrl":               "backstage.baseUrl",
		"portal.hostnames":             "backstage.http.hostnames",
		"portal.routing":               "backstage.http.enabled",
		"portal.service.type":          "backstage.service.type",
		"portal.service.port":          "backstage.service.port",
		"portal.service.nodePort":      "backstage.service.nodePort",
		"portal.apiUrl":                "backstage.openchoreoApi.url",
		"api.publicUrl":                "openchoreoApi.config.server.publicUrl",
		"api.hostnames":                "openchoreoApi.http.hostnames",
		"gateway.tls.enabled":          "gateway.tls.enabled",
		"gateway.tls.hostname":         "gateway.tls.hostname",
		"gateway.httpPort":             "gateway.httpPort",
		"gateway.httpsPort":            "gateway.httpsPort",
		"security.authentication":      "security.enabled",
		"security.authorization":       "security.authz.enabled",
		"identity.issuer":              "security.oidc.issuer",
		"identity.discoveryUrl":        "security.oidc.wellKnownEndpoint",
		"identity.authorizationUrl":    "security.oidc.authorizationUrl",
		"identity.tokenUrl":            "security.oidc.tokenUrl",
		"identity.jwksUrl":             "security.oidc.jwksUrl",
		"identity.audience":            "security.jwt.audience",
		"client.id":                    "backstage.auth.clientId",
		"client.oidcScope":             "backstage.auth.oidcScope",
		"client.serviceScope":          "backstage.auth.scope",
		"authorization.groups.claim":   userSubject + "mechanisms.jwt.entitlement.claim",
		"authorization.subjectClaim":   robotSubject + "mechanisms.jwt.entitlement.claim",
		"database.type":                "backstage.database.type",
		"database.sqlite.persistence":  "backstage.database.sqlite.persistence.enabled",
		"database.sqlite.size":         "backstage.database.sqlite.persistence.size",
		"database.sqlite.storageClass": "backstage.database.sqlite.persistence.storageClassName",
		"database.sqlite.accessMode":   "backstage.database.sqlite.persistence.accessMode",
		"database.sqlite.mountPath":    "backstage.database.sqlite.mountPath",
		"database.postgresql.ssl":      "backstage.database.postgresql.ssl",
		"features.workflows":           "backstage.features.workflows.enabled",
		"features.observability":       "backstage.features.observability.enabled",
		"features.redirectFlow":        "backstage.features.auth.redirectFlow.enabled",
		"scaling.replicas":             "backstage.replicas",
		"scaling.autoscaling.enabled":  "backstage.autoscaling.enabled",
		"scaling.autoscaling.min":      "backstage.autoscaling.minReplicas",
		"scaling.autoscaling.max":      "backstage.autoscaling.maxReplicas",
		"scaling.autoscaling.cpu":      "backstage.autoscaling.targetCPUUtilizationPercentage",
		"scaling.autoscaling.memory":   "backstage.autoscaling.targetMemoryUtilizationPercentage",
		"scaling.requests.cpu":         "backstage.resources.requests.cpu",
		"scaling.requests.memory":      "backstage.resources.requests.memory",
		"scaling.limits.cpu":           "backstage.resources.limits.cpu",
		"scaling.limits.memory":        "backstage.resources.limits.memory",
		"environment.extra":            "backstage.extraEnv",
		"jenkins.enabled":              "backstage.externalCI.jenkins.enabled",
		"jenkins.baseUrl":              "backstage.externalCI.jenkins.baseUrl",
		"jenkins.username":             "backstage.externalCI.jenkins.username",
	}
	if !before(release, v110) {
		maps.Copy(paths, map[string]string{
			"serviceClient.id":            "backstage.auth.serviceClientId",
			"features.assistant":          "backstage.features.assistant.enabled",
			"features.secretManagement":   "features.secretManagement.enabled",
			"features.catalogSyncSeconds": "backstage.catalogSync.frequency",
			"features.eventForwarder":     "eventForwarder.enabled",
		})
	}
	if !before(release, v120) {
		maps.Copy(paths, map[string]string{
			"githubActions.enabled":       "backstage.externalCI.githubActions.enabled",
			"githubActions.host":          "backstage.externalCI.githubActions.host",
			"githubActions.apiBaseUrl":    "backstage.externalCI.githubActions.apiBaseUrl",
			"githubActions.oauthClientId": "backstage.externalCI.githubActions.oauth.clientId",
		})
	}
	return paths
}
