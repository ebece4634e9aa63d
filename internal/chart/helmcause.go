package chart

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
)

// longestCause is how much of helm's own words is repeated, in bytes.
const longestCause = 600

// explain turns helm's last words into a cause on one line and a hint about what
// to type. The texts are those of Helm 3.12, 3.22 and 4.3 and of Kubernetes.
func (u Upgrade) explain(text string) (cause, hint string) {
	text = strings.TrimPrefix(text, "UPGRADE FAILED: ")
	for _, known := range helmCauses {
		if m := known.text.FindStringSubmatch(text); m != nil {
			cause, hint = known.say(u, text, m)
			return oneLine(cause), hint
		}
	}
	return oneLine(text), u.historyCommand()
}

// oneLine makes one line of helm's several, and cuts it where it gets too long.
// Helm 3 counts errors in a line of their own.
func oneLine(text string) string {
	var parts []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(line), "*"))
		if line != "" && !countedErrors.MatchString(line) {
			parts = append(parts, strings.TrimSpace(countedErrorsEnd.ReplaceAllString(line, "$1")))
		}
	}
	text = strings.Join(parts, "; ")
	text = strings.ReplaceAll(text, ":; ", ": ")
	if len(text) > longestCause {
		text = strings.ToValidUTF8(text[:longestCause], "") + " …"
	}
	return text
}

var (
	countedErrors    = regexp.MustCompile(`^\d+ errors? occurred:$`)
	countedErrorsEnd = regexp.MustCompile(`(: )\d+ errors? occurred:$`)
	appliedObject    = regexp.MustCompile(`(?:applying|apply failed for) object (?:([^\s/]*)/)?(\S+) \S+, Kind=(\w+)`)
	patchedObject    = regexp.MustCompile(`cannot patch "([^"]*)" with kind (\w+)`)
	conflictManager  = regexp.MustCompile(`conflicts? with "([^"]*)"`)
	conflictField    = regexp.MustCompile(`(?m)(?:^- |using \S+: |": )(\.[^\n;]+)`)
	notReadyJob      = regexp.MustCompile(`(?:resource Job/[^\s/]*/|job )([^\s/]+) (?:not ready|failed)`)
	invalidField     = regexp.MustCompile(`([\w.\[\]]+): (?:Invalid value|Forbidden)`)
)

// otherHelm is how Helm refuses to be the second one at work on a release: it sees
// the pending revision of the first, or both write the same one, which is before
// anything else is changed (Helm's pkg/action/upgrade.go says so).
var otherHelm = regexp.MustCompile(`another operation \(install/upgrade/rollback\) is in progress|release: already exists`)

// helmCauses are looked through in order: a refusal by a webhook also says that
// something is forbidden or invalid, and the last ones are the least specific.
var helmCauses = []struct {
	text *regexp.Regexp
	say  func(u Upgrade, text string, m []string) (cause, hint string)
}{
	{otherHelm, func(u Upgrade, _ string, _ []string) (string, string) {
		return "another helm is at work on release " + u.Release + ", or was cut off",
			u.historyCommand() + "; if nobody is at work: " + u.backCommand()
	}},
	{regexp.MustCompile(`has no deployed releases`), func(u Upgrade, _ string, _ []string) (string, string) {
		return "release " + u.Release + " has no revision that could be upgraded: it was uninstalled, or that was cut off",
			u.historyCommand() + "; to be rid of what is left: " + u.helm("uninstall", u.Release)
	}},
	{regexp.MustCompile(`cannot re-?use a name that is still in use`), func(u Upgrade, _ string, _ []string) (string, string) {
		return "somebody else has installed release " + u.Release + " meanwhile", "look at it first: " + u.historyCommand()
	}},
	{regexp.MustCompile(`release: not found|release has no (\d+) version`), func(u Upgrade, _ string, m []string) (string, string) {
		if m[1] != "" {
			return fmt.Sprintf("release %s has no revision %s; Helm keeps the last ten", u.Release, m[1]), u.historyCommand()
		}
		return fmt.Sprintf("there is no release %s in namespace %s, or not that revision of it", u.Release, u.Namespace), u.historyCommand() + "; or helm list -A"
	}},

	// The values, the files and the chart.
	{regexp.MustCompile(`(?s)values don't meet the specifications of the schema\(s\) in the following chart\(s\):\n(.*)`), func(_ Upgrade, _ string, m []string) (string, string) {
		return "the chart's schema refuses the values: " + m[1], "correct the values file"
	}},
	{regexp.MustCompile(`(?s)execution error at \(([^)]*)\): (.*)`), func(_ Upgrade, _ string, m []string) (string, string) {
		return "the chart refuses the values: " + m[2], "correct the values file; it is " + m[1] + " that refuses"
	}},
	{regexp.MustCompile(`chart requires kubeVersion: (.*) which is incompatible with Kubernetes (\S+)`), func(_ Upgrade, _ string, m []string) (string, string) {
		return fmt.Sprintf("the chart is for Kubernetes %s, and this is %s", m[1], m[2]), "take another version of the chart with --chart, or upgrade the cluster first"
	}},
	{regexp.MustCompile(`(?i)an error occurred while checking for chart dependencies`), func(u Upgrade, text string, _ []string) (string, string) {
		return "the chart lacks charts that it depends on: " + afterLast(text, ": "), shellLine([]string{"dependency", "build", u.ChartRef})
	}},
	{regexp.MustCompile(`failed to parse (\S+?): (?s:(.*))`), func(_ Upgrade, _ string, m []string) (string, string) {
		return fmt.Sprintf("the values file %s is not valid YAML: %s", m[1], afterLast(m[2], "yaml: ")), "correct the file"
	}},
	{regexp.MustCompile(`open (.*): no such file or directory|open (.*): The system cannot find`), func(_ Upgrade, _ string, m []string) (string, string) {
		return fmt.Sprintf("the file %s is not there", cmp.Or(m[1], m[2])), "give the values files with -f, from the directory that you are in"
	}},
	{regexp.MustCompile(`sh\.helm\.release\S* is invalid: data: Too long`), func(_ Upgrade, _ string, _ []string) (string, string) {
		return "chart and values together are larger than the 1 MiB that Helm can store", "make the values files smaller"
	}},
	{regexp.MustCompile(`basic credential not found|(?:status code|unexpected status.*:) 40[13]\b|failed to (?:authorize|fetch \w+ token)|insufficient_scope|requested access to the resource is denied`), registryRefusal},
	{regexp.MustCompile(`path "[^"]*" not found|repo \S+ not found|non-absolute URLs should be in form of repo_name/path_to_chart|chart "[^"]*" .*not found|: not found$|name unknown|status code:? 404|Unable to locate any tags`), func(u Upgrade, text string, _ []string) (string, string) {
		ref, version := u.reference()
		return strings.TrimSpace(fmt.Sprintf("there is no chart %s %s", ref, version)) + ": " + text, "give --chart its directory, its archive or an oci:// reference"
	}},

	// The cluster as a whole.
	{regexp.MustCompile(`(?s)getting credentials: exec: (.*?)(?:\n|$)`), func(_ Upgrade, _ string, m []string) (string, string) {
		return "the credential plugin of the kubeconfig failed: " + m[1],
			"run the printed command yourself: helm is given HOME, PATH, the proxies and the variables of the known clouds only"
	}},
	{regexp.MustCompile(`(?i)cluster unreachable: context "([^"]*)" does not exist`), func(_ Upgrade, _ string, m []string) (string, string) {
		return fmt.Sprintf("the kubeconfig has no context %q", m[1]), "kubectl config get-contexts"
	}},
	{regexp.MustCompile(`asked for the client to provide credentials`), func(u Upgrade, _ string, _ []string) (string, string) {
		return "the cluster does not accept the credentials of the kubeconfig", "sign in to the cluster again, then try " + u.kubectl("get pods")
	}},
	{regexp.MustCompile(`(?is)cluster unreachable: (.*)`), func(u Upgrade, _ string, m []string) (string, string) {
		return "the cluster cannot be reached: " + m[1], u.kubectl("get pods")
	}},

	// What the cluster refuses.
	{regexp.MustCompile(`failed calling webhook "([^"]*)": (.*)`), func(_ Upgrade, _ string, m []string) (string, string) {
		return fmt.Sprintf("the webhook %s of the cluster does not answer: %s", m[1], m[2]),
			"find out what serves it: kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations"
	}},
	{regexp.MustCompile(`admission webhook "([^"]*)" denied the request:? ?(.*)`), policyRefusal},
	{regexp.MustCompile(`ValidatingAdmissionPolicy '([^']*)' .*denied request: (.*)`), policyRefusal},
	{regexp.MustCompile(`(\w+) "([^"]*)" in namespace "([^"]*)" exists and cannot be imported into the current release: invalid ownership metadata; (.*)`), foreignObject},
	{regexp.MustCompile(`conflict occurred while applying object|Apply failed with \d+ conflict`), applyConflict},
	{regexp.MustCompile(`\bis immutable\b|updates to statefulset spec for fields other than|field can not be less than`), immutableField},
	{regexp.MustCompile(`exceeded quota: ([^,]*), (.*)`), func(u Upgrade, _ string, m []string) (string, string) {
		return fmt.Sprintf("the quota %s of the namespace is used up: %s", m[1], m[2]), u.kubectl("describe quota " + shellWord(m[1]))
	}},
	{regexp.MustCompile(`User "([^"]*)" cannot (\w+) resource "([^"]*)"(?: in API group "([^"]*)")?(?: in the namespace "([^"]*)"| at the cluster scope)?`), missingRight},
	{regexp.MustCompile(`no matches for kind "([^"]*)" in version "([^"]*)"`), func(_ Upgrade, _ string, m []string) (string, string) {
		return fmt.Sprintf("the cluster does not know %s of %s: its CustomResourceDefinitions are not installed, or older", m[1], m[2]),
			"install what the chart needs first; what is there: kubectl api-resources --api-group=" + shellWord(beforeSlash(m[2]))
	}},
	{regexp.MustCompile(`namespaces "([^"]*)" not found`), func(_ Upgrade, _ string, m []string) (string, string) {
		return fmt.Sprintf("there is no namespace %s", m[1]), "kubectl create namespace " + shellWord(m[1])
	}},

	// Time, and the chart's own Jobs.
	{regexp.MustCompile(`(pre|post)-(install|upgrade|rollback|delete)( hooks failed)?: `), failedHook},
	{regexp.MustCompile(`context deadline exceeded|timed out|i/o timeout|TLS handshake timeout|connection refused|connection reset|request timed out|EOF$`), func(u Upgrade, text string, _ []string) (string, string) {
		return "the cluster or a registry did not answer in time: " + text, "run it again; what became of it: " + u.historyCommand()
	}},
}

func registryRefusal(u Upgrade, text string, _ []string) (string, string) {
	ref, _ := u.reference()
	host, _, _ := strings.Cut(strings.TrimPrefix(ref, "oci://"), "/")
	return fmt.Sprintf("%s does not let chart %s be read, or does not have it: %s", host, ref, text), shellLine([]string{"registry", "login", host})
}

func policyRefusal(_ Upgrade, _ string, m []string) (string, string) {
	return fmt.Sprintf("the cluster's policy %s refuses it: %s", m[1], m[2]), "adapt the values to the policy, or ask who keeps it"
}

func foreignObject(u Upgrade, _ string, m []string) (string, string) {
	kind, name, namespace, how := m[1], m[2], m[3], m[4]
	object := fmt.Sprintf("%s %s in namespace %s", kind, name, namespace)
	if namespace == "" {
		object = kind + " " + name
	}
	if owner := otherRelease.FindStringSubmatch(how); owner != nil {
		return fmt.Sprintf("%s belongs to the release %s", object, owner[1]), "give --release that name, or remove that release first: helm list -A"
	}
	on := ""
	if namespace != "" {
		on = " -n " + shellWord(namespace)
	}
	place := strings.ToLower(kind) + " " + shellWord(name) + on
	return object + " is there already and is not Helm's",
		fmt.Sprintf("if the release may have it: kubectl label %s app.kubernetes.io/managed-by=Helm && kubectl annotate %s meta.helm.sh/release-name=%s meta.helm.sh/release-namespace=%s",
			place, place, shellWord(u.Release), shellWord(u.Namespace))
}

var otherRelease = regexp.MustCompile(`key "meta\.helm\.sh/release-name" must equal "[^"]*": current value is "([^"]*)"`)

func applyConflict(u Upgrade, text string, _ []string) (string, string) {
	object, _ := objectIn(text)
	managers, fields := each(conflictManager, text), each(conflictField, text)
	cause := fmt.Sprintf("%s: %s set by %s, and Helm does not take over what others set", object, strings.Join(fields, ", "), strings.Join(managers, ", "))
	hint := "have " + strings.Join(managers, ", ") + " leave it alone, or let the chart win: " + u.Line() + " --force-conflicts"
	for _, f := range fields {
		if f == ".spec.replicas" {
			hint = "an autoscaler or kubectl scale has set the replicas; to go on with those of the values: " + u.Line() + " --force-conflicts"
		}
	}
	return cause, hint
}

func immutableField(u Upgrade, text string, _ []string) (string, string) {
	object, argument := objectIn(text)
	what := "a field"
	if field := invalidField.FindStringSubmatch(text); field != nil {
		what = field[1]
	}
	if argument == "" {
		return fmt.Sprintf("%s of an object cannot be changed: %s", what, text), u.historyCommand()
	}
	cause := fmt.Sprintf("%s: %s cannot be changed while it exists", object, what)
	if strings.HasPrefix(argument, "persistentvolumeclaim ") {
		return cause, "set the values back to what it has: " + u.kubectl("get "+argument+" -o yaml") + "; to delete it is to delete its data"
	}
	return cause, "the upgrade creates it anew, and its pods stop meanwhile: " + u.kubectl("delete "+argument)
}

func missingRight(_ Upgrade, _ string, m []string) (string, string) {
	user, verb, resource, group, namespace := m[1], m[2], m[3], m[4], m[5]
	if group != "" {
		resource += "." + group
	}
	where := "in the whole cluster"
	if namespace != "" {
		where = "in namespace " + namespace
	}
	args := "kubectl auth can-i " + shellWord(verb) + " " + shellWord(resource)
	if namespace != "" {
		args += " -n " + shellWord(namespace)
	}
	return fmt.Sprintf("%s may not %s %s %s", user, verb, resource, where), "ask for the right, or have somebody who has it run the printed command; to see it: " + args
}

func failedHook(u Upgrade, text string, m []string) (string, string) {
	hook := m[1] + "-" + m[2]
	cause := fmt.Sprintf("the chart's %s Job failed: %s", hook, text[strings.Index(text, m[0])+len(m[0]):])
	if strings.Contains(text, "deadline exceeded") || strings.Contains(text, "timed out") {
		timeout := "5m0s"
		if u.Timeout > 0 {
			timeout = u.Timeout.String()
		}
		cause = fmt.Sprintf("the chart's %s Job did not end within %s", hook, timeout)
	}
	if job := notReadyJob.FindStringSubmatch(text); job != nil {
		return cause, u.kubectl("describe job "+shellWord(job[1])) + "; " + u.kubectl("logs job/"+shellWord(job[1]))
	}
	return cause, u.kubectl("get jobs,pods")
}

// objectIn names the object in helm's text: for people, and for kubectl.
func objectIn(text string) (object, argument string) {
	if m := appliedObject.FindStringSubmatch(text); m != nil {
		return m[3] + " " + m[2], strings.ToLower(m[3]) + " " + shellWord(m[2])
	}
	if m := patchedObject.FindStringSubmatch(text); m != nil {
		return m[2] + " " + m[1], strings.ToLower(m[2]) + " " + shellWord(m[1])
	}
	return "an object", ""
}

// each returns the first group of every match, once.
func each(r *regexp.Regexp, text string) []string {
	var all []string
	seen := map[string]bool{}
	for _, m := range r.FindAllStringSubmatch(text, -1) {
		if !seen[m[1]] {
			seen[m[1]] = true
			all = append(all, m[1])
		}
	}
	return all
}

func afterLast(text, mark string) string {
	if i := strings.LastIndex(text, mark); i >= 0 {
		return text[i+len(mark):]
	}
	return text
}

func beforeSlash(text string) string {
	before, _, found := strings.Cut(text, "/")
	if !found {
		return ""
	}
	return before
}
