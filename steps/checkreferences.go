package steps

import (
	"fmt"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
)

// references looks whether all is there that the portal's pods refer to, beside the
// Secret that has checks of its own.
func (x examiner) references() check.Result {
	var first *k8s.Referent
	var lines, unread []string
	here := 0
	for _, r := range x.in.Current.Health.References {
		said := ""
		switch {
		case r.Unknown != "":
			unread = append(unread, r.Unknown)
		case r.Missing:
			said = fmt.Sprintf("%s %s is not there; %s refers to it", r.Kind, r.Name, r.By)
		case len(r.Lacks) > 0:
			said = fmt.Sprintf("%s %s has no %s; %s refers to it", r.Kind, r.Name, strings.Join(r.Lacks, ", "), r.By)
		default:
			here++
		}
		if said != "" {
			if lines = append(lines, said); first == nil {
				first = &r
			}
		}
	}
	switch {
	case first != nil:
		return x.absent(*first, lines)
	case len(unread) > 0:
		return hidden(several(slices.Compact(slices.Sorted(slices.Values(unread)))))
	}
	return pass(fmt.Sprintf("all %d objects beside its Secret", here))
}

// absent is about what is not there, r first.
func (x examiner) absent(r k8s.Referent, lines []string) check.Result {
	r0 := faulty(several(lines), "", "", "")
	switch {
	case r.Pull:
		r0 = doubtful(several(lines), "without it the kubelet asks the registry as nobody: nodes that have no image yet get none where the registry wants a login", "", "")
		r0.Code = "reference.pull-secret"
	case r.Kind == k8s.KindServiceAccount:
		r0.Code, r0.Cause = "reference.service-account", "somebody deleted it: pods that are made now are refused, and those that run lose their account"
	case !r.Missing:
		r0.Code, r0.Cause = "reference.key", "somebody changed it: pods that are made now do not start, or find an empty directory in place of a file"
	case r.Kind == k8s.KindConfigMap:
		r0.Code, r0.Cause = "reference.config-map", "somebody deleted it: pods that are made now do not start, and wait in ContainerCreating or CreateContainerConfigError"
	default:
		r0.Code, r0.Cause = "reference.secret", "it was never made or was deleted: pods that are made now do not start, and wait in ContainerCreating or CreateContainerConfigError"
	}
	if x.ofChart(r.Kind, r.Name) {
		r0.Hint, r0.Fix = "upgrade the release: the chart makes it", x.setup("install --upgrade")
		return r0
	}
	r0.Hint = fmt.Sprintf("make it, or take %s out of the values that name it; the chart does not make it", r.By)
	r0.Fix = x.making(r)
	return r0
}

// making is the command that makes what is not there, or shows what it lacks.
func (x examiner) making(r k8s.Referent) string {
	name := plan.Quote(r.Name)
	from := ""
	for _, key := range r.Keys {
		from += " --from-file=" + plan.Quote(key+"=FILE")
	}
	switch {
	case r.Pull:
		return x.kubectl("create secret docker-registry %s --from-file=.dockerconfigjson=FILE", name)
	case r.Kind == k8s.KindServiceAccount:
		return x.kubectl("create serviceaccount %s", name)
	case !r.Missing:
		return x.kubectl("edit %s %s", strings.ToLower(r.Kind), name)
	case r.Kind == k8s.KindConfigMap:
		return x.kubectl("create configmap %s%s", name, firstOf(from, " --from-file=DIRECTORY"))
	}
	return x.kubectl("create secret generic %s%s", name, firstOf(from, " --from-file=DIRECTORY"))
}

// ofChart tells whether an object is one that Helm applied with the release.
func (x examiner) ofChart(kind, name string) bool {
	for _, o := range objects(x.in.Current.Cluster.Release.Manifest) {
		if o.Kind == kind && o.Metadata.Name == name {
			return true
		}
	}
	return false
}

// referenceCodes are what portal.references ends with.
func referenceCodes() []codeDoc {
	return []codeDoc{
		{"reference.config-map", "A ConfigMap that the portal's pods take variables or files from is not there: pods that are made now do not start.", "`backstage-setup install --upgrade` makes those of the chart. One of your own, from backstage.extraVolumes or extraEnv, has to be made again."},
		{"reference.secret", "A Secret beside the portal's own, which its pods take variables or files from, is not there: pods that are made now do not start.", "Make it again, or take it out of backstage.extraVolumes and extraEnv."},
		{"reference.key", "A ConfigMap or Secret lacks a key that the portal's pods take: a variable keeps them from starting, of a file they find an empty directory.", "Add the key; `backstage-setup install --upgrade` brings back what the chart makes."},
		{"reference.service-account", "The account that the portal's pods run as is not there: Kubernetes refuses to make them.", "`backstage-setup install --upgrade`: the chart makes it."},
		{"reference.pull-secret", "A Secret that images are pulled with is not there: a node that has no image yet asks the registry as nobody.", "Make the Secret, or take it out of global.imagePullSecrets."},
	}
}
