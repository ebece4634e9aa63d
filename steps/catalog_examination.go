package steps

import (
	"slices"

	"github.com/openchoreo/backstage-setup/internal/cause"
)

// examinationDocs are the checks that only the flow check makes; the others of it
// are those of the other flows.
func examinationDocs() []CheckDoc {
	return []CheckDoc{
		{"release.installed", "The release is there",
			"Looks for the Helm release of the control plane in its namespace, by the Secrets in which Helm keeps it, else by the labels of the Deployment.",
			"Name it with --release and --namespace, or set the portal up with `backstage-setup install`."},
		{"values.drift", "The release has what the files say",
			"With -f, compares the values files with what the release was given, path by path; no value is shown. What differs was changed after the last upgrade, or given with --set.",
			"Upgrade with the files, or take over into them what `helm get values` shows."},
		{"secret.sync", "External Secrets is in step",
			"Where an ExternalSecret makes the Secret: whether its store is ready, whether it is Ready, and when it was synced last. One entry that is not in the store stops all of them.",
			"Write the entry that is named to the store, or take it out of the ExternalSecret. A sync can be asked for with the annotation force-sync."},
		{"secret.exists", "The Secret is there",
			"Reads the Secret that the Deployment takes its variables from.",
			"Write it with `backstage-setup install`, or mend what makes it."},
		{"secret.keys", "The Secret has every key that is wanted",
			"Compares the keys of the Secret with the variables of the Deployment, and with what these values and this chart ask for. jenkins-api-key is wanted even where Jenkins is not used.",
			"`backstage-setup install` writes the missing keys and touches no other. Where something else makes the Secret, add them there."},
		{"secret.values", "The values have a form that can work",
			"Looks for values that are empty, end with a line end or have blanks around them, for a port that is no number, a host that is an address, and an Entra ID secret's id in place of its value. Only keys that the portal takes are looked at, and no value is shown.",
			"Write the value again: `printf %s` in place of echo, a port in quotes, a placeholder such as not-used where nothing is used."},
		{"portal.deployment", "The portal's Deployment is there",
			"Looks for the Deployment by its label, and whether it is scaled to 0 or paused.",
			"Upgrade the release, or scale it up."},
		{"portal.image", "The image is the release's, and has no known fault",
			"Compares the image of the running Deployment with the one of the release's manifest, and its tag with the releases whose image has a known fault, as chart.version does. A tag of development names no release, and cannot be judged.",
			"Set the image in the values, to a release without a fault, and upgrade."},
		{"portal.environment", "The variables are as Helm applied them",
			"Compares the variables of the running Deployment with those of the release's manifest. The code of the result is the first variable that differs.",
			"Change the values in place of the Deployment, and upgrade."},
		{"portal.command", "The container starts what the chart says",
			"Compares command and arguments of the running Deployment with those of the release's manifest. The chart's arguments name the configuration files that the portal reads.",
			"Upgrade the release; arguments of your own go into backstage.extraArgs."},
		{"portal.references", "What the pods refer to is there",
			"Looks for the ConfigMaps and Secrets that the portal's containers and volumes take something from, with their keys, unless they are optional; for the account that the pods run as; and for the Secrets that images are pulled with. The portal's own Secret has checks of its own.",
			"Upgrade the release, which makes again what is the chart's; make the others, or take them out of the values."},
		{"portal.variables", "Each variable is set once, to something",
			"Backstage ends on a variable that is set to nothing, and Helm 4, Flux and Argo CD refuse a name that is set twice.",
			"Give the value, or set the variable in one place: environment.extra changes what backstage.env has."},
		{"portal.replicas", "The number of pods suits the database",
			"SQLite is a file of one pod: with more of them each has its own data and signing keys, or they damage one file.",
			"Run one pod, or change to PostgreSQL with `backstage-setup database postgresql`."},
		{"portal.rollout", "The pods run the newest template",
			"Looks at the Deployment, its pods, their events and the log of containers that ended. The code of the result says what holds the roll-out up.",
			"Do what the finding names."},
		{"portal.secret", "The pods have the Secret's newest values",
			"A container reads its variables when it starts, so a Secret that was written later does not reach it: compares the time of the last write to the data with the start of the containers.",
			"Restart the portal: kubectl rollout restart deployment/backstage."},
		{"portal.events", "Kubernetes does not warn of the pods",
			"Warnings of the last hour about pods that are there: probes that fail, volumes, memory. What is ordinary while pods start is left out.",
			"Do what the finding names."},
		{"portal.logs", "The portal's log has nothing known to be wrong",
			"Reads the end of the log of each pod, and of containers that ended before, and explains the lines that are known. The code of the result is what was found.",
			"Do what the finding names. `backstage-setup check --log FILE` explains a log of your own."},
		{"portal.health", "The portal answers",
			"Looks whether the portal's Service selects its pods and a port that they have, and asks it at /healthcheck through a port-forward, past Gateway and DNS.",
			"Look at the portal's pods and log."},
		{"database.volume", "The database has its volume",
			"With SQLite: whether the data is on a volume, and whether its claim is bound.",
			"Name a storage class that is there, or change to PostgreSQL."},
		{"api.deployment", "The OpenChoreo API is there",
			"Looks for the API's Deployment by its label.",
			"Upgrade the release."},
		{"api.rollout", "The API's pods run",
			"Looks at the API's Deployment, its pods, their events and the log of containers that ended.",
			"Do what the finding names."},
		{"api.config", "API and portal have the same settings",
			"Compares the API's ConfigMap with the values that the portal has: issuer, key set, audience, public address, authentication and authorization. The API compares the issuer letter by letter.",
			"Upgrade the release with the right values, and restart the API after a change of its ConfigMap by hand."},
		{"api.logs", "The API's log has nothing known to be wrong",
			"Reads the end of the log of the API's pods and explains the lines that are known.",
			"Do what the finding names."},
		{"api.health", "The API answers",
			"Asks the API's Service at /health through a port-forward.",
			"Look at the API's pods and log."},
		{"api.address", "The portal looks for the API where it is",
			"Compares OPENCHOREO_API_URL with the API's Service and its ports.",
			"Leave portal.apiUrl empty, so that the chart takes the API's Service."},
		{"api.route", "The Gateway knows the API's host",
			"Looks whether the API's HTTPRoute has the host of api.publicUrl, is accepted, and has its backend.",
			"Make api.hostnames and api.publicUrl agree."},
		{"api.url", "The API answers at its public address",
			"Asks api.publicUrl at /health from this machine, as command lines and other planes do.",
			"Look at DNS, the Gateway's address and the route."},
		{"identity.thunder", "ThunderID runs",
			"Where ThunderID is the identity provider: its Deployment and pods.",
			"Do what the finding names; its namespace is thunder."},
		{"authorization.bindings", "All of the chart's bindings are there",
			"Compares the cluster's ClusterAuthzRoleBindings with the list of this chart, and looks whether their roles are there, and whether that of the portal may see what the catalog takes. A values file with a short list takes the others away, since Helm replaces lists as a whole.",
			"Write the whole list: `backstage-setup install --upgrade` does."},
		{"authorization.claims", "The API looks at the claims that are bound",
			"A binding on a claim that the API does not compare never holds: compares the bindings with the API's subject types.",
			"Make authorization.groups.claim and the bindings agree."},
		{"authorization.subject", "The portal's token is bound to its role",
			"Compares " + readerBinding + " with the token that the portal gets. A wrong one gives an empty catalog without an error.",
			"Give the binding what is in the token: the finding has it."},
		{"planes.workflow", "There is a workflow plane",
			"With features.workflows on: whether a workflow plane is registered and its agent connected.",
			"Install the plane, or switch features.workflows off."},
		{"planes.observability", "There is an observability plane",
			"With features.observability on: whether an observability plane is registered, its agent connected, and its observer URL set.",
			"Install the plane, or switch features.observability off."},
		{"planes.observer", "The Observer answers",
			"Asks the Observer of each observability plane at the plane's spec.observerURL and /health, from this machine: the portal reads logs and metrics there.",
			"Correct the plane's spec.observerURL. Where it cannot be reached from here, run with --skip planes.observer=REASON."},
		{"routing.address", "The portal has an address",
			"Looks whether the portal's base URL is set, and is the root of a host.",
			"Set portal.baseUrl."},
		{"routing.gateway", "The Gateway is programmed",
			"Looks at the Gateway's conditions and addresses.",
			"Look at the Gateway's controller; its class has to be one that runs."},
		{"routing.route", "The Gateway knows the portal's host",
			"Looks whether the portal's HTTPRoute has the host of the base URL, is accepted by the Gateway that it names and as it is now, and sends / to the portal's Service and port.",
			"Make portal.hostnames and portal.baseUrl agree. What was changed by hand goes away with an upgrade."},
		{"routing.listener", "A listener is for the portal's address",
			"Looks for a listener of the Gateway for scheme, host and port of the base URL, and whether it is programmed.",
			"Set gateway.tls.enabled, gateway.tls.hostname and the ports."},
		{"routing.certificate", "The certificate is for the portal's host",
			"Reads the Secret that the listener ends TLS with: names, end, key.",
			"Renew the certificate, or name another Secret in gateway.tls.certificateSecret."},
		{"routing.url", "The portal answers at its address",
			"Asks the base URL at /healthcheck from this machine, as a browser would.",
			"Look at DNS, the Gateway's address, route and pods. Where it cannot be reached from here, run with --skip routing.url=REASON."},
		{"portal.network", "No NetworkPolicy shuts the portal off",
			"Looks at the NetworkPolicies that select the portal's pods: whether any rule leaves the portal's port open, and lets its pods to DNS, PostgreSQL, the OpenChoreo API and the identity provider. Only ports are compared: whom a rule lets through is not told.",
			"Add a rule to the policy; those of the chart take more under backstage.networkPolicy."},
		{"routing.callback", "A sign-in begins as it should",
			"Asks the portal to begin a sign-in and looks at its redirect: the callback has to follow from the base URL, and the provider has to be the one that is set. Nobody signs in.",
			"Upgrade and restart the portal, so that its pods have the settings of now."},
	}
}

// codeDoc is a code that a check ends with, for explain.
type codeDoc struct{ ID, Meaning, Do string }

// rolloutCodes are what holds a roll-out up: the kinds of k8s.Trouble.
func rolloutCodes() []codeDoc {
	return []codeDoc{
		{"rollout.paused", "Somebody paused the Deployment: its pods stay as they are.", "Let it go on: kubectl rollout resume deployment/backstage."},
		{"rollout.scaled-to-zero", "The Deployment wants no pod.", "Scale it up: kubectl scale deployment/backstage --replicas=1."},
		{"rollout.quota", "The namespace's ResourceQuota has no room; a roll-out needs it for one pod more than usual.", "Raise the quota or lower the requests."},
		{"rollout.refused", "A policy, Pod Security or a LimitRange does not allow the pod.", "The message says what is not allowed: change the values, or have the policy changed."},
		{"rollout.key-missing", "The container wants a key that the Secret or ConfigMap does not have.", "Write the key: `backstage-setup install`."},
		{"rollout.secret-missing", "The Secret or ConfigMap that the container wants is not there.", "Write it: `backstage-setup install`."},
		{"rollout.config", "The kubelet cannot make the container.", "The message says why."},
		{"rollout.image-name", "The image's name is none.", "Correct backstage.image."},
		{"rollout.image", "The image cannot be pulled.", "Check repository, tag, registry and pull Secret."},
		{"rollout.volume-claim", "No node takes the pod, because its claim is not bound.", "Name a storage class that is there."},
		{"rollout.unschedulable", "No node takes the pod.", "Lower the requests, or add a node; the message counts the reasons."},
		{"rollout.terminating", "An old pod does not go away.", "Look at its node; a pod of a node that is gone is deleted by force."},
		{"rollout.multi-attach", "The volume is attached to another node: a roll-out starts the new pod before it ends the old one.", "Scale to 0, then to 1; PostgreSQL does away with the volume."},
		{"rollout.volume", "A volume cannot be attached or mounted.", "The message says which."},
		{"rollout.sandbox", "The pod gets no network.", "Look at the network plugin's pods on that node."},
		{"rollout.memory", "The container used more memory than its limit.", "Raise scaling.limits.memory."},
		{"rollout.crash", "The container ends by itself.", "Look at what it wrote: kubectl logs --previous."},
		{"rollout.probe", "The health check fails: the portal starts slowly, hangs or has ended.", "Look at the portal's log."},
	}
}

// examinationCodes are the codes that only an examination ends with.
func examinationCodes() []Entry {
	var entries []Entry
	for _, c := range slices.Concat(rolloutCodes(), visitCodes(), referenceCodes(), networkCodes()) {
		entries = append(entries, Entry{Kind: VerdictEntry, Name: c.ID, Group: "Codes of an examination", Title: "a failure", Meaning: c.Meaning, Do: c.Do})
	}
	for _, f := range cause.Known() {
		e := Entry{Kind: VerdictEntry, Name: f.ID, Group: "Causes found in logs and events", Title: f.Title, Meaning: f.Cause, Do: f.Fix}
		if f.Step != "" {
			e.Do += " Answers key: " + f.Step + "."
		}
		entries = append(entries, e)
	}
	return entries
}
