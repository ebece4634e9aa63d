package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/openchoreo/backstage-setup/internal/debuglog"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/steps"
)

func (a *app) rbacCommand(ctx context.Context) *cobra.Command {
	f := &flags{}
	var subject string
	var withRelease, cluster bool
	var forward, logins []string
	cmd := &cobra.Command{
		Use:   "rbac",
		Short: "print the smallest Role that the flows need",
		Long: `Prints a Role and a RoleBinding with exactly what the flows ask of the cluster,
and, if wanted, a ClusterRole for what is cluster-wide: to leave that out costs
suggestions, no flow. What helm itself needs is not in it.`,
		Example: `  backstage-setup rbac --subject user:jane | kubectl apply -f -
  backstage-setup rbac -n openchoreo-control-plane --with-release
  backstage-setup rbac --forward pg-rw.db --logins db`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			scope := steps.Scope{Deployment: "backstage", Release: withRelease, Elsewhere: cluster, Databases: cluster, Forward: forward, Logins: logins}
			return a.rbac(ctx, f, subject, scope)
		},
	}
	f.registerTarget(cmd)
	cmd.Flags().StringVar(&subject, "subject", "", "`WHO` gets the rights: user:NAME, group:NAME or serviceaccount:NAMESPACE/NAME (default: who you are in the cluster)")
	cmd.Flags().StringVar(&f.delivery, "delivery", "kubernetes", "`HOW` the Secret gets there: external-secrets adds the ExternalSecret, and a port-forward to the store")
	cmd.Flags().BoolVar(&cluster, "with-cluster", false, "add what is not in this namespace: storage classes, planes, Thunder, PostgreSQL servers")
	cmd.Flags().StringArrayVar(&forward, "forward", nil, "add a port-forward to `SERVICE.NAMESPACE`: PostgreSQL or an identity provider in the cluster; repeatable")
	cmd.Flags().StringArrayVar(&logins, "logins", nil, "add finding PostgreSQL in `NAMESPACE` and reading all Secrets there, where its operator keeps logins and CA; repeatable")
	cmd.Flags().BoolVar(&withRelease, "with-release", false, "add the right to list Secrets, which reading the release's values takes")
	return cmd
}

func (a *app) rbac(ctx context.Context, f *flags, who string, scope steps.Scope) error {
	for i, service := range scope.Forward {
		if !k8s.IsClusterAddress(service) {
			service += ".svc"
		}
		if !k8s.IsClusterAddress(service) {
			return usage("--forward %q: must be a Service and its namespace", scope.Forward[i]).hinted("--forward pg-rw.db")
		}
		scope.Forward[i] = service
	}
	for _, namespace := range scope.Logins {
		if !k8s.IsClusterAddress("x." + namespace + ".svc") {
			return usage("--logins %q: must be a namespace", namespace)
		}
	}
	subject, err := a.subject(ctx, f, who)
	if err != nil {
		return err
	}
	q := k8s.Query{
		Namespace: cmp.Or(f.namespace, "openchoreo-control-plane"), Release: cmp.Or(f.release, "openchoreo-control-plane"),
		SecretName: cmp.Or(f.secretName, k8s.DefaultSecretName),
	}
	switch f.delivery {
	case "kubernetes":
	case "external-secrets":
		scope.External = &k8s.ExternalSecret{Namespace: q.Namespace, Name: q.SecretName, Target: q.SecretName, Store: k8s.Store{Server: "http://openbao.openbao.svc:8200"}}
	default:
		return usage("--delivery %q: must be kubernetes or external-secrets", f.delivery)
	}
	text, err := k8s.RBAC(steps.Rights(q, scope), subject, q.Namespace, k8s.RBACOptions{ClusterRole: scope.Elsewhere})
	if err != nil {
		return err
	}
	_, err = a.out.Write(text)
	return err
}

// subject is who was named, else who the API server says that we are.
func (a *app) subject(ctx context.Context, f *flags, who string) (k8s.Subject, error) {
	if who != "" {
		subject, err := k8s.ParseSubject(who)
		if err != nil {
			return subject, usage("--subject %v", err)
		}
		return subject, nil
	}
	client, err := k8s.Open(k8s.Options{Kubeconfig: f.kubeconfig, Context: f.context, WrapTransport: a.log.Transport(debuglog.Kubernetes)})
	if err != nil {
		e := usage("%v", err)
		if errors.Is(err, k8s.ErrNoConfig) {
			e.hint = "name who gets the rights: --subject user:NAME"
		}
		return k8s.Subject{}, e
	}
	user, _, err := client.WhoAmI(ctx)
	if err != nil {
		return k8s.Subject{}, fmt.Errorf("who you are in the cluster is not known: %w\nname it: --subject user:NAME", err)
	}
	return k8s.UserSubject(user), nil
}
