package cli

import (
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/openchoreo/backstage-setup/steps"
)

// flags are the flags of the flows.
type flags struct {
	kubeconfig, context, namespace, release, chart string
	values                                         []string
	edit, place                                    string
	backup                                         bool
	secretName, delivery, secretOut                string
	answers, set, arguments                        []string // arguments: KEY=VALUE, of what stands by itself
	saveAnswers                                    string
	accept, skip                                   []string
	caFile, trustCA, userToken, serviceToken, jwks string
	probe, probeCreate, probeJob                   bool
	probeResult                                    string
	restart, onFailure                             string
	upgrade, keepPrevious                          bool
	wait, timeout                                  time.Duration
	bounds                                         func() bool // tells whether --wait was given; nil where there is none
	yes, dryRun, offline, plain, noColor           bool

	from                 string // of rotate
	awaits, proveRevoked time.Duration
	history              bool
}

// register gives cmd the flags of a flow that asks.
func (f *flags) register(cmd *cobra.Command, output *string) {
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringArrayVar(&f.answers, "answers", nil, "answers `FILE`, - for stdin; repeatable, later wins")
	fs.StringArrayVar(&f.set, "set", nil, "one answer, `KEY=VALUE`; wins over --answers, never a secret value")
	fs.StringVar(&f.saveAnswers, "save-answers", "", "write the answers given, without secrets, to `FILE`")
	fs.StringVar(&f.chart, "chart", "", "`VERSION`, chart directory, .tgz or oci:// reference (default: the installed release's, else the newest known)")
	fs.StringArrayVarP(&f.values, "values", "f", nil, "values `FILE` in Helm's order, repeatable; the last is created or edited (default backstage-values.yaml)")
	fs.StringVar(&f.edit, "edit", "", "edit this values `FILE` instead of the last")
	fs.StringVar(&f.place, "place", "", "where in the file the values are, when there are several `PLACE`s: a part of its description")
	fs.BoolVar(&f.backup, "backup", false, "keep an edited file's old bytes beside it")
	fs.StringVar(&f.delivery, "delivery", "", "`HOW` the Secret gets there: kubernetes, external-secrets or manifest (default: what the cluster shows)")
	fs.StringVar(&f.secretOut, "secret-out", "", "`FILE` that --delivery manifest writes (default backstage-secrets.yaml)")
	fs.BoolVar(&f.keepPrevious, "keep-previous", false, "keep the old values in the Secret NAME-previous until the run is verified (implied where --on-failure undo needs them)")
	fs.BoolVar(&f.upgrade, "upgrade", false, "also run helm upgrade --install, with your own helm")
	fs.StringVar(&f.onFailure, "on-failure", "undo", "`WHAT`, undo or leave, becomes of a change whose roll-out fails")
	f.registerRun(cmd, output)
	f.registerProofs(cmd)
	fs.StringVar(&f.trustCA, "trust-ca", "", "trust the authority that PostgreSQL itself shows, if it has this `FINGERPRINT`: sha256:... of its own certificate file; none: well-known authorities only, not the one that is kept")
	fs.BoolVar(&f.probeJob, "probe-job", false, "print a Kubernetes Job that asks PostgreSQL from the cluster, and the commands around it; nothing else is done")
	fs.StringVar(&f.probeResult, "probe-result", "", "`FILE` with the log of such a Job, - for stdin, in place of asking PostgreSQL from here")
	fs.BoolVar(&f.probeCreate, "probe-create", false, "let the checks make a database at PostgreSQL and drop it again, to see that the role may")
	fs.StringVar(&f.userToken, "user-token", "", "check a person's access token at `REF`: env:NAME, file:PATH or - for stdin")
	fs.StringVar(&f.serviceToken, "service-token", "", "check the service client's access token at `REF` in place of asking for one: env:NAME, file:PATH or -")
	fs.StringVar(&f.jwks, "jwks", "", "`FILE` of the identity provider's key set, for tokens that are checked without asking it")
}

// registerProofs gives cmd the flags of checks that ask somebody outside the
// cluster.
func (f *flags) registerProofs(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringArrayVar(&f.skip, "skip", nil, "leave a check of the identity provider or of PostgreSQL out, `CHECK=REASON`; repeatable, the reason is recorded")
	fs.BoolVar(&f.probe, "probe", false, "let checks ask the identity provider with a wrong secret and an unregistered address: failed attempts in its log")
	fs.StringVar(&f.caFile, "ca-file", "", "`FILE` of certificates in PEM that the checks trust too; the cluster does not know it")
}

// registerRun gives cmd the flags of every flow that changes something.
func (f *flags) registerRun(cmd *cobra.Command, output *string) {
	fs := cmd.Flags()
	fs.SortFlags = false
	f.registerTarget(cmd)
	fs.BoolVarP(&f.yes, "yes", "y", false, "apply without asking")
	fs.BoolVar(&f.dryRun, "dry-run", false, "show what would change, write nothing")
	fs.BoolVar(&f.offline, "offline", false, "contact no cluster, no identity provider, no database")
	fs.StringArrayVar(&f.accept, "accept", nil, "go on although this `CHECK` failed; repeatable")
	fs.StringVar(&f.restart, "restart", "auto", "`WHEN`, auto or never: restart the portal when a Secret change would not reach it otherwise")
	fs.DurationVar(&f.wait, "wait", 10*time.Minute, "how long a rollout may take; given, each hook of the chart and helm too")
	f.bounds = func() bool { return fs.Changed("wait") }
	fs.DurationVar(&f.timeout, "timeout", 0, "how long the whole run may take")
	f.registerLook(cmd)
	fs.StringVarP(output, "output", "o", "text", "`FORMAT` of the result on stdout: text or json")
}

// registerLook gives cmd the flags that say how it is shown.
func (f *flags) registerLook(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.BoolVar(&f.plain, "plain", false, "plain lines: no full screen, for screen readers and dumb terminals")
	fs.BoolVar(&f.noColor, "no-color", false, "no colours (also NO_COLOR)")
}

// registerTarget gives cmd the flags that say which cluster and what in it.
func (f *flags) registerTarget(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.kubeconfig, "kubeconfig", "", "`FILE` to use, as kubectl")
	fs.StringVar(&f.context, "context", "", "kubeconfig `CONTEXT` to use")
	fs.StringVarP(&f.namespace, "namespace", "n", "", "`NAMESPACE` of the control plane (default openchoreo-control-plane)")
	fs.StringVar(&f.release, "release", "", "Helm `RELEASE` (default openchoreo-control-plane)")
	fs.StringVar(&f.secretName, "secret-name", "", "`NAME` of the Secret (default: what values or Deployment say, else backstage-secrets)")
	fs.String("log-file", "", "append what is asked and done to `FILE`, mode 0600, without secrets")
}

func (f *flags) check(output string) error {
	if output != "text" && output != "json" {
		return usage("-o %q: must be text or json", output)
	}
	for _, id := range f.accept {
		if !knownCheck(id) {
			return usage("--accept %q: there is no such check", id).hinted("backstage-setup explain lists them")
		}
	}
	if f.restart != "auto" && f.restart != "never" {
		return usage("--restart %q: must be auto or never", f.restart)
	}
	if f.awaits < 0 && f.awaits != steps.AwaitOneSecret || f.proveRevoked < 0 {
		return usage("--await and --prove-revoked must not be negative")
	}
	if f.wait < 0 || f.timeout < 0 {
		return usage("--wait and --timeout must not be negative")
	}
	if f.onFailure != "" && f.onFailure != "undo" && f.onFailure != "leave" {
		return usage("--on-failure %q: must be undo or leave", f.onFailure)
	}
	if f.probeCreate && (f.dryRun || f.offline) {
		return usage("--probe-create makes a database, so --dry-run and --offline have no place beside it").hinted("leave it out: rights are then looked up, and nothing is made")
	}
	if f.offline && f.upgrade {
		return usage("--offline contacts no cluster, so --upgrade has no place beside it")
	}
	if f.offline && (f.context != "" || f.kubeconfig != "") {
		return usage("--offline contacts no cluster, so --context and --kubeconfig have no place beside it")
	}
	return nil
}

func knownCheck(id string) bool {
	return slices.ContainsFunc(steps.CheckDocs(), func(d steps.CheckDoc) bool { return d.ID == id })
}
