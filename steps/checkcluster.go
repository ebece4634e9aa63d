package steps

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/k8s"
)

const reachable = "cluster.reachable"

// clusterChecks are the way to the cluster, and what may be seen there.
func (x examiner) clusterChecks() []check.Check {
	c := x.in.Current
	return []check.Check{
		x.judged(reachable, nil, func() check.Result {
			if c.Cluster.Server.Err != nil {
				return faulty(c.Cluster.Server.Err.Error(), "", "check the context, the network and that your credentials have not run out", "kubectl "+x.in.Reach()+"version")
			}
			return pass("Kubernetes " + c.Cluster.Server.Version + " at " + c.Target.Server)
		}),
		x.judged("cluster.namespace", []string{reachable}, func() check.Result {
			ns := c.Cluster.Namespace
			switch {
			case ns.Unknown != "":
				return hidden(ns.Unknown)
			case !ns.Exists:
				return faulty(fmt.Sprintf("namespace %s is not there", ns.Name), "the control plane is in another namespace or cluster, or not installed",
					"name the right --context and --namespace", "helm list -A"+x.in.HelmReach())
			}
			return pass(ns.Name)
		}),
		x.judged("cluster.rights", []string{reachable}, func() check.Result {
			if c.RightsUnknown != "" {
				return unsettled("which rights you have is not known: "+c.RightsUnknown, "what may not be read says so below")
			}
			var missing []string
			for _, r := range c.Rights {
				if !r.Allowed {
					missing = append(missing, fmt.Sprintf("%s: %s", r, r.Prevents))
				}
			}
			if len(missing) > 0 {
				return hidden("you may not\n" + several(missing))
			}
			return pass(fmt.Sprintf("all %d that looking takes", len(c.Rights)))
		}),
		x.interrupted(),
	}
}

// interrupted is the check of the other flows, for which nothing goes on here.
func (x examiner) interrupted() check.Check {
	c := journalCheck(x.in)
	found := c.Run
	c.After = []string{reachable, "cluster.namespace"}
	c.Run = func(ctx context.Context) check.Result {
		r := found(ctx)
		if r.Status == check.Pass && x.in.Current.Cluster.Secret.Unknown != "" {
			return hidden(x.in.Current.Cluster.Secret.Unknown)
		}
		if r.Status == check.Pass {
			return r
		}
		r.Cause, r.Fix = "a run was killed, lost its connection, or could not be undone", x.setup("undo --dry-run")
		if x.in.Current.JournalProblem != "" {
			r.Cause, r.Fix = "somebody else uses the name under which this program keeps old values", x.kubectl("get secret %s", x.secretName()+k8s.PreviousSuffix)
		}
		return r
	}
	return c
}

// releaseChecks are the Helm release, its chart, and the values files it should
// be of.
func (x examiner) releaseChecks() []check.Check {
	r := x.in.Current.Cluster.Release
	list := []check.Check{
		x.judged("release.installed", []string{"cluster.namespace"}, func() check.Result {
			switch {
			case !r.Installed && r.Unknown != "":
				return hidden(r.Unknown)
			case !r.Installed:
				return faulty(fmt.Sprintf("release %s is not in namespace %s", x.in.Draft.Target.Release, x.namespace()),
					"it was never installed, was uninstalled, or has another name", "name it with --release, or set the portal up", x.setup("install"))
			}
			return pass(fmt.Sprintf("%s, chart %s", r.Name, r.ChartVersion))
		}),
		x.judged("release.status", []string{"release.installed"}, func() check.Result {
			if r.Status == "" && r.Unknown == "" {
				return faulty("Helm has no record of release "+r.Name+", and its objects are there", "the Secrets in which Helm keeps the release were deleted, or something else than Helm made the objects",
					"where Argo CD or the like renders the chart this is as it should be; else restore the Secrets from a backup", "helm history "+r.Name+" -n "+r.Namespace)
			}
			if r.Status == "" {
				return hidden("the status of release " + r.Name + " is not known: " + orUnknown(r.Unknown))
			}
			upgrade := chart.Upgrade{Release: r.Name, Namespace: r.Namespace, Deployed: r.Deployed}
			blocked, why, command := upgrade.StatusBlocks(r.Status)
			if blocked {
				return faulty(r.Status+": "+why, "helm was stopped, or failed, in the middle", "bring the release to a known state", command)
			}
			if r.Status == "failed" {
				return faulty(fmt.Sprintf("failed: the last operation on it did not end well, revision %d", r.Revision), "helm gave up on the last upgrade, perhaps because the pods did not become ready",
					"mend what the other findings name, then upgrade again", "helm history "+r.Name+" -n "+r.Namespace)
			}
			return pass(fmt.Sprintf("%s, revision %d", r.Status, r.Revision))
		}),
		x.judged("chart.version", []string{"release.installed"}, func() check.Result {
			version := r.ChartVersion
			advice, ok := x.in.Profile.Advisories[version]
			switch {
			case version == "":
				return unsettled("the version of the chart is not known", "")
			case strings.HasPrefix(version, "0.0.0"):
				return unsettled(version+" is a chart of development: whether it is below the security floor cannot be judged", "use a release, such as "+x.in.Profile.Recommended)
			case ok:
				return doubtful(version+": "+advice, "the portal's image of this release has a known fault", "upgrade to "+x.in.Profile.Recommended+" or newer of the same minor version",
					"helm upgrade "+r.Name+" oci://ghcr.io/openchoreo/helm-charts/openchoreo-control-plane -n "+r.Namespace+" --version "+x.in.Profile.Recommended+" --reset-then-reuse-values")
			}
			return pass(version)
		}),
	}
	if len(x.in.Current.Against) > 0 {
		list = append(list, x.judged("values.drift", []string{"release.installed"}, x.drift))
	}
	return list
}

// drift compares what the values files say with what the release was given. No
// value is shown: some may be secret.
func (x examiner) drift() check.Result {
	r := x.in.Current.Cluster.Release
	if r.Unknown != "" {
		return hidden("the values of release " + r.Name + " are not known: " + r.Unknown)
	}
	files := map[string]any{}
	var names []string
	for _, f := range x.in.Current.Against {
		names = append(names, f.Path)
		files = mergedOver(files, f.Values.Tree())
	}
	lines := differences("", files, r.Config)
	if len(lines) == 0 {
		return pass("release " + r.Name + " has what " + strings.Join(names, ", ") + " say")
	}
	return doubtful(several(lines), "the files were changed after the last upgrade, or somebody upgraded with other values",
		"upgrade with the files, or take over what the release has", "helm get values "+r.Name+" -n "+r.Namespace)
}

func mergedOver(lower, upper map[string]any) map[string]any {
	merged := map[string]any{}
	maps.Copy(merged, lower)
	for k, v := range upper {
		below, ok1 := merged[k].(map[string]any)
		above, ok2 := v.(map[string]any)
		if ok1 && ok2 {
			v = mergedOver(below, above)
		}
		merged[k] = v
	}
	return merged
}

// differences are the paths at which two trees of values differ, without the
// values. Numbers are compared as text: YAML and JSON read them as other types.
func differences(path string, files, release map[string]any) []string {
	var lines []string
	keys := slices.Sorted(maps.Keys(mergedOver(files, release)))
	for _, k := range keys {
		at := strings.TrimPrefix(path+"."+k, ".")
		a, inFiles := files[k]
		b, inRelease := release[k]
		below, ok1 := a.(map[string]any)
		other, ok2 := b.(map[string]any)
		switch {
		case (ok1 || !inFiles) && (ok2 || !inRelease):
			lines = append(lines, differences(at, below, other)...)
		case !inFiles:
			lines = append(lines, at+" is in the release and not in the files")
		case !inRelease:
			lines = append(lines, at+" is in the files and not in the release")
		case !alike(a, b):
			lines = append(lines, at+" differs")
		}
	}
	return lines
}

func alike(a, b any) bool { return reflect.DeepEqual(a, b) || fmt.Sprint(a) == fmt.Sprint(b) }

// owned names who keeps the Secret, for findings about what is in it.
func owned(o k8s.Owner) string {
	if o.Kind == "" {
		return ""
	}
	return "; it " + Ownership(o) + ", so change it there"
}
