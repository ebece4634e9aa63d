package steps

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

// volumeChecks hold what SQLite's volume is to be against a claim that is there:
// one that was kept when SQLite was left is taken up again, and nothing but its
// size can be changed, upwards.
func volumeChecks(in plan.Input) []check.Check {
	claim := in.Current.Cluster.Claim
	if in.Current.Local() || !persistent.holds(in) || !claim.Exists {
		return nil
	}
	return []check.Check{judged("database.sqlite.volume", "SQLite's volume fits", []string{"cluster.reachable"}, func() check.Result {
		return volumeFits(in)
	})}
}

func volumeFits(in plan.Input) check.Result {
	claim, s := in.Current.Cluster.Claim, in.Draft.Database.SQLite
	name := fmt.Sprintf("claim %s/%s", claim.Namespace, claim.Name)
	remove := fmt.Sprintf("kubectl delete pvc %s -n %s", plan.Quote(claim.Name), plan.Quote(claim.Namespace))
	used := claim.Name == in.Current.Cluster.Deployment.DataClaim
	switch {
	case claim.Deleting && !used:
		return fail(name+" is being deleted", "run the same command again when it is gone: kubectl get pvc "+plan.Quote(claim.Name)+" -n "+plan.Quote(claim.Namespace))
	case !claim.Of(in.Draft.Target.Release) && !used:
		return fail(fmt.Sprintf("%s is there and is not of release %s: helm does not take it", name, in.Draft.Target.Release),
			"look whose it is: kubectl describe pvc "+plan.Quote(claim.Name)+" -n "+plan.Quote(claim.Namespace)+"; if nobody needs its data: "+remove)
	}
	var differs, answers []string
	if smaller(s.Size, claim.Size) {
		differs = append(differs, fmt.Sprintf("has %s and cannot shrink to %s", claim.Size, s.Size))
		answers = append(answers, "--set database.sqlite.size="+claim.Size)
	}
	if s.StorageClass != "" && claim.StorageClass != "" && s.StorageClass != claim.StorageClass {
		differs = append(differs, fmt.Sprintf("is of storage class %s, not %s", claim.StorageClass, s.StorageClass))
		answers = append(answers, "--set database.sqlite.storageClass="+claim.StorageClass)
	}
	if s.AccessMode != "" && len(claim.AccessModes) > 0 && !slices.Contains(claim.AccessModes, s.AccessMode) {
		differs = append(differs, fmt.Sprintf("is %s, not %s", strings.Join(claim.AccessModes, ", "), s.AccessMode))
		answers = append(answers, "--set database.sqlite.accessMode="+claim.AccessModes[0])
	}
	if len(differs) > 0 {
		hint := "take it as it is: " + strings.Join(answers, " ")
		if !used {
			hint += "; or start with an empty one: " + remove
		}
		return fail(name+" "+strings.Join(differs, "; it "), hint)
	}
	if used {
		return pass(fmt.Sprintf("%s, %s", name, claim.Size))
	}
	return check.Result{Status: check.Warn, Found: fmt.Sprintf("%s (%s) is there and is taken up again, with the data that SQLite was left with", name, claim.Size),
		Hint: "to start with an empty one instead: " + remove}
}

// smaller tells whether the wanted size is less than what is there.
func smaller(wanted, there string) bool {
	want, err1 := resource.ParseQuantity(wanted)
	has, err2 := resource.ParseQuantity(there)
	return err1 == nil && err2 == nil && want.Cmp(has) < 0
}
