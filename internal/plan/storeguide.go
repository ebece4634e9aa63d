package plan

import (
	"cmp"
	"fmt"

	"github.com/openchoreo/backstage-setup/k8s"
)

// guideExternalSecrets tells how changed keys get into the store that an
// ExternalSecret reads, and from there into the Secret.
func guideExternalSecrets(p *Plan, o k8s.Owner, keys string) []string {
	es := p.in.Current.Cluster.External
	name := cmp.Or(o.Name, p.Secret.Name)
	lines := []string{
		fmt.Sprintf("ExternalSecret %s makes this Secret from a store, and would put the old values back. Write %s to the store, each value on stdin%s:", name, keys, storeName(es.Store.Provider)),
	}
	var changed []string
	for _, k := range p.Secret.Keys {
		if k.changes {
			changed = append(changed, k.Name)
		}
	}
	var fresh []k8s.ExternalKey
	for _, k := range p.in.storeKeys(changed) {
		if k.Foreign.RemoteKey != "" && storeNames[es.Store.Provider] != "" { // this program does not write there, its owner does
			k.Unsupported, k.Entry = "", k.Foreign.RemoteKey
		}
		if k.Unsupported != "" && k.New == (k8s.ExternalKey{}) {
			lines = append(lines, fmt.Sprintf("%s: %s", k.SecretKey, k.Unsupported))
			continue
		}
		lines = append(lines, "  "+storeCommand(es.Store.Provider, k))
		if k.New != (k8s.ExternalKey{}) {
			fresh = append(fresh, k.New)
		}
	}
	if len(fresh) > 0 {
		where := "spec.data of ExternalSecret " + name
		if es.Owner.Kind == k8s.OwnerClusterExternalSecret {
			where = "spec.externalSecretSpec.data of ClusterExternalSecret " + es.Owner.Name + ", which makes ExternalSecret " + name
		}
		lines = append(lines, fmt.Sprintf("Then add to %s (only keys that are in the store: one missing key stops the whole sync):", where))
		for _, k := range fresh {
			lines = append(lines, fmt.Sprintf("- {secretKey: %s, remoteRef: {key: %s, property: %s}}", k.SecretKey, k.RemoteKey, k.Property))
		}
	}
	// It is Ready from before: only a new time tells that it has read the store.
	read := fmt.Sprintf("kubectl %sget externalsecret %s -n %s -o jsonpath='{.status.refreshTime}'", p.context(), name, p.Secret.Namespace)
	return append(lines, "Then have it read the store now, and wait until it has:",
		fmt.Sprintf("  before=$(%s)", read),
		fmt.Sprintf("  kubectl annotate externalsecret %s -n %s force-sync=$(date +%%s) --overwrite", name, p.Secret.Namespace),
		fmt.Sprintf("  until test \"$(%s)\" != \"$before\"; do sleep 1; done", read),
	)
}

func storeName(provider string) string {
	if names := storeNames[cmp.Or(provider, "vault")]; names != "" {
		return "; for " + names
	}
	return ""
}

// storeNames are the stores whose commands are known, by External Secrets'
// provider.
var storeNames = map[string]string{
	"vault": "OpenBao or Vault", "aws": "AWS Secrets Manager", "gcpsm": "Google Secret Manager",
	"azurekv": "Azure Key Vault", "kubernetes": "a Secret of another namespace or cluster",
}

// storeCommand writes one value from stdin to where k says. An entry that holds
// several properties is not replaced.
func storeCommand(provider string, k k8s.StoreKey) string {
	key := cmp.Or(k.New.RemoteKey, k.Entry)
	shared := k.Property != "" && k.Property != "value" // one entry for several keys
	switch provider {
	case "aws":
		if k.Property != "" {
			return fmt.Sprintf(`{ aws secretsmanager get-secret-value --secret-id %[1]s --query SecretString --output text | jq -c --rawfile v /dev/fd/3 '.["%[2]s"]=($v|rtrimstr("\n"))' | aws secretsmanager put-secret-value --secret-id %[1]s --secret-string file:///dev/stdin; } 3<&0`, Quote(key), k.Property)
		}
		return fmt.Sprintf("aws secretsmanager put-secret-value --secret-id %s --secret-string file:///dev/stdin", Quote(key))
	case "gcpsm":
		return fmt.Sprintf("gcloud secrets versions add %s --data-file=-", Quote(key))
	case "azurekv":
		return fmt.Sprintf("az keyvault secret set --vault-name VAULT --name %s --file /dev/stdin", Quote(key))
	case "kubernetes":
		return fmt.Sprintf(`kubectl patch secret %s -n NAMESPACE --patch-file=/dev/stdin # {"stringData": {"%s": "..."}}`, Quote(key), cmp.Or(k.Property, k.SecretKey))
	case "", "vault":
		if shared || k.New == (k8s.ExternalKey{}) {
			return fmt.Sprintf("bao kv patch -mount=%s %s %s=-", Quote(k.Mount), Quote(k.Entry), Quote(k.Property))
		}
		return fmt.Sprintf("bao kv put -mount=%s %s %s=-", Quote(k.Mount), Quote(k.Entry), Quote(k.Property))
	}
	return fmt.Sprintf("# %s: entry %s, property %s", k.SecretKey, key, cmp.Or(k.Property, "(the whole entry)"))
}
