package k8s

import (
	"errors"
	"slices"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

func TestWhoAmI(t *testing.T) {
	cluster := testcluster.Shared(t)
	c := openAs(t, cluster.KubeconfigFor(t, "jane", "platform", "ops"), nil) // without any right
	user, groups, err := c.WhoAmI(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if user != "jane" || !slices.Contains(groups, "platform") || !slices.Contains(groups, "ops") {
		t.Errorf("got %q in %q", user, groups)
	}
}

func TestWhoAmIOnAnOldServer(t *testing.T) {
	cluster := testcluster.Start(t, testcluster.WithAPIServerArgs("--runtime-config=authentication.k8s.io/v1=false"))
	c, _ := admin(t, cluster)
	_, _, err := c.WhoAmI(t.Context())
	if !errors.Is(err, ErrNotFound) {
		t.Fatalf("got %v", err)
	}
	if want := "create selfsubjectreviews: not found"; err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
