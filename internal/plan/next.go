package plan

import (
	"fmt"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/values"
)

// Command is a line that the operator types next, and what for.
type Command struct {
	Comment string
	Line    string
}

// ChartReference is where released charts are.
const ChartReference = "oci://ghcr.io/openchoreo/helm-charts/openchoreo-control-plane"

// next writes the commands that are left to the operator, in the order that
// works: the Secret before the release, since its keys are not optional. When
// nothing is left to do, there are none.
func (p *Plan) next() {
	if p.settled() {
		return
	}
	d := &p.in.Draft
	ns := Quote(d.Target.Namespace)
	if p.Secret.Action == "manifest" {
		p.command("the namespace, if it is not there", "kubectl create namespace %s --dry-run=client -o yaml | kubectl apply -f -", ns)
		p.command("the Secret; delete the file afterwards", "kubectl apply --server-side --field-manager=backstage-setup -f %s", Quote(d.Secret.Manifest))
	}
	for i, line := range p.Secret.Guide {
		comment := ""
		if i == 0 {
			comment = "the Secret is not ours to write"
		}
		p.Next = append(p.Next, Command{Comment: comment, Line: p.guideLine(line)})
	}
	restart := p.restartNeeded()
	if p.volume != nil && p.byHand() {
		p.keepByHand()
	}
	if p.volume != nil {
		defer func() {
			p.command("once the data of SQLite is not wanted any more", "kubectl delete pvc %s -n %s", Quote(p.volume.Claim.Name), Quote(p.volume.Namespace))
		}()
	}
	if !p.Upgrading() && (p.upgradeNeeded() || p.Secret.Action == "manifest" || p.lags()) {
		p.deploy()
	}
	if !d.Portal.Enabled {
		p.command("is the API up", "kubectl get pods -n %s -l app.kubernetes.io/component=api-server", ns)
		return
	}
	if p.Keeps() {
		defer func() {
			previous := Quote(PreviousName(p.Secret.Name))
			p.Next = append(p.Next, Command{Comment: "if it does not come up: put the old values back", Line: "backstage-setup undo " + p.context() + "-n " + ns})
			p.command("once it is up, the next run that sees it up deletes the old values, or you do", "kubectl delete secret %s -n %s", previous, ns)
		}()
	}
	name := p.deployment()
	if restart {
		p.restart()
	}
	p.command("is the portal up", "kubectl rollout status deployment/%s -n %s --timeout=10m", name, ns)
	p.command("", "kubectl get pods -n %s -l app.kubernetes.io/component=backstage", ns)
	p.command("which database it uses", `kubectl get deployment %s -n %s -o jsonpath='{range .spec.template.spec.containers[0].env[*]}{.name}={.value}{"\n"}{end}' | grep -E 'DATABASE|POSTGRES|SQLITE'`, name, ns)
	p.command("what it says", "kubectl logs -n %s deployment/%s | head -n 50", ns, name)
	p.unreadCA()
	if d.Database.Type == "postgresql" {
		p.command("its databases, once it runs", `psql -h %s -p %d -U %s -d postgres -c '\l backstage_plugin_*'`, Quote(d.Database.PostgreSQL.Host), d.Database.PostgreSQL.Port, Quote(d.Database.PostgreSQL.User))
	}
}

// deploy says how the values get to the cluster: by helm, or by whoever runs it.
func (p *Plan) deploy() {
	f := p.in.edited()
	place := f.Values.Place()
	name, namespace := place.Name, ""
	if ns, object, ok := strings.Cut(place.Name, "/"); ok {
		namespace, name = ns, object
	}
	owner := p.in.Current.Cluster.Release.Owner
	kind := place.Kind
	if kind == values.PlaceUmbrella {
		p.Next = append(p.Next, Command{Comment: "upgrade your umbrella chart with " + f.Path + ", as you always do", Line: "# helm dependency build CHART && helm upgrade --install " + Quote(p.in.Draft.Target.Release) + " CHART -n " + Quote(p.in.Draft.Target.Namespace) + " -f " + Quote(f.Path)})
		return
	}
	commit := fmt.Sprintf("git add %s && git commit -m %s && git push", Quote(f.Path), Quote("Configure the Backstage portal"))
	switch kind {
	case "", values.PlacePlain:
		if p.engine() == "" {
			p.command("the release", "%s", p.helm())
			return
		}
		p.Next = append(p.Next, Command{Comment: engineNames[p.engine()] + " installs from Git, where it reads these values: commit them there", Line: commit})
		for _, line := range engineSync(owner) {
			p.command("", "%s", line)
		}
	case values.PlaceHelmRelease:
		p.Next = append(p.Next, Command{Comment: "Flux installs from Git", Line: commit})
		if namespace == "" {
			namespace = "flux-system"
		}
		p.command("", "flux reconcile helmrelease %s -n %s --with-source", Quote(name), Quote(namespace))
	case values.PlaceApplication, values.PlaceApplicationSet:
		p.Next = append(p.Next, Command{Comment: "Argo CD installs from Git", Line: commit})
		if kind == values.PlaceApplication {
			p.command("", "argocd app sync %s", Quote(name))
		}
	case values.PlaceHelmChart, values.PlaceHelmChartConfig:
		p.command("K3s installs from the object", "kubectl apply -f %s", Quote(f.Path))
	}
}

// restartNeeded tells whether the operator has to restart the pods: the Secret
// changed, and neither an upgrade nor this run rolls them.
func (p *Plan) restartNeeded() bool {
	if p.in.Current.Cluster.Deployment.Name == "" || p.in.Current.Cluster.Deployment.Reloader.Reloads(p.Secret.Name) {
		return false
	}
	changed := false
	for _, k := range p.Secret.Keys {
		changed = changed || k.changes
	}
	if !changed {
		return false
	}
	for _, a := range p.Actions {
		if _, ok := a.(Restart); ok {
			return false
		}
	}
	return true
}

func (p *Plan) deployment() string {
	if name := p.in.Current.Cluster.Deployment.Name; name != "" {
		return name
	}
	return "backstage"
}

// helm is the upgrade as the operator would type it.
func (p *Plan) helm() string {
	u := p.helmUpgrade()
	u.Kubeconfig = p.in.Current.Kubeconfig
	if c := p.in.Draft.Target.Context; p.in.Draft.From["target.context"].Given() {
		u.Context = c
	}
	return u.Line()
}

// helmUpgrade is the release with what these files make of it.
func (p *Plan) helmUpgrade() chart.Upgrade {
	c, d := &p.in.Current, &p.in.Draft
	u := chart.Upgrade{Release: d.Target.Release, Namespace: d.Target.Namespace, ChartRef: c.ChartRef, CreateNamespace: p.createsNamespace(), Timeout: p.in.hooks()}
	if isReference(c.ChartRef) {
		u.Version = p.in.Chart.Version
	}
	for _, f := range c.Files {
		u.Files = append(u.Files, f.Path)
	}
	return u
}

// isReference tells a chart in a registry from a directory or an archive.
func isReference(chart string) bool { return strings.HasPrefix(chart, "oci://") }

// createsNamespace tells whether helm may have to make the namespace: without a
// Secret to write into it nothing else does.
func (p *Plan) createsNamespace() bool {
	return p.Secret.Action != "manifest" && !p.in.Draft.Portal.Enabled && !p.in.Current.Cluster.Namespace.Exists
}

func (p *Plan) command(comment, format string, args ...any) {
	// In the format: a name in args may hold the word too.
	format = strings.ReplaceAll(format, "kubectl ", "kubectl "+strings.ReplaceAll(p.context(), "%", "%%"))
	line := fmt.Sprintf(format, args...)
	if rest, ok := strings.CutPrefix(line, "flux "); ok {
		line = "flux " + p.context() + rest
	}
	p.Next = append(p.Next, Command{Comment: comment, Line: line})
}

func (p *Plan) context() string { return p.in.Reach() }

// Reach are the flags, for kubectl and for this program, of the kubeconfig and the
// context that the operator named, each with a blank behind it.
func (in Input) Reach() string {
	flags := ""
	if f := in.Current.Kubeconfig; f != "" {
		flags = "--kubeconfig " + Quote(f) + " "
	}
	if c := in.Draft.Target.Context; c != "" && in.Draft.From["target.context"].Given() {
		flags += "--context " + Quote(c) + " "
	}
	return flags
}

// guideLine makes prose a shell comment and leaves the indented commands.
func (p *Plan) guideLine(line string) string {
	command, ok := strings.CutPrefix(line, "  ")
	if !ok {
		return "# " + line
	}
	if rest, ok := strings.CutPrefix(command, "kubectl "); ok {
		return "kubectl " + p.context() + rest
	}
	return command
}

// Quote makes text one word of a POSIX shell.
func Quote(text string) string {
	plain := strings.IndexFunc(text, func(r rune) bool {
		return !strings.ContainsRune("/._-+=:@%,", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
	if plain && text != "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
