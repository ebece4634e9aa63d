package steps

// CheckDoc is what can be read about a check before it fails: its id, what it
// looks at, and what to do when it fails.
type CheckDoc struct{ ID, Title, Meaning, Do string }

// CheckDocs returns every check that a flow can run, and the rules that
// --accept knows, in the order they run.
func CheckDocs() []CheckDoc {
	return []CheckDoc{
		{"cluster.reachable", "The cluster answers",
			"Asks the API server for its version. A configured cluster that does not answer is never silently treated as if there were none.",
			"Check the context, the network and that your credentials have not run out. To write files only, run with --offline."},
		{"cluster.namespace", "The namespace is there",
			"The Secret can only be written to a namespace that exists. With --delivery manifest it is a warning, since the namespace can still be made.",
			"Make it with kubectl create namespace, or name another one with --namespace."},
		{"secret.readable", "The Secret can be read",
			"What the Secret has now decides what is kept and what is new, so it is read before anything is written.",
			"Ask for the rights get, create and patch on this one Secret, or write a manifest with --delivery manifest for somebody who has them."},
		{"secret.owner", "The Secret is free to be written",
			"A Secret that belongs to External Secrets, Sealed Secrets, Argo CD, Flux or a Helm release is written back by its owner. It is never touched; the next commands say what to change there.",
			"Follow the next commands, or deliver the Secret through its owner, such as --delivery external-secrets."},
		{"secret.last-applied", "No copy of old secrets",
			"kubectl apply leaves a copy of everything it wrote in the annotation kubectl.kubernetes.io/last-applied-configuration, old passwords included, in plain base64.",
			"--accept secret.last-applied takes the annotation off in the same change."},
		{"secret.placeholders", "No public default secrets",
			"Looks for values that stand in public documentation and charts: anybody can know them.",
			"Give new values. `backstage-setup explain client-secret` says where each comes from."},
		{"gateway.tls", "TLS ends before the cluster",
			"A rule about answers that --accept lifts: an https address with gateway.tls.enabled off is refused, since usually nobody would reach the portal. Once accepted it is in the result as such.",
			"Set gateway.tls.enabled to yes. When a load balancer or proxy in front of the cluster ends TLS, run with --accept gateway.tls."},
		{"chart.version", "The chart's version",
			"Warns of releases whose portal image has a known fault, and says from which release on it is mended. Changing settings never changes the version by itself.",
			"Upgrade to the release that is named, within the same minor version."},
		{"values.drops", "The upgrade keeps the release's values",
			"helm upgrade with -f takes the given files and nothing else: values that were given to the release before, with --set or another file, silently go. They are compared with the files as they are after the change.",
			"Add the values that are named to a file, or give the file that has them with -f. To let them go on purpose, run with --accept values.drops."},
		{"chart.values", "The chart accepts the values",
			"Holds the values, as they would be after the change, against the chart's schema, its check for placeholder domains and its templates. Without the chart at hand it knows the portal's own keys only.",
			"Change the values that are named. With --chart DIRECTORY or a .tgz archive the whole chart is checked."},
		{"files.writable", "The files can be written",
			"Looks, without writing, whether the values file and the Secret manifest may be written: a file that is write-protected (mode 0444) is meant to stay as it is, for root too, and a new file is made beside the old one, so the directory must be writable.",
			"Run chmod u+w on the file if it may be changed, or name another one with --values, --edit or --secret-out. On a read-only file system, work on a copy elsewhere."},
	}
}

func checkEntries() []Entry {
	docs := CheckDocs()
	entries := make([]Entry, len(docs))
	for i, d := range docs {
		entries[i] = Entry{Kind: CheckEntry, Name: d.ID, Group: "Checks", Title: d.Title, Meaning: d.Meaning, Do: d.Do}
	}
	return entries
}
