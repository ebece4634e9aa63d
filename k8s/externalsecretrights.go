package k8s

// AwaitSyncRights returns what AwaitSync needs. Only reading the ExternalSecret
// and the Secret that it makes is indispensable: without the others it takes
// longer, and says less about why.
func AwaitSyncRights(es ExternalSecret) []Access {
	stores := Access{
		Verb: "get", Group: externalSecretsGroup, Resource: "secretstores", Name: es.Store.Name, Namespace: es.Namespace,
		Why: "see whether the store of the ExternalSecret is ready", Prevents: "why the store of the ExternalSecret is not ready is not known",
	}
	if es.Store.Kind == "ClusterSecretStore" {
		stores.Resource, stores.Namespace = "clustersecretstores", ""
	}
	return []Access{
		{Verb: "get", Group: externalSecretsGroup, Resource: externalSecretKind.resource, Name: es.Name, Namespace: es.Namespace, Needed: true,
			Why: "see whether the ExternalSecret has synced", Prevents: "whether the ExternalSecret has taken the new values is not known"},
		{Verb: "watch", Group: externalSecretsGroup, Resource: externalSecretKind.resource, Name: es.Name, Namespace: es.Namespace,
			Why: "see at once when the ExternalSecret has synced", Prevents: "the ExternalSecret is looked at only every now and then"},
		{Verb: "get", Resource: "secrets", Name: es.Target, Namespace: es.Namespace, Needed: true,
			Why: "see which keys the Secret has after the sync", Prevents: "whether the Secret has all keys is not known"},
		{Verb: "list", Resource: "events", Namespace: es.Namespace,
			Why: "see why an ExternalSecret does not sync", Prevents: "which entry of the store an ExternalSecret misses is not known"},
		stores,
	}
}

// DeleteExternalSecretRights returns what DeleteExternalSecret needs.
func DeleteExternalSecretRights(namespace, name string) []Access {
	return []Access{
		{Verb: "get", Group: externalSecretsGroup, Resource: externalSecretKind.resource, Name: name, Namespace: namespace, Needed: true,
			Why: "see whether the ExternalSecret is still the one that this program has created", Prevents: "the ExternalSecret cannot be deleted when the run is undone"},
		{Verb: "delete", Group: externalSecretsGroup, Resource: externalSecretKind.resource, Name: name, Namespace: namespace, Needed: true,
			Why: "delete the ExternalSecret that this program has created", Prevents: "the ExternalSecret cannot be deleted when the run is undone"},
	}
}
