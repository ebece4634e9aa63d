package cause

// helmRows are what helm says about the values and the chart.
func helmRows() []row {
	return []row{
		{
			id: "helm.placeholder", words: []string{"placeholder domains found"},
			title: "Hosts are still the chart's placeholders",
			cause: "Base URL, both hosts, the gateway's TLS host, the issuer or the Secret's name are not set.",
			fix:   "Set all that the message names; backstage-setup install asks for them.",
			step:  "portal.baseUrl",
		},
		{
			id: "helm.key", words: []string{"additional propert"}, match: has(`additional propert(?:y|ies) .{0,200}not allowed`),
			title: "The chart does not know a value",
			cause: "The key is of another version of the chart, or mistyped.",
			fix:   "Take it out, or give the chart's version that has it.",
			step:  "chart",
		},
		{
			id: "helm.type", words: []string{", want "}, match: has(`got (?:boolean|number|string|null|object|array|integer), want (?:boolean|number|string|null|object|array|integer)`),
			title: "A value has the wrong type",
			cause: `YAML reads yes, no, on and numbers as such: text wants quotes.`,
			fix:   "Put the value that the line names in quotes, or take its quotes off.",
		},
		{
			id: "helm.duplicate", words: []string{"duplicate entries for key"},
			title: "A variable is there twice",
			cause: "backstage.extraEnv repeats a variable that the chart sets itself; server-side apply refuses that.",
			fix:   "Take it out of backstage.extraEnv; LOG_LEVEL belongs to backstage.env.",
			step:  "environment.extra",
		},
		{
			id: "helm.volumes", words: []string{"mapping values are not allowed in this context"}, match: has(`backstage/deployment\.yaml.{0,200}mapping values are not allowed in this context`),
			title: "Extra volumes break the chart",
			cause: "No released chart renders backstage.extraVolumes.",
			fix:   "Take backstage.extraVolumes and extraVolumeMounts out. A certificate of the database goes to database.postgresql.caFile.",
			step:  "database.postgresql.caFile",
		},
		{
			id: "helm.reuse", words: []string{"nil pointer evaluating interface"},
			title: "Old values meet a new chart",
			cause: "--reuse-values takes the old chart's defaults, which lack what the new one reads.",
			fix:   "Use --reset-then-reuse-values, or give the whole values file with -f.",
			step:  "chart",
		},
		{
			id: "helm.conflict", words: []string{"conflict occurred while applying object", "apply failed with"}, match: has(`conflict occurred while applying object|apply failed with \d+ conflict`),
			title: "Somebody else owns a field",
			cause: "Another tool has set the field, and server-side apply does not take it over by itself.",
			fix:   "If it is to be the chart's: helm upgrade --force-conflicts.",
		},
		{
			id: "helm.busy", words: []string{"another operation (install/upgrade/rollback) is in progress", "release: already exists"},
			title: "Helm is at work already",
			cause: "Another helm runs, or one was interrupted.",
			fix:   "Wait for it. If nobody runs helm: helm rollback to the last revision that was deployed.",
		},
	}
}
