package steps

import (
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/check"
)

// command compares what the portal's container starts with what Helm applied. Of the
// arguments only the chart's own are shown: others may be secret.
func (x examiner) command() check.Result {
	d := x.in.Current.Cluster.Deployment
	given, ok := x.applied()
	show := x.kubectl("get deployment %s -o yaml", d.Name)
	if !ok {
		return unsettled("what Helm applied is not known: "+firstOf(x.in.Current.Cluster.Release.Unknown, "the release has no such Deployment"), "compare the Deployment with `helm get manifest`")
	}
	var lines []string
	if !slices.Equal(d.Command, given.Command) {
		lines = append(lines, "command "+differs(d.Command, given.Command))
	}
	if !slices.Equal(d.Args, given.Args) {
		lines = append(lines, "args "+differs(d.Args, given.Args))
	}
	if len(lines) > 0 {
		return doubtful(several(lines), "somebody changed the Deployment by hand: the portal starts something else, or without a part of its configuration; the next upgrade may take it back",
			"upgrade the release: the chart sets it; arguments of your own go into backstage.extraArgs", show)
	}
	return pass("as Helm applied them")
}

// differs says how a list of arguments is not what it was, by the chart's own words
// alone.
func differs(now, given []string) string {
	var gone []string
	for _, a := range given {
		if !slices.Contains(now, a) {
			gone = append(gone, a)
		}
	}
	known := slices.DeleteFunc(slices.Clone(gone), func(a string) bool {
		return a != "node" && a != "packages/backend" && !strings.HasPrefix(strings.TrimPrefix(a, "--config="), "app-config.")
	})
	switch {
	case len(given) == 0:
		return "was added by hand"
	case len(now) == 0:
		return "was taken away"
	case len(known) > 0:
		return "lacks " + strings.Join(known, ", ")
	case len(gone) > 0:
		return "lacks a part of what the values give it"
	case len(now) > len(given):
		return "has more than the chart gave it"
	}
	return "is in another order, or has parts less"
}
