package plan

import "github.com/openchoreo/backstage-setup/k8s"

// Rights returns what the actions of any plan may need.
func Rights(namespace, secretName, deployment string) []k8s.Access {
	write := k8s.SecretChange{Namespace: namespace, Name: secretName}
	var rights []k8s.Access
	for _, a := range []Action{
		WriteSecret{Create: true, Change: write}, WriteSecret{Change: write},
		KeepPrevious{Journal: Journal{Namespace: namespace, Secret: secretName}},
		KeepVolume{Namespace: namespace, Claim: JournalClaim{Name: k8s.ClaimName(deployment)}},
		Restart{Namespace: namespace, Deployment: deployment}, AwaitRollout{Namespace: namespace, Deployment: deployment},
		RestoreSecret{Created: true, Namespace: namespace, Name: secretName},
	} {
		rights = append(rights, a.Rights()...)
	}
	return rights
}

// ExternalRights returns what changing the ExternalSecret and writing to its
// store may need.
func ExternalRights(es k8s.ExternalSecret) []k8s.Access {
	rights := append(AddExternalKeys{External: es}.Rights(), CreateExternal{New: k8s.NewExternalSecret{Namespace: es.Namespace}}.Rights()...)
	rights = append(rights, AwaitSync{External: es}.Rights()...)
	return append(rights, storeRights(StoreTarget{Address: es.Store.Server})...)
}

// Rights are those of the portal's Secret and the one that keeps its old values.
func (a KeepPrevious) Rights() []k8s.Access {
	if a.Local {
		return nil
	}
	return k8s.KeepPreviousRights(a.Journal.Namespace, PreviousName(a.Journal.Secret))
}

// Rights are those of KeepPrevious.
func (a DropPrevious) Rights() []k8s.Access { return KeepPrevious(a).Rights() }

// Rights are those of KeepPrevious.
func (a MarkKept) Rights() []k8s.Access { return KeepPrevious{Journal: a.Journal}.Rights() }

// Rights are none: a file is not in the cluster.
func (a WriteFile) Rights() []k8s.Access { return nil }

// Rights are to create the Secret, or to read and patch it.
func (a WriteSecret) Rights() []k8s.Access {
	if a.Create {
		return k8s.CreateSecretRights(a.Change.Namespace)
	}
	return k8s.PatchSecretRights(a.Change.Namespace, a.Change.Name)
}

// Rights are none that are known: helm takes what the chart's objects take.
func (a Upgrade) Rights() []k8s.Access { return nil }

// Rights are to patch the Deployment.
func (a Restart) Rights() []k8s.Access { return k8s.RestartRights(a.Namespace, a.Deployment) }

// Rights are to follow the Deployment and its pods.
func (a AwaitRollout) Rights() []k8s.Access { return k8s.RolloutRights(a.Namespace, a.Deployment) }

// Rights are none.
func (a RestoreFile) Rights() []k8s.Access { return nil }

// Rights are to read and patch the Secret, or to delete it.
func (a RestoreSecret) Rights() []k8s.Access {
	if a.Created {
		return k8s.DeleteSecretRights(a.Namespace, a.Name)
	}
	return k8s.PatchSecretRights(a.Namespace, a.Name)
}

// Rights are none that are known: helm takes what the chart's objects take.
func (a Rollback) Rights() []k8s.Access { return nil }
