package templates

// The first releases of the three minors, and the patch that moved the
// bindings into a hook Job.
const (
	v100 = "1.0.0"
	v110 = "1.1.0"
	v113 = "1.1.3"
	v120 = "1.2.0"
)

func portalKeys() []HelmKey {
	return []HelmKey{
		{"backstage.enabled", "boolean", true, v100, "", "Installs the portal."},
		{"backstage.name", "string", "backstage", v100, "", "Name of the portal's Deployment, Service, HTTPRoute, autoscaler and claim. The event forwarder's default webhook has the name backstage built in."},
		{"backstage.secretName", "string", "", v100, "", "Name of the Secret with the portal's credentials. The chart refuses to render without it while the portal is enabled."},
		{"backstage.baseUrl", "string", "http://openchoreo.invalid", v100, "", "Address of the portal in a browser, with the port if it is not the scheme's own. Sign-in returns to it, and it is the only allowed origin."},
		{"backstage.http.enabled", "boolean", true, v100, "", "Routes the portal through the gateway with an HTTPRoute."},
		{"backstage.http.hostnames", "array", list("openchoreo.invalid"), v100, "", "Host names of the portal's HTTPRoute. They have to include the host of backstage.baseUrl; an empty list means no route at all."},
		{"backstage.http.annotations", "object", empty(), v100, "", "Annotations of the portal's HTTPRoute."},
		{"backstage.service.type", "string", "ClusterIP", v100, "", "Type of the portal's Service: ClusterIP, NodePort or LoadBalancer."},
		{"backstage.service.port", "integer", 7007, v100, "", "Port of the portal's Service. The container's port is always 7007, and the event forwarder's default webhook uses 7007."},
		{"backstage.service.nodePort", "integer", nil, v100, "", "Port on every node when the Service's type is NodePort; none lets Kubernetes choose."},
		{"backstage.tls.enabled", "boolean", false, v100, "", "Does not turn on TLS: true only restores the browser rule that upgrades http requests to https, which breaks a portal that is served over http."},
		{"backstage.openchoreoApi.url", "string", "", v100, "", "Address at which the portal's pods reach the OpenChoreo API; empty means the API's Service in the release's namespace over http, port 8080."},
		{"backstage.image.repository", "string", "ghcr.io/openchoreo/openchoreo-ui", v100, "", "The portal's image."},
		{"backstage.image.tag", "string", "", v100, "", "Tag of the portal's image; empty means the chart's application version."},
		{"backstage.image.pullPolicy", "string", "IfNotPresent", v100, "", "When the image is pulled: Always, IfNotPresent or Never."},
	}
}

func signInKeys() []HelmKey {
	return []HelmKey{
		{"backstage.auth.clientId", "string", "openchoreo-backstage-client", v100, "", "OAuth client with which people sign in. In 1.0 the catalog uses it too."},
		{"backstage.auth.oidcScope", "string", "openid profile email", v100, "", "Scopes asked for when a person signs in, separated by spaces. It must not be empty: the portal does not start with an empty variable."},
		{"backstage.auth.scope", "string", "", v100, "", "Scopes asked for when the portal gets a token for itself; empty leaves it to the identity provider."},
		{"backstage.auth.serviceClientId", "string", "", v110, "", "OAuth client with which the portal calls the API for itself; empty means backstage.auth.clientId."},
		{"backstage.auth.serviceClientSecretKey", "string", "client-secret", v110, "", "Key of the Secret with the service client's secret."},
		{"backstage.auth.redirectUrls", "array", none(), v100, "", "No template reads it. The address to register at the identity provider follows from backstage.baseUrl."},
	}
}

func databaseKeys() []HelmKey {
	return []HelmKey{
		{"backstage.database.type", "string", "sqlite", v100, "", "Where the portal keeps its data: sqlite or postgresql. No data moves when it changes."},
		{"backstage.database.sqlite.mountPath", "string", "/app/.config/backstage", v100, "", "Directory of the SQLite files in the container."},
		{"backstage.database.sqlite.persistence.enabled", "boolean", false, v100, "", "Keeps the SQLite files on a claim instead of an emptyDir. Turning it off, or leaving sqlite, makes Helm delete the claim."},
		{"backstage.database.sqlite.persistence.size", "string", "1Gi", v100, "", "Size of the claim."},
		{"backstage.database.sqlite.persistence.storageClassName", "string", "", v100, "", "Storage class of the claim; empty means the cluster's default."},
		{"backstage.database.sqlite.persistence.accessMode", "string", "ReadWriteOnce", v100, "", "Access mode of the claim: ReadWriteOnce or ReadWriteMany."},
		{"backstage.database.postgresql.ssl", "boolean", false, v100, "", "Connects to PostgreSQL with TLS and verifies both the certificate's issuer and its host name."},
	}
}

func featureKeys() []HelmKey {
	return []HelmKey{
		{"backstage.features.workflows.enabled", "boolean", true, v100, "", "Shows workflows; they need a workflow plane."},
		{"backstage.features.observability.enabled", "boolean", true, v100, "", "Shows logs, metrics and traces; they need an observability plane."},
		{"backstage.features.auth.redirectFlow.enabled", "boolean", true, v100, "", "Signs in by redirecting the page instead of opening a window."},
		{"backstage.features.assistant.enabled", "boolean", false, v110, "", "Shows the assistant; without portalAssistant.enabled every message to it fails with 502."},
		{"backstage.features.assistant.portalAssistantUrl", "string", "", v110, "", "Address of the assistant; empty means its Service in the release's namespace."},
		{"backstage.catalogSync.frequency", "integer", 300, v110, "", "Seconds between two complete reads of the catalog. In 1.0 it is fixed at 30."},
		{"backstage.observability.wirelogs.streamTimeoutSeconds", "integer", 900, v120, "", "Seconds after which the portal ends a stream of wire logs."},
		{"backstage.externalCI.jenkins.enabled", "boolean", false, v100, "", "No template reads it: the Jenkins settings reach the portal in any case, and the Secret needs jenkins-api-key in any case."},
		{"backstage.externalCI.jenkins.baseUrl", "string", "https://jenkins.example.com", v100, "", "Address of Jenkins."},
		{"backstage.externalCI.jenkins.username", "string", "jenkins-user", v100, "", "User of the Jenkins API key."},
		{"backstage.externalCI.githubActions.enabled", "boolean", false, v120, "", "Shows the GitHub Actions of a component."},
		{"backstage.externalCI.githubActions.host", "string", "github.com", v120, "", "Host of GitHub, or of a GitHub Enterprise server."},
		{"backstage.externalCI.githubActions.apiBaseUrl", "string", "", v120, "", "API address of a GitHub Enterprise server; empty for github.com."},
		{"backstage.externalCI.githubActions.oauth.clientId", "string", "", v120, "", "GitHub OAuth app with which people sign in to GitHub from the portal."},
		{"backstage.env", "array", list(
			map[string]any{"name": "NODE_ENV", "value": "production"},
			map[string]any{"name": "LOG_LEVEL", "value": "info"},
			map[string]any{"name": "PORT", "value": "7007"},
		), v100, "", "The portal's base variables. Helm replaces the list as a whole."},
		{"backstage.extraEnv", "array", none(), v100, "", "More variables for the portal. A name that the chart itself sets does not win, and a name that occurs twice is refused by server-side apply."},
		{"backstage.appConfig", "object", empty(), v110, "", "Backstage configuration that is loaded after the portal's own. A later change of it does not restart the pods."},
		{"backstage.extraArgs", "array", none(), v110, "", "More arguments for the portal's command line."},
		{"backstage.extraVolumes", "array", none(), v110, "", "Not usable: every release renders it as broken YAML."},
		{"backstage.extraVolumeMounts", "array", none(), v110, "", "Not usable: every release renders it as broken YAML."},
	}
}

func scalingKeys() []HelmKey {
	percent := func(value int) map[string]any {
		return map[string]any{"type": "Percent", "value": value}
	}
	down, up := percent(50), percent(100)
	down["periodSeconds"], up["periodSeconds"] = 60, 15
	return []HelmKey{
		{"backstage.replicas", "integer", 1, v100, "", "Number of the portal's pods. More than one needs PostgreSQL: with SQLite each pod has data of its own."},
		{"backstage.autoscaling.enabled", "boolean", false, v100, "", "Lets a HorizontalPodAutoscaler choose the number of pods."},
		{"backstage.autoscaling.minReplicas", "integer", 1, v100, "", "Fewest pods the autoscaler keeps."},
		{"backstage.autoscaling.maxReplicas", "integer", 3, v100, "", "Most pods the autoscaler starts."},
		{"backstage.autoscaling.targetCPUUtilizationPercentage", "integer", 70, v100, "", "CPU use, in percent of the request, that the autoscaler aims at."},
		{"backstage.autoscaling.targetMemoryUtilizationPercentage", "integer", 80, v100, "", "Memory use, in percent of the request, that the autoscaler aims at. With the default request it keeps the autoscaler at its maximum."},
		{"backstage.autoscaling.behavior.scaleDown.stabilizationWindowSeconds", "integer", 300, v100, "", "Seconds the autoscaler looks back before it removes pods."},
		{"backstage.autoscaling.behavior.scaleDown.policies", "array", list(down), v100, "", "How fast the autoscaler may remove pods."},
		{"backstage.autoscaling.behavior.scaleUp.stabilizationWindowSeconds", "integer", 0, v100, "", "Seconds the autoscaler looks back before it adds pods."},
		{"backstage.autoscaling.behavior.scaleUp.policies", "array", list(up, map[string]any{"type": "Pods", "value": 4, "periodSeconds": 60}), v100, "", "How fast the autoscaler may add pods."},
		{"backstage.autoscaling.behavior.scaleUp.selectPolicy", "string", "Max", v100, "", "Which of the policies counts: Max, Min or Disabled."},
		{"backstage.resources.limits.cpu", "string", "2000m", v100, "", "CPU limit of the portal's container. It has to be text: write \"2\", not 2."},
		{"backstage.resources.limits.memory", "string", "2Gi", v100, "", "Memory limit of the portal's container."},
		{"backstage.resources.requests.cpu", "string", "200m", v100, "", "CPU that is set aside for the portal's container."},
		{"backstage.resources.requests.memory", "string", "256Mi", v100, "", "Memory that is set aside for the portal's container."},
		{"backstage.podDisruptionBudget.enabled", "boolean", false, v100, "", "Adds a PodDisruptionBudget. Its selector matches no pod in any release."},
		{"backstage.podDisruptionBudget.minAvailable", "integer", 1, v100, "", "Pods that have to stay up during a voluntary disruption."},
	}
}

func podKeys() []HelmKey {
	spread := func(key, unsatisfiable string) map[string]any {
		return map[string]any{
			"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": unsatisfiable,
			"labelSelector": map[string]any{"matchLabels": map[string]any{
				"app.kubernetes.io/name": "openchoreo", "app.kubernetes.io/component": "backstage",
			}},
		}
	}
	return []HelmKey{
		{"backstage.serviceAccount.name", "string", "openchoreo-backstage", v100, "", "ServiceAccount of the portal's pods."},
		{"backstage.serviceAccount.annotations", "object", empty(), v100, "", "Annotations of the ServiceAccount."},
		{"backstage.priorityClass.create", "boolean", false, v100, "", "Creates a PriorityClass and gives it to the portal's pods."},
		{"backstage.priorityClass.name", "string", "openchoreo-backstage", v100, "", "Name of the PriorityClass."},
		{"backstage.priorityClass.value", "integer", 800000, v100, "", "Priority of the PriorityClass."},
		{"backstage.networkPolicy.enabled", "boolean", false, v100, "", "Adds a NetworkPolicy. Before 1.2 it selects no pod; from 1.2 it cuts the portal off from kgateway, PostgreSQL and an identity provider outside the cluster unless rules are added."},
		{"backstage.networkPolicy.ingress", "array", none(), v100, "", "More rules for traffic to the portal."},
		{"backstage.networkPolicy.egress", "array", none(), v100, "", "More rules for traffic from the portal."},
		{"backstage.metrics.enabled", "boolean", true, v100, "", "No template reads it."},
		{"backstage.metrics.serviceMonitor.enabled", "boolean", false, v100, "", "No template reads it."},
		{"backstage.metrics.serviceMonitor.namespace", "string", "monitoring", v100, "", "No template reads it."},
		{"backstage.metrics.serviceMonitor.interval", "string", "30s", v100, "", "No template reads it."},
		{"backstage.metrics.serviceMonitor.scrapeTimeout", "string", "10s", v100, "", "No template reads it."},
		{"backstage.metrics.serviceMonitor.labels.prometheus", "string", "kube-prometheus", v100, "", "No template reads it."},
		{"backstage.metrics.serviceMonitor.relabelings", "array", none(), v100, "", "No template reads it."},
		{"backstage.topologySpreadConstraints", "array", list(
			spread("topology.kubernetes.io/zone", "ScheduleAnyway"),
			spread("kubernetes.io/hostname", "DoNotSchedule"),
		), v100, "", "How the pods spread over zones and nodes. The default's labels match no pod in any release."},
		{"backstage.nodeSelector", "object", empty(), v100, "", "Node labels that the portal's pods ask for."},
		{"backstage.tolerations", "array", none(), v100, "", "Taints that the portal's pods tolerate."},
		{"backstage.affinity", "object", empty(), v100, "", "Affinity of the portal's pods. Before 1.2 the schema refuses any content."},
		{"backstage.podSecurityContext", "object", map[string]any{
			"runAsNonRoot": true, "runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 1000,
			"seccompProfile": map[string]any{"type": "RuntimeDefault"},
		}, v100, "", "Security context of the portal's pods."},
		{"backstage.containerSecurityContext", "object", map[string]any{
			"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": false,
			"capabilities":    map[string]any{"drop": list("ALL")},
			"seccompProfile":  map[string]any{"type": "RuntimeDefault"},
			"appArmorProfile": map[string]any{"type": "Unconfined"},
		}, v100, "", "Security context of the portal's container."},
	}
}
