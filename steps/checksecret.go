package steps

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/templates"
)

// secretChecks are the portal's Secret: what has to be in it, and who makes it.
func (x examiner) secretChecks() []check.Check {
	if !x.in.Draft.Portal.Enabled {
		return nil
	}
	state := x.in.Current.Cluster.Secret
	there := []string{"secret.exists"}
	return []check.Check{
		x.judged("secret.sync", []string{"cluster.namespace"}, x.sync),
		x.judged("secret.exists", []string{"cluster.namespace"}, func() check.Result {
			switch {
			case state.Unknown != "":
				return hidden(state.Unknown)
			case state.Secret == nil && x.diverted() != "":
				return faulty(fmt.Sprintf("Secret %s is not in namespace %s: the Deployment names it, the release has %s", x.secretName(), x.namespace(), x.diverted()), "somebody changed the Deployment by hand",
					"have the Deployment take its variables from "+x.diverted()+" again; write no second Secret", x.kubectl("get deployment %s -o yaml", x.in.Current.Cluster.Deployment.Name))
			case state.Secret == nil:
				r := faulty(fmt.Sprintf("Secret %s is not in namespace %s", x.secretName(), x.namespace()), "it was never written, was deleted, or its owner could not make it", "write it", x.setup("install"))
				r.Cure = &check.Cure{Flow: "install", Step: "client", Key: "client.secret"}
				x.guide(&r, x.wanted()...)
				return r
			}
			found := fmt.Sprintf("%s, %d keys", state.Secret.Name, len(state.Secret.Keys))
			if at := state.Secret.DataWritten; !at.IsZero() {
				found += ", written last on " + at.UTC().Format(time.DateOnly)
			}
			found += setOn(k8s.SecretHistory(state.Secret.Annotations))
			if state.Owner.Kind != "" {
				found += ", " + Ownership(state.Owner)
			}
			return pass(found)
		}),
		x.judged("secret.keys", there, x.keys),
		x.judged("secret.values", there, x.secretValues),
		x.judged("secret.placeholders", there, x.placeholders),
		x.judged("secret.last-applied", there, func() check.Result {
			s := state.Secret
			if s == nil {
				return hidden(state.Unknown)
			}
			if !s.LastApplied || state.Owner.Kind == k8s.OwnerExternalSecrets {
				return pass("no copy of the values")
			}
			return doubtful("the annotation kubectl.kubernetes.io/last-applied-configuration holds a copy of the values in plain base64", "somebody wrote the Secret with kubectl apply",
				"take the annotation off, and change what it shows", x.kubectl("annotate secret %s kubectl.kubernetes.io/last-applied-configuration-", s.Name))
		}),
	}
}

// diverted is the Secret that Helm gave the portal, where the Deployment names
// another one by now; else "".
func (x examiner) diverted() string {
	c, ok := x.applied()
	if !ok {
		return ""
	}
	given, _ := k8s.Deployment{Env: c.variables()}.EnvVar("BACKEND_SECRET")
	if given.SecretName == x.in.Current.Cluster.Deployment.SecretName {
		return ""
	}
	return given.SecretName
}

// wanted are the keys without which the portal's pods do not start: those that
// the Deployment takes its variables from, and those that the chart would take.
func (x examiner) wanted() []string {
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	d := x.in.Current.Cluster.Deployment
	for _, e := range d.Env {
		if e.SecretName == x.secretName() && !e.Optional {
			add(e.SecretKey)
		}
	}
	for _, sk := range x.in.Profile.SecretKeys {
		if d.Name == "" && sk.NamePath == "" && !sk.Optional && sk.Required.Holds(x.in.Text) {
			add(sk.Name)
		}
	}
	return names
}

func (x examiner) keys() check.Result {
	state := x.in.Current.Cluster.Secret
	if state.Secret == nil {
		return hidden(state.Unknown)
	}
	var missing []string
	wanted := x.wanted()
	for _, name := range wanted {
		if !slices.Contains(state.Secret.Keys, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return pass(fmt.Sprintf("all %d that the portal needs", len(wanted)))
	}
	r := faulty(fmt.Sprintf("Secret %s lacks %s", state.Secret.Name, strings.Join(missing, ", ")), "pods that are made now stay in CreateContainerConfigError: the container wants every one of these keys",
		"write the missing keys"+owned(state.Owner), x.setup("install"))
	r.Cure = x.secretCure(missing[0])
	x.guide(&r, missing...)
	return r
}

// secretCure is where the value of a key of the Secret is answered.
func (x examiner) secretCure(name string) *check.Cure {
	for _, sk := range x.in.Profile.SecretKeys {
		if sk.Name != name {
			continue
		}
		for _, s := range Install().Steps {
			for _, q := range s.Questions {
				if string(q.Key) == sk.Key {
					return &check.Cure{Flow: "install", Step: s.ID, Key: sk.Key}
				}
			}
		}
	}
	return &check.Cure{Flow: "install", Step: "client"}
}

// secretValues looks at the form of the values: what cannot work whatever the
// servers say. No value is shown.
func (x examiner) secretValues() check.Result {
	s := x.in.Current.Cluster.Secret.Secret
	if s == nil {
		return hidden(x.in.Current.Cluster.Secret.Unknown)
	}
	var wrong, keys []string
	first, harmless := "", true
	for _, name := range s.Keys {
		value := s.Values[name].Reveal()
		problem := x.misshapen(name, value)
		if problem == "" || !slices.Contains(x.wanted(), name) {
			continue
		}
		wrong, keys = append(wrong, fmt.Sprintf("%s %s", name, problem)), append(keys, name)
		if used := x.acts(name) || value == ""; used && (first == "" || harmless) {
			first, harmless = name, false
		} else if first == "" {
			first = name
		}
	}
	if len(wrong) == 0 {
		return pass("none is empty, and none has blanks around it")
	}
	r := faulty(several(wrong), "a value is taken as it is: echo adds a line end, and a variable that is set to nothing ends the portal", "write the value again"+owned(x.in.Current.Cluster.Secret.Owner), x.setup("install"))
	if harmless {
		r.Status = check.Warn
	}
	r.Cure = x.secretCure(first)
	x.guide(&r, keys...)
	return r
}

// acts tells whether the portal acts on the value of a key.
func (x examiner) acts(name string) bool {
	i := slices.IndexFunc(x.in.Profile.SecretKeys, func(sk templates.SecretKey) bool { return sk.Name == name })
	if i < 0 {
		return true
	}
	sk := x.in.Profile.SecretKeys[i]
	return sk.Name != "backend-secret" && sk.Used.Holds(x.in.Text)
}

// misshapen says what is wrong with the form of a value; "" is nothing.
func (x examiner) misshapen(name, value string) string {
	switch {
	case value == "":
		return "is empty"
	case strings.HasPrefix(value, "-----BEGIN "):
		return "" // a certificate ends with a line end
	case strings.TrimRight(value, "\r\n") != value:
		return "ends with a line end"
	case strings.TrimSpace(value) != value:
		return "has blanks around it"
	case value == "<no value>":
		return "is the text <no value>, which a template made of nothing"
	}
	switch name {
	case "postgres-port":
		if n, err := strconv.Atoi(value); err != nil || n < 1 || n > 65535 {
			return "is no port number"
		}
	case "postgres-host":
		if strings.ContainsAny(value, "/@ ") || strings.Contains(value, "://") {
			return "is no host name: it has an address, a path or a user in it"
		}
	case "client-secret", "service-client-secret":
		if x.in.Draft.Identity.Provider == "entra" && guid.MatchString(value) {
			return "looks like the id of an Entra ID secret: the value is wanted, which is shown once"
		}
	}
	return ""
}

func (x examiner) placeholders() check.Result {
	state := x.in.Current.Cluster.Secret
	if state.Secret == nil {
		return hidden(state.Unknown)
	}
	var names []string
	for _, name := range state.Secret.Keys {
		if x.acts(name) || name == "backend-secret" {
			if secret.Placeholder(state.Secret.Values[name].Reveal()) {
				names = append(names, name)
			}
		}
	}
	if len(names) == 0 {
		return pass("none found")
	}
	r := doubtful("public default values under "+strings.Join(names, ", "), "they stand in documentation and charts: anybody can know them", "give new values"+owned(state.Owner), x.setup("install"))
	r.Cure = x.secretCure(names[0])
	x.guide(&r, names...)
	return r
}

// overdue is how many intervals may pass without a sync.
const overdue = 3

// sync is about the ExternalSecret that makes the Secret.
func (x examiner) sync() check.Result {
	es := x.in.Current.Cluster.External
	show := x.kubectl("describe externalsecret %s", es.Name)
	switch {
	case es.Unknown != "" && es.Name == "":
		return hidden(es.Unknown)
	case es.Name == "":
		return pass("no ExternalSecret makes it")
	case es.Store.NotReady != "":
		return faulty(fmt.Sprintf("%s %s is not ready: %s", es.Store.Kind, es.Store.Name, es.Store.NotReady), "External Secrets does not reach the store, or may not read it", "mend the store: address, token, network", show)
	case !es.Ready:
		text := fmt.Sprintf("ExternalSecret %s does not sync (%s): %s", es.Name, firstOf(es.Reason, "no reason"), es.Message)
		if es.Failure.Text != "" {
			text += "\n" + es.Failure.Text
		}
		return faulty(text, "one entry that is not in the store stops them all, or the store does not answer", "write the entry that is named to the store, or take it out of the ExternalSecret", show)
	}
	if es.RefreshInterval > 0 && !es.RefreshTime.IsZero() && (es.RefreshPolicy == "" || es.RefreshPolicy == "Periodic") {
		if age := x.now().Sub(es.RefreshTime); age > overdue*es.RefreshInterval+time.Minute {
			return doubtful(fmt.Sprintf("ExternalSecret %s was synced %s ago, and is to be every %s", es.Name, age.Round(time.Minute), es.RefreshInterval), "the controller of External Secrets does not run, or is not responsible for it",
				"look at the controller", "kubectl get pods -A -l app.kubernetes.io/name=external-secrets")
		}
	}
	return pass(fmt.Sprintf("ExternalSecret %s, every %s", es.Name, es.RefreshInterval))
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// now is the clock of the run's environment; zero without one.
func (x examiner) now() time.Time {
	if x.env == nil || x.env.Provider == nil || x.env.Provider.now == nil {
		return time.Time{}
	}
	return x.env.Provider.Now()
}

// setOn says when this program set which key, where the Secret tells.
func setOn(history map[string]time.Time) string {
	text := ""
	for _, key := range slices.Sorted(maps.Keys(history)) {
		text += fmt.Sprintf("; %s set on %s", key, history[key].UTC().Format(time.DateOnly))
	}
	return text
}
