package steps

import (
	"slices"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
)

var (
	inCluster  = Condition{"with a cluster", func(in plan.Input) bool { return !in.Current.Local() }}
	manifested = Condition{"with secret.delivery manifest", func(in plan.Input) bool {
		return in.Draft.Portal.Enabled && in.Draft.Secret.Delivery == plan.DeliverManifest
	}}
	inStore = Condition{"with secret.delivery external-secrets", func(in plan.Input) bool {
		return in.Draft.Portal.Enabled && in.Draft.Secret.Delivery == plan.DeliverStore
	}}
)

func target() Step {
	return Step{
		ID: "target", Title: "Target",
		Intro:   "Which cluster and release this is about, and where values and Secret go.",
		Suggest: suggestTarget,
		Checks:  targetChecks,
		Questions: []Question{
			{Key: "target.context", Title: "Kubernetes context", Example: "prod-eu", Ask: More, Value: textValue.with(wordRule), When: inCluster,
				Default: "the kubeconfig's current context",
				Why:     "The entry of your kubeconfig that names cluster and user.",
				Choices: func(in plan.Input) []Option { return plainOptions(in.Current.Contexts) }},
			{Key: "target.namespace", Title: "Namespace", Example: "openchoreo-control-plane", Ask: More, Value: Value{Kind: answers.String, Rules: []Rule{labelRule}},
				Default: "openchoreo-control-plane",
				Why:     "Where the control plane is, or will be. The chart's other components expect openchoreo-control-plane."},
			{Key: "target.release", Title: "Helm release", Example: "openchoreo-control-plane", Ask: More, Value: Value{Kind: answers.String, Rules: []Rule{labelRule}},
				Default: "openchoreo-control-plane",
				Why:     "The name that helm knows the control plane by."},
			{Key: "chart", Title: "Chart", Example: "1.2.3", Ask: More, Value: textValue.with(wordRule), Required: always,
				Default: "the chart of the installed release, else the newest version this program knows",
				Why:     "The version of openchoreo-control-plane, a chart directory, a .tgz archive or an oci:// reference. Which settings exist depends on it; changing settings never bumps it."},
			{Key: "target.values", Title: "Values files", Example: "base.yaml, backstage-values.yaml", Ask: More, Value: Value{Kind: answers.List, Rules: []Rule{notEmptyRule}},
				Default: "backstage-values.yaml",
				Why:     "In Helm's order; the last one is created or edited, the others are only read. Nothing secret is ever written there."},
			{Key: "secret.delivery", Title: "How the Secret gets there", Ask: More, Value: textValue, When: portal,
				Default: "what the cluster shows: external-secrets where an ExternalSecret owns the Secret, else kubernetes; manifest without a cluster",
				Why:     "Written to the cluster now, through External Secrets, or as a manifest that you apply yourself.",
				Options: []Option{
					{"kubernetes", "write it to the cluster", "created, or only the asked keys patched"},
					{"external-secrets", "through External Secrets", "values go to the store; this program says which"},
					{"manifest", "a manifest file", "mode 0600, nothing in the cluster is touched"},
				},
				Rule: deliveryRule},
			{Key: "secret.name", Title: "Secret", Example: "backstage-secrets", Ask: More, Value: nameValue, When: portal,
				Default: "what the values or the Deployment say, else backstage-secrets",
				Why:     "The Secret with the portal's credentials. The chart requires its name."},
			{Key: "secret.manifest", Title: "Manifest file", Example: "backstage-secrets.yaml", Ask: More, Value: textValue.with(notEmptyRule), When: manifested, Rule: manifestRule,
				Default: "backstage-secrets.yaml",
				Why:     "Where the manifest of the Secret is written, readable by you alone. Apply it, then delete it."},
		},
	}
}

func manifestRule(in plan.Input) error {
	if slices.Contains(in.Draft.Target.Values, in.Draft.Secret.Manifest) {
		return errorf("must be another file than the values files: secrets have no place there")
	}
	return nil
}

func suggestTarget(in plan.Input) []answers.Proposal {
	c := in.Current
	list := []answers.Proposal{
		settled("target.release", "openchoreo-control-plane", "as the documentation does"),
		settled("target.values", []string{"backstage-values.yaml"}, "the default"),
		settled("secret.manifest", "backstage-secrets.yaml", "the default"),
	}
	if c.Cluster.Release.ChartVersion != "" {
		list = append(list, found("chart", in.Chart.Version, "release "+c.Cluster.Release.Name))
	}
	list = append(list, settled("chart", in.Chart.Version, "the newest this program knows"))
	if c.Local() {
		why := "since --offline contacts no cluster"
		if c.NoConfig {
			why = "since there is no kubeconfig"
		}
		list = append(list,
			settled("target.namespace", "openchoreo-control-plane", "as the documentation does"),
			settled("secret.delivery", plan.DeliverManifest, why))
	} else {
		list = append(list, found("target.context", c.Target.Context, "current context"))
		list = append(list, settled("target.namespace", "openchoreo-control-plane", "as the documentation does"))
		list = append(list, clusterDelivery(in)...)
	}
	if name := c.Cluster.Deployment.SecretName; name != "" {
		list = append(list, found("secret.name", name, "Deployment "+c.Cluster.Deployment.Name))
	}
	list = append(list, settled("secret.name", "backstage-secrets", "as the documentation does"))
	return list
}

func clusterDelivery(in plan.Input) []answers.Proposal {
	if owner := in.Current.Cluster.Secret.Owner; owner.Kind == k8s.OwnerExternalSecrets {
		return []answers.Proposal{found("secret.delivery", plan.DeliverStore, "ExternalSecret "+owner.Name)}
	}
	return []answers.Proposal{settled("secret.delivery", plan.DeliverKubernetes, "since there is a cluster")}
}

func deliveryRule(in plan.Input) error {
	if in.Current.Offline && in.Draft.Secret.Delivery != plan.DeliverManifest {
		return errorf("must be manifest with --offline: nothing else works without the cluster")
	}
	if in.Current.NoConfig && in.Draft.Secret.Delivery != plan.DeliverManifest {
		return errorf("must be manifest: there is no kubeconfig; give one with --kubeconfig")
	}
	return nil
}

func plainOptions(names []string) []Option {
	options := make([]Option, len(names))
	for i, name := range names {
		options[i] = Option{Value: name, Title: name}
	}
	return options
}
