package plan

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/openchoreo/backstage-setup/k8s"
)

// pasted has a person paste a value, which nothing shows and no history keeps, and
// gives it to a command on stdin without a newline; printf is the shell's own, so
// that no list of processes has it. bash and zsh know read -s.
const pasted = `IFS= read -rs VALUE && printf %s "$VALUE" | `

// forgotten takes the pasted value out of the shell.
const forgotten = "unset VALUE"

// changedKeys are the keys of the Secret that get another value.
func (p *Plan) changedKeys() (names []string) {
	for _, k := range p.Secret.Keys {
		if k.changes {
			names = append(names, k.Name)
		}
	}
	return names
}

// eachPasted are the commands that take one value after the other; command is what
// takes that of a key.
func (p *Plan) eachPasted(command func(key string) string) (lines []string) {
	for _, key := range p.changedKeys() {
		lines = append(lines, "  "+pasted+command(key))
	}
	return append(lines, "  "+forgotten)
}

// pasting says what is to be done at those commands.
func (p *Plan) pasting(keys string) string {
	if len(p.changedKeys()) > 1 {
		return fmt.Sprintf("each command waits until you paste one value, of %s in this order, and press Enter; nothing is shown", keys)
	}
	return fmt.Sprintf("the command waits until you paste the value of %s and press Enter; nothing is shown", keys)
}

// seals writes one key into a SealedSecret's file; the other keys of it stay.
func (p *Plan) seals(key string) string {
	return fmt.Sprintf("kubectl create secret generic %s -n %s --from-file=%s=/dev/stdin --dry-run=client -o yaml | kubeseal %s--format yaml --merge-into FILE", Quote(p.Secret.Name), Quote(p.Secret.Namespace), Quote(key), p.context())
}

// encrypts writes one key into a Secret's manifest that SOPS has encrypted (3.11 and
// newer read the value, as JSON, from stdin).
func encrypts(key string) string {
	return fmt.Sprintf(`jq -Rs . | sops set --value-stdin FILE %s`, Quote(fmt.Sprintf(`["stringData"][%q]`, key)))
}

func guideSealedSecrets(p *Plan, o k8s.Owner, keys string) []string {
	lines := []string{
		fmt.Sprintf("SealedSecret %s makes this Secret. FILE is its manifest in Git; %s:", o.Name, p.pasting(keys)),
	}
	lines = append(lines, p.eachPasted(p.seals)...)
	return append(lines,
		"Where this shows a scope, kubeseal has to be given it too (--scope namespace-wide or cluster-wide), and --controller-namespace and --controller-name where the controller is not sealed-secrets-controller in kube-system:",
		fmt.Sprintf("  kubectl get sealedsecret %s -n %s -o yaml | grep -- -wide", Quote(o.Name), Quote(cmp.Or(o.Namespace, p.Secret.Namespace))),
		"Then commit FILE and let it sync; without Git:",
		fmt.Sprintf("  kubectl apply -n %s -f FILE", Quote(p.Secret.Namespace)),
	)
}

func guideArgoCD(p *Plan, o k8s.Owner, keys string) []string {
	lines := []string{fmt.Sprintf("Argo CD%s makes this Secret from Git, and would put the old values back. This shows the repository and the path in it:", called(" application", o.Name))}
	if o.Name == "" {
		lines = append(lines, "  argocd app list")
	} else {
		namespace, app := "argocd", o.Name
		if ns, name, ok := strings.Cut(o.Name, "_"); ok { // of an application outside Argo CD's own namespace
			namespace, app = ns, name
		}
		lines = append(lines, fmt.Sprintf("  kubectl get application.argoproj.io %s -n %s -o jsonpath='{.spec.source}{.spec.sources}{\"\\n\"}'", Quote(app), Quote(namespace)))
	}
	lines = append(lines, p.inRepository(keys)...)
	lines = append(lines, "Where it holds a placeholder of the Argo CD Vault plugin, <path:…>, the value is in that store instead. Then commit, push, and:")
	return append(lines, indented(engineSync(o))...)
}

func guideFlux(p *Plan, o k8s.Owner, keys string) []string {
	lines := []string{
		fmt.Sprintf("Flux%s makes this Secret from Git, and would put the old values back. This shows the repository, the path in it and the branch:", called(" "+fluxKind(o), o.Name)),
		fmt.Sprintf("  flux trace %ssecret %s -n %s", p.context(), Quote(p.Secret.Name), Quote(p.Secret.Namespace)),
	}
	lines = append(lines, p.inRepository(keys)...)
	lines = append(lines, "Then commit, push, and:")
	return append(lines, indented(engineSync(o))...)
}

// inRepository are the commands that find the Secret's file in a checkout, and write
// the new values into it as it is encrypted there.
func (p *Plan) inRepository(keys string) []string {
	lines := []string{
		"In a checkout of it, this finds FILE:",
		"  git grep -lw " + Quote("name: "+p.Secret.Name),
		fmt.Sprintf("SOPS 3.11 or newer, and jq, write into it as it is encrypted; %s:", p.pasting(keys)),
	}
	lines = append(lines, p.eachPasted(encrypts)...)
	return append(lines, `Where its keys are under data, not stringData: base64 | tr -d '\n' | before jq, and ["data"] in place of ["stringData"].`)
}

func guideHelm(p *Plan, o k8s.Owner, keys string) []string {
	ns := Quote(cmp.Or(o.Namespace, p.Secret.Namespace))
	lines := []string{
		fmt.Sprintf("Helm release %s makes this Secret, and its next upgrade would put the old values back. This shows its chart and the template that makes it:", o.Name),
		fmt.Sprintf("  helm list -n %s --filter %s%s", ns, Quote("^"+o.Name+"$"), p.helmReach()),
		fmt.Sprintf("  helm get manifest %s -n %s%s | grep '^# Source: .*secret'", Quote(o.Name), ns, p.helmReach()),
		fmt.Sprintf("CHART is that chart in that version, and VALUE.PATH the value that this template puts in the key; %s:", p.pasting(keys)),
	}
	lines = append(lines, p.eachPasted(func(string) string {
		return fmt.Sprintf("helm upgrade %s CHART -n %s --reuse-values --set-file VALUE.PATH=/dev/stdin%s", Quote(o.Name), ns, p.helmReach())
	})...)
	return append(lines, "Where a pipeline or a values file in Git upgrades it, change the value there too: its next run would put the old one back.")
}
