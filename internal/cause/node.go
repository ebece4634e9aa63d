package cause

import "regexp"

// nodeRows are Node.js and the image, before or below the portal.
func nodeRows() []row {
	return []row{
		{
			id:    "node.memory",
			words: []string{"javascript heap out of memory", "reached heap limit allocation failed", "ineffective mark-compacts near heap limit"},
			title: "Node.js is out of memory",
			cause: "The portal needs more memory than its limit leaves to Node.js.",
			fix:   "Raise the limit, 2Gi is the chart's default; with a higher one --max-old-space-size in NODE_OPTIONS may be needed.",
			step:  "scaling.limits.memory", hides: []string{"k8s.probe", "k8s.crash", "general."},
		},
		{
			id: "disk.full", words: []string{"enospc", "no space left on device", "database or disk is full", "sqlite_full"},
			title: "The disk is full",
			cause: "The volume, or the node's own storage, has no room left.",
			fix:   "Enlarge the claim if its storage class allows it, or free space on the node. An emptyDir counts against the pod's ephemeral storage.",
			step:  "database.sqlite.size", hides: []string{"sqlite.", "k8s.probe", "general."},
		},
		{
			id: "node.port", words: []string{"eaddrinuse"},
			title: "The port is taken",
			cause: "Two processes of the pod want the same port; the portal's is always 7007, whatever PORT says.",
			fix:   "Take away what else listens at 7007 in this pod: a sidecar, or a second process.",
			hides: []string{"k8s.probe", "general."},
		},
		{
			id: "node.permission", words: []string{"eacces: permission denied", "eperm: operation not permitted", "erofs: read-only file system"},
			title: "A file cannot be written",
			cause: "The portal runs as user 1000; the directory belongs to another, or is mounted read-only.",
			fix:   "Let group 1000 write to the volume (fsGroup), and mount it for writing.",
			step:  "database.sqlite.mountPath", hides: []string{"sqlite.", "k8s.probe", "general."},
		},
		{
			id: "node.native", words: []string{"err_dlopen_failed", "was compiled against a different node.js version", "invalid elf header", "exec format error"},
			title: "The image does not fit",
			cause: "A compiled part of the image is for another processor or Node.js.",
			fix:   "Use the chart's own image and tag, for the processors of your nodes.",
			step:  "chart", hides: []string{"k8s.probe", "general."},
		},
		{
			id: "node.module", words: []string{"err_module_not_found", "cannot find module", "err_require_esm", "err_package_path_not_exported"},
			match: regexp.MustCompile(`err_module_not_found|cannot find (?:module|package) |err_require_esm|err_package_path_not_exported`),
			title: "A module is missing from the image",
			cause: "The image is incomplete, or an extra argument or NODE_OPTIONS names a file that is not in it.",
			fix:   "Use the chart's own image and tag; look at backstage.extraArgs and NODE_OPTIONS.",
			step:  "chart", hides: []string{"k8s.probe", "general."},
		},
		{
			id: "node.files", words: []string{"emfile", "enfile: file table overflow"},
			title: "Too many files are open",
			cause: "The limit of open files of the container runtime is too low.",
			fix:   "Raise the limit of open files (nofile) of the container runtime on the node.",
			hides: []string{"general."},
		},
	}
}

// configRows are Backstage's configuration, which the chart makes of values and
// variables.
func configRows() []row {
	dead := []string{"k8s.probe", "general."}
	return []row{
		{
			id: "config.backend-secret", words: []string{"backend.auth.keys"},
			match: regexp.MustCompile(`(?:missing required config value|got empty-string).{0,80}backend\.auth\.keys|backend\.auth\.keys.{0,80}(?:got empty-string|missing)`),
			title: "The backend secret is missing",
			cause: "The configuration asks for backend.auth.keys, and the Secret's backend-secret is empty.",
			fix:   "Let backstage-setup install generate backend-secret, then restart.",
			step:  "backendSecret", hides: append([]string{"config.missing", "config.empty"}, dead...),
		},
		{
			id: "config.empty", words: []string{"got empty-string"},
			title: "A variable is set to nothing",
			cause: "Backstage takes a variable that is set but empty as a fault: an empty key of the Secret, scope or address does this.",
			fix:   "The line names the place. Give the value, or a placeholder such as not-used for a key that you do not use.",
			hides: dead,
		},
		{
			id: "config.missing", words: []string{"missing required config value at"}, not: []string{"backend.auth.keys"},
			title: "A value is missing in the configuration",
			cause: "A plugin needs a value that neither the chart nor backstage.appConfig sets.",
			fix:   "The line names the place, as in app-config.yaml. Set it in backstage.appConfig, or take away what asks for it.",
			hides: dead,
		},
		{
			id: "config.type", words: []string{"invalid type in config for key", "unable to convert config value for key", "config validation failed"}, not: []string{"got empty-string"},
			title: "A value of the configuration has the wrong type",
			cause: "Text where a number or a list belongs, or the other way round; variables of the form APP_CONFIG_… are read as JSON.",
			fix:   "The line names the place. Look at backstage.appConfig and at APP_CONFIG_ variables in backstage.extraEnv.",
			step:  "environment.extra", hides: dead,
		},
		{
			id: "config.file", words: []string{"failed to read config file", "failed to load config", "failed to read file", "failed to parse included file"},
			match: regexp.MustCompile(`failed to (?:read|load) config|app-config[^ ]*\.yaml.{0,80}(?:does not exist|enoent|failed)|failed to read file .{0,200}enoent|failed to parse included file`),
			title: "A configuration file cannot be read",
			cause: "backstage.extraArgs or the configuration names a file that is not in the container, or is no YAML.",
			fix:   "Look at backstage.extraArgs and backstage.appConfig.",
			hides: dead,
		},
		{
			id: "config.provider", words: []string{"openchoreo auth configuration error"},
			title: "The sign-in has no addresses",
			cause: "Neither the discovery nor the values give the authorization and token address.",
			fix:   "Set identity.issuer, and identity.authorizationUrl and identity.tokenUrl if the provider has no discovery.",
			step:  "identity.authorizationUrl", hides: dead,
		},
		{
			id: "config.environment", words: []string{"no configuration available for the '"},
			match: regexp.MustCompile(`no configuration available for the '[^']*' environment of this provider`),
			title: "The sign-in is configured for another environment",
			cause: "The provider's settings stand below another name than the environment that the browser asks for.",
			fix:   "Take auth.environment out of backstage.appConfig: the image's own settings are below development.",
			hides: dead,
		},
		{
			id: "config.service", words: []string{"openchoreo client credentials are not configured"},
			title: "The service client is not configured",
			cause: "Client ID, secret or token address of the portal's service account are missing.",
			fix:   "Set client.id, client.secret and identity.tokenUrl.",
			step:  "client.id", hides: []string{"api.", "general."},
		},
		{
			id: "config.auth-disabled", words: []string{"authentication is disabled - no service token available"},
			title: "Authentication is switched off",
			cause: "Something asks for a token of the service account while security.enabled is false.",
			fix:   "Switch authentication on, or leave that feature alone.",
			step:  "security.authentication",
		},
	}
}
