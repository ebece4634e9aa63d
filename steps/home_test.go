package steps

import (
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
)

// A rotation of a Secret that somebody else writes is offered as what it is.
func TestOfferedRotation(t *testing.T) {
	vault := k8s.ExternalSecret{Name: "portal", Store: k8s.Store{Provider: "vault"}}
	for name, test := range map[string]struct {
		owner    k8s.Owner
		external k8s.ExternalSecret
		want     string
	}{
		"nobody":                      {want: ""},
		"Argo CD":                     {owner: k8s.Owner{Kind: k8s.OwnerArgoCD, Name: "platform"}, want: "belongs to Argo CD application platform"},
		"External Secrets":            {owner: k8s.Owner{Kind: k8s.OwnerExternalSecrets, Name: "portal"}, want: "belongs to ExternalSecret portal"},
		"External Secrets of OpenBao": {owner: k8s.Owner{Kind: k8s.OwnerExternalSecrets, Name: "portal"}, external: vault, want: ""},
	} {
		var in plan.Input
		in.Draft.Portal.Enabled = true
		in.Draft.Target.Context = "test"
		in.Current.Cluster.Release.Installed = true
		in.Current.Cluster.Secret.Owner, in.Current.Cluster.External = test.owner, test.external
		why := "not offered"
		for _, o := range Offers(in) {
			if o.Flow == "rotate" {
				why = o.Why
			}
		}
		if (why == "") != (test.want == "") || !strings.Contains(why, test.want) {
			t.Errorf("%s: %q", name, why)
		}
	}
}
