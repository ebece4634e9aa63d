package k8s

import "cmp"

// DiscoveryRights returns what Discover's requests need, but for the release:
// see ReleaseRights. Discover goes on without any of them. With an empty
// SecretName it is the default one.
func DiscoveryRights(q Query) []Access {
	ns, group := q.Namespace, "external-secrets.io"
	return []Access{
		{Verb: "get", Resource: "namespaces", Name: ns, Namespace: ns, // a Role in the namespace can allow it
			Why: "see whether the namespace exists", Prevents: "whether the namespace exists is not known"},
		{Verb: "get", Group: "apps", Resource: "deployments", Name: portalName, Namespace: ns,
			Why: "read what the portal runs with", Prevents: "the portal's Secret name, database and chart version are not known"},
		{Verb: "list", Group: "apps", Resource: "deployments", Namespace: ns,
			Why: "find a portal whose Deployment has another name", Prevents: "a portal whose Deployment has another name is not found"},
		{Verb: "list", Resource: "pods", Namespace: ns,
			Why: "see how the portal's pods are", Prevents: "how the portal's pods are is not known"},
		{Verb: "get", Resource: "secrets", Name: cmp.Or(q.SecretName, DefaultSecretName), Namespace: ns,
			Why: "read the portal's Secret", Prevents: "which keys the portal's Secret has, and who owns it, is not known"},
		{Verb: "list", Group: group, Resource: "externalsecrets", Namespace: ns,
			Why: "find the ExternalSecret that makes the portal's Secret", Prevents: "an ExternalSecret that undoes a change of the Secret is known only by marks on the Secret"},
		{Verb: "get", Group: group, Resource: "secretstores", Namespace: ns,
			Why: "see which store the ExternalSecret reads", Prevents: "which store the ExternalSecret reads is not known"},
		{Verb: "get", Group: group, Resource: "clustersecretstores",
			Why: "see which store the ExternalSecret reads", Prevents: "which store the ExternalSecret reads is not known"},
		{Verb: "list", Resource: "events", Namespace: ns,
			Why: "see why an ExternalSecret does not sync", Prevents: "which entry of the store an ExternalSecret misses is not known"},
		{Verb: "list", Group: gatewayGroup, Resource: "httproutes", Namespace: ns,
			Why: "see under which host names the portal and the API are served", Prevents: "the host names of the portal and of the API are not proposed"},
		{Verb: "get", Group: gatewayGroup, Resource: "gateways", Name: gatewayName, Namespace: ns,
			Why: "see which listeners and addresses the Gateway has", Prevents: "the Gateway's listeners and addresses are not known"},
		{Verb: "get", Resource: "configmaps", Name: apiConfigName, Namespace: ns,
			Why: "read which tokens the OpenChoreo API accepts", Prevents: "the issuer and audience that the OpenChoreo API accepts are not compared"},
		{Verb: "get", Resource: "persistentvolumeclaims", Namespace: ns, // its name is the Deployment's
			Why: "see whether SQLite's data is on a volume", Prevents: "a volume with SQLite's data is not kept when the database is changed"},
		{Verb: "list", Group: "storage.k8s.io", Resource: "storageclasses",
			Why: "offer the cluster's storage classes", Prevents: "the cluster's storage classes are not offered"},
		{Verb: "list", Group: planeGroup, Resource: "clusterworkflowplanes",
			Why: "see whether a workflow plane is registered", Prevents: "whether a workflow plane is registered is not known"},
		{Verb: "list", Group: planeGroup, Resource: "workflowplanes",
			Why: "see whether a workflow plane is registered", Prevents: "whether a workflow plane is registered is not known"},
		{Verb: "list", Group: planeGroup, Resource: "clusterobservabilityplanes",
			Why: "see whether an observability plane is registered", Prevents: "whether an observability plane is registered is not known"},
		{Verb: "list", Group: planeGroup, Resource: "observabilityplanes",
			Why: "see whether an observability plane is registered", Prevents: "whether an observability plane is registered is not known"},
		{Verb: "list", Group: "apps", Resource: "deployments", Namespace: thunderNamespace,
			Why: "see whether Thunder, the default identity provider, is installed", Prevents: "whether Thunder is installed is not known"},
		{Verb: "list", Group: gatewayGroup, Resource: "httproutes", Namespace: thunderNamespace,
			Why: "see under which host name Thunder is served", Prevents: "Thunder's address is not proposed"},
	}
}

// ReleaseRights returns what reading a Helm release's values takes. RBAC knows
// no labels: who may list Secrets, be it only their names, may read them all.
func ReleaseRights(namespace string) []Access {
	const (
		why      = "read the values of the Helm release, which are in Secrets; this allows to read all Secrets of the namespace"
		prevents = "the release's values cannot be read: say with -f which files it is upgraded with"
	)
	return []Access{
		{Verb: "list", Resource: "secrets", Namespace: namespace, Why: why, Prevents: prevents},
		{Verb: "get", Resource: "secrets", Namespace: namespace, Why: why, Prevents: prevents},
	}
}

// CreateSecretRights returns what CreateSecret needs.
func CreateSecretRights(namespace string) []Access {
	return []Access{
		{Verb: "create", Resource: "secrets", Namespace: namespace, Needed: true,
			Why: "create the portal's Secret", Prevents: "the portal's Secret cannot be created"},
	}
}

// PatchSecretRights returns what PatchSecret needs, and the reading before it.
func PatchSecretRights(namespace, name string) []Access {
	return []Access{
		{Verb: "get", Resource: "secrets", Name: name, Namespace: namespace, Needed: true,
			Why: "read the portal's Secret", Prevents: "the Secret cannot be compared with what is wanted, so it is not written"},
		{Verb: "patch", Resource: "secrets", Name: name, Namespace: namespace, Needed: true,
			Why: "change keys of the portal's Secret", Prevents: "the portal's Secret cannot be changed"},
	}
}

// KeepPreviousRights returns what keeping the old values of a Secret in another
// one takes, whose name is previous, and deleting that at the end.
func KeepPreviousRights(namespace, previous string) []Access {
	const prevents = "the Secret's old values cannot be kept until the new ones have proved good"
	return []Access{
		{Verb: "create", Resource: "secrets", Namespace: namespace, Needed: true,
			Why: "create the Secret that keeps the old values", Prevents: prevents},
		{Verb: "get", Resource: "secrets", Name: previous, Namespace: namespace, Needed: true,
			Why: "read the old values that a run before has kept", Prevents: prevents},
		{Verb: "patch", Resource: "secrets", Name: previous, Namespace: namespace, Needed: true,
			Why: "note how far the run has come beside the old values", Prevents: prevents},
		{Verb: "delete", Resource: "secrets", Name: previous, Namespace: namespace,
			Why: "delete the old values once the new ones have proved good", Prevents: "the old values stay: kubectl -n " + namespace + " delete secret " + previous},
	}
}

// DeleteSecretRights returns what DeleteSecret needs.
func DeleteSecretRights(namespace, name string) []Access {
	return []Access{
		{Verb: "delete", Resource: "secrets", Name: name, Namespace: namespace, Needed: true,
			Why: "delete the Secret that this program has created", Prevents: "the Secret cannot be deleted when the run is undone"},
	}
}

// RestartRights returns what RestartDeployment needs.
func RestartRights(namespace, deployment string) []Access {
	return []Access{
		{Verb: "patch", Group: "apps", Resource: "deployments", Name: deployment, Namespace: namespace, Needed: true,
			Why: "restart the portal", Prevents: "the portal cannot be restarted, and goes on with the old values"},
	}
}

// RolloutRights returns what WatchRollout and Logs need. Only reading the
// Deployment is indispensable: without the others it takes longer, and says less
// about why.
func RolloutRights(namespace, deployment string) []Access {
	return []Access{
		{Verb: "get", Group: "apps", Resource: "deployments", Name: deployment, Namespace: namespace, Needed: true,
			Why: "follow the roll-out", Prevents: "whether the portal comes up again is not known"},
		{Verb: "watch", Group: "apps", Resource: "deployments", Name: deployment, Namespace: namespace,
			Why: "follow the roll-out", Prevents: "the roll-out is looked at only every now and then"},
		{Verb: "list", Resource: "pods", Namespace: namespace,
			Why: "see what the pods of the roll-out do", Prevents: "why a pod does not start is not known"},
		{Verb: "watch", Resource: "pods", Namespace: namespace,
			Why: "see what the pods of the roll-out do", Prevents: "the pods are looked at only every now and then"},
		{Verb: "list", Group: "apps", Resource: "replicasets", Namespace: namespace,
			Why: "tell new pods from old ones", Prevents: "new pods are not told from old ones"},
		{Verb: "list", Resource: "events", Namespace: namespace,
			Why: "see why a pod does not start", Prevents: "trouble with volumes, probes and nodes is not seen"},
		{Verb: "get", Resource: "pods/log", Namespace: namespace,
			Why: "read what the portal wrote before it ended", Prevents: "the portal's own words are not shown: read them with kubectl logs"},
	}
}

// PatchExternalSecretRights returns what changing an ExternalSecret, and
// following its refresh, needs.
func PatchExternalSecretRights(namespace, name string) []Access {
	return []Access{
		{Verb: "get", Group: externalSecretKind.group, Resource: externalSecretKind.resource, Name: name, Namespace: namespace, Needed: true,
			Why: "read the ExternalSecret and whether it is in step", Prevents: "whether the ExternalSecret has taken the new values is not known"},
		{Verb: "patch", Group: externalSecretKind.group, Resource: externalSecretKind.resource, Name: name, Namespace: namespace, Needed: true,
			Why: "map new keys in the ExternalSecret, and have it refreshed", Prevents: "the ExternalSecret cannot be changed or refreshed"},
	}
}

// CreateExternalSecretRights returns what creating an ExternalSecret needs.
func CreateExternalSecretRights(namespace string) []Access {
	return []Access{
		{Verb: "create", Group: externalSecretKind.group, Resource: externalSecretKind.resource, Namespace: namespace, Needed: true,
			Why: "create the ExternalSecret that makes the portal's Secret", Prevents: "the ExternalSecret cannot be created"},
	}
}

// PortForwardRights returns what Dial needs to reach a Service. Each has a
// second way: pods instead of EndpointSlices, SPDY (create) instead of a
// WebSocket (get and create).
func PortForwardRights(namespace, service string) []Access {
	return []Access{
		{Verb: "get", Resource: "services", Name: service, Namespace: namespace,
			Why: "find what is behind the Service", Prevents: "the Service cannot be reached from here"},
		{Verb: "list", Group: "discovery.k8s.io", Resource: "endpointslices", Namespace: namespace,
			Why: "find what is behind the Service", Prevents: "the Service's pods are found only by its selector"},
		{Verb: "list", Resource: "pods", Namespace: namespace,
			Why: "see why nothing behind the Service is ready", Prevents: "why nothing behind the Service is ready is not known"},
		{Verb: "create", Resource: "pods/portforward", Namespace: namespace,
			Why: "reach the Service from here, as kubectl port-forward does", Prevents: "the Service cannot be reached from here"},
		{Verb: "get", Resource: "pods/portforward", Namespace: namespace,
			Why: "reach the Service from here, as kubectl port-forward does", Prevents: "the Service cannot be reached where something on the way knows no SPDY"},
	}
}

// MergeRights returns rights with equal ones once, in the order of their first
// mention. The words are those of the first that is needed, else of the first.
func MergeRights(rights []Access) []Access {
	var out []Access
	at := map[Access]int{}
	for _, right := range rights {
		i, known := at[right.question()]
		switch {
		case !known:
			at[right.question()] = len(out)
			out = append(out, right)
		case right.Needed && !out[i].Needed:
			out[i] = right
		}
	}
	return out
}
