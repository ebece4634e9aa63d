package steps

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
)

func features() Step {
	flag := func(key answers.Key, title, why string) Question {
		return Question{Key: key, Title: title, Why: why, Ask: More, When: portal, Value: boolValue}
	}
	forwarder := flag("features.eventForwarder", "Event forwarder", "Tells the portal of changes at once. Without it the catalog is read in intervals only.")
	forwarder.When = Condition{}
	return Step{
		ID: "features", Title: "Features",
		Intro: "What the portal shows. Workflows and observability need their planes.",
		Plan:  planFeatures,
		Notes: planeNotes,
		Questions: []Question{
			withPlane(flag("features.workflows", "Workflows", "Shows builds and workflows. Needs a workflow plane.")),
			withPlane(flag("features.observability", "Observability", "Shows logs, metrics and traces. Needs an observability plane.")),
			flag("features.redirectFlow", "Silent sign-in", "Signs in by redirect. Off, a pop-up opens, which also shows sign-in errors."),
			flag("features.assistant", "Assistant", "Shows the chat. It answers only when portalAssistant is set up as well."),
			flag("features.secretManagement", "Secret management", "Shows and edits secrets of projects."),
			{Key: "features.catalogSyncSeconds", Title: "Catalog sync", Example: "300", Ask: More, When: portal, Value: intValue(1, 86400),
				Why: "Seconds between two complete reads of the catalog."},
			forwarder,
		},
	}
}

// planes are the two kinds of plane that features of the portal need.
func planes(in plan.Input) []struct {
	feature answers.Key
	title   string
	k8s.Planes
} {
	type row = struct {
		feature answers.Key
		title   string
		k8s.Planes
	}
	return []row{
		{"features.workflows", "workflow plane", in.Current.Cluster.WorkflowPlanes},
		{"features.observability", "observability plane", in.Current.Cluster.ObservabilityPlanes},
	}
}

func planeNotes(in plan.Input) []string {
	if !in.Current.Known {
		return nil
	}
	var notes []string
	for _, p := range planes(in) {
		notes = append(notes, planeState(p.title, p.Planes))
	}
	return notes
}

// planeState says whether there is a plane of a kind, and whether it works.
func planeState(title string, p k8s.Planes) string {
	switch {
	case p.Unknown != "":
		return fmt.Sprintf("%s: not known (%s)", title, p.Unknown)
	case p.Registered() == 0:
		return title + ": none is registered"
	case !p.Connected():
		return fmt.Sprintf("%s: %d registered, none connected", title, p.Registered())
	}
	return title + ": registered and connected"
}

// withPlane shows beside a feature whether its plane is there.
func withPlane(q Question) Question {
	q.Seen = func(in plan.Input) string {
		for _, p := range planes(in) {
			if p.feature == q.Key && in.Current.Known {
				return planeState(p.title, p.Planes)
			}
		}
		return ""
	}
	return q
}

func planFeatures(in plan.Input, p *plan.Plan) {
	d := &in.Draft
	if d.Features.Assistant && d.Portal.Enabled && in.ChartHas("features.assistant") {
		p.Warn("features", "features.assistant needs portalAssistant.enabled, .llm.secretName and .llm.modelName too: without them every chat call is a 502")
	}
	if !in.Current.Known || !d.Portal.Enabled {
		return
	}
	for _, plane := range planes(in) {
		if on, _ := d.Get(plane.feature).(bool); on && plane.Unknown == "" && plane.Registered() == 0 {
			p.Warn("features", "%s is on, but no %s is registered: that part of the portal stays empty until there is one", plane.feature, plane.title)
		}
	}
}

func scaling() Step {
	size := func(key answers.Key, title, example, why string) Question {
		return Question{Key: key, Title: title, Example: example, Why: why, Ask: More, When: portal, Value: quantity}
	}
	return Step{
		ID: "scaling", Title: "Scaling",
		Intro: "Replicas and resources of the portal.",
		When:  portal,
		Questions: []Question{
			{Key: "scaling.replicas", Title: "Replicas", Example: "2", Ask: More, When: portal, Value: intValue(1, 100), Rule: replicasRule, Suggest: func(plan.Input) any { return 1 },
				Why: "More than one needs PostgreSQL: every replica would have a SQLite of its own."},
			{Key: "scaling.autoscaling.enabled", Title: "Autoscaling", Ask: More, When: portal, Value: boolValue, Rule: autoscalingRule, Suggest: func(plan.Input) any { return false },
				Why: "A HorizontalPodAutoscaler sets the number of replicas."},
			{Key: "scaling.autoscaling.min", Title: "Fewest replicas", Example: "2", Ask: More, When: autoscaled, Value: intValue(1, 100),
				Why: "The autoscaler never goes below it."},
			{Key: "scaling.autoscaling.max", Title: "Most replicas", Example: "5", Ask: More, When: autoscaled, Value: intValue(1, 100), Rule: minMaxRule,
				Why: "The autoscaler never goes above it. Each replica opens its own connections to PostgreSQL."},
			{Key: "scaling.autoscaling.cpu", Title: "CPU target", Example: "70", Ask: More, When: autoscaled, Value: percent, Why: "Percent of the CPU request."},
			{Key: "scaling.autoscaling.memory", Title: "Memory target", Example: "80", Ask: More, When: autoscaled, Value: percent,
				Why: "Percent of the memory request. Backstage idles near 300 MiB: with a small request this keeps the maximum running."},
			size("scaling.requests.cpu", "CPU request", "500m", "What the scheduler sets aside for each pod."),
			size("scaling.requests.memory", "Memory request", "512Mi", "What the scheduler sets aside for each pod."),
			withRule(size("scaling.limits.cpu", "CPU limit", "2000m", "What each pod may use at most."), "scaling.requests.cpu"),
			withRule(size("scaling.limits.memory", "Memory limit", "2Gi", "What each pod may use at most; above it the pod is killed."), "scaling.requests.memory"),
		},
	}
}

// withRule holds a limit and its request together, as the API server does.
func withRule(q Question, request answers.Key) Question {
	limit := q.Key
	q.Rule = func(in plan.Input) error {
		high, err1 := resource.ParseQuantity(fmt.Sprint(in.Draft.Get(limit)))
		low, err2 := resource.ParseQuantity(fmt.Sprint(in.Draft.Get(request)))
		if err1 == nil && err2 == nil && high.Cmp(low) < 0 {
			return errorf("must be at least %s, the request (%s)", low.String(), request)
		}
		return nil
	}
	return q
}

func replicasRule(in plan.Input) error {
	if in.Draft.Database.Type == "sqlite" && in.Draft.Scaling.Replicas > 1 {
		return errorf("must be 1 with SQLite: each replica would have data and signing keys of its own; answer scaling.replicas=1, or choose database.type postgresql")
	}
	return nil
}

func autoscalingRule(in plan.Input) error {
	if in.Draft.Database.Type == "sqlite" && in.Draft.Scaling.Autoscaling.Enabled {
		return errorf("must be no with SQLite, which serves one replica only; answer scaling.autoscaling.enabled=false, or choose database.type postgresql")
	}
	return nil
}

func minMaxRule(in plan.Input) error {
	a := in.Draft.Scaling.Autoscaling
	if in.Draft.Has("scaling.autoscaling.min") && in.Draft.Has("scaling.autoscaling.max") && a.Min > a.Max {
		return errorf("must be at least %d, which is scaling.autoscaling.min", a.Min)
	}
	return nil
}

func environment() Step {
	return Step{
		ID: "environment", Title: "Environment",
		Intro: "Environment variables of the portal's container.",
		When:  portal,
		Questions: []Question{
			{Key: "environment.logLevel", Title: "Log level", Ask: More, When: portal, Value: textValue,
				Options: []Option{{"debug", "debug", ""}, {"info", "info", ""}, {"warn", "warn", ""}, {"error", "error", ""}},
				Why:     "How much the portal logs."},
			{Key: "environment.extra", Title: "More variables", Example: "NODE_OPTIONS=--max-old-space-size=1536, GITLAB_TOKEN=secret:gitlab/token", Ask: More, When: portal,
				Value: Value{Kind: answers.Env, Rules: []Rule{envListRule}}, Rule: managedRule, Default: "none",
				Why: "Added to what the chart sets, which cannot be overridden here. Credentials are referred to, never written: NAME=secret:NAME/KEY."},
		},
	}
}

// managedRule: the chart's own variables come last, so a second one of the same
// name never wins, and server-side apply refuses it.
func managedRule(in plan.Input) error {
	var faults []string
	for _, v := range in.Draft.Environment.Extra {
		if v.Name == in.Profile.Items["environment.logLevel"].Name && in.Draft.Given("environment.logLevel") && v.Value != in.Draft.Environment.LogLevel {
			faults = append(faults, fmt.Sprintf("must not set %s beside environment.logLevel", v.Name))
		}
		if v.Name == "PGSSLMODE" && v.Value == "no-verify" && (in.Unverified() || !in.Draft.Given("environment.extra")) {
			continue // database.postgresql.verify's
		}
		managed, ok := in.Profile.EnvVar(v.Name)
		if !ok || managed.Base {
			continue
		}
		where := "the chart sets it"
		for key, path := range in.Profile.Paths {
			if path == managed.Path && path != "" {
				where = "answer " + key + " instead"
			}
		}
		faults = append(faults, fmt.Sprintf("must not set %s: %s", v.Name, where))
	}
	if len(faults) > 0 {
		return errorf("%s", strings.Join(faults, "; "))
	}
	return nil
}

func ci() Step {
	return Step{
		ID: "ci", Title: "CI integrations",
		Intro: "Builds that run in Jenkins or GitHub Actions, shown beside the components.",
		When:  portal,
		Questions: []Question{
			{Key: "jenkins.enabled", Title: "Jenkins", Ask: More, When: portal, Value: boolValue, Why: "Shows Jenkins builds."},
			{Key: "jenkins.baseUrl", Title: "Jenkins address", Example: "https://jenkins.example.com", When: withJenkins, Required: withJenkins, Value: urlValue.with(noQueryRule), Rule: jenkinsRule,
				Why: "As the portal's pods reach it."},
			{Key: "jenkins.username", Title: "Jenkins user", Example: "backstage", When: withJenkins, Required: withJenkins, Value: textValue.with(wordRule),
				Why: "The user that the API key belongs to."},
			{Key: "jenkins.apiKey", Title: "Jenkins API key", Example: "env:JENKINS_API_KEY", When: withJenkins, Required: withJenkins, Value: hiddenValue, Rule: secretAnswer("jenkins.apiKey", func(plan.Input, string) bool { return true }),
				Why: "Goes into the Secret under jenkins-api-key and nowhere else."},
			{Key: "githubActions.enabled", Title: "GitHub Actions", Ask: More, When: portal, Value: boolValue, Why: "Shows runs of GitHub Actions."},
			{Key: "githubActions.host", Title: "GitHub host", Example: "github.com", Ask: More, When: withGitHub, Value: textValue.with(hostnameRule), Why: "github.com, or the host of GitHub Enterprise."},
			{Key: "githubActions.apiBaseUrl", Title: "GitHub API address", Example: "https://ghe.example.com/api/v3", Ask: More, When: withGitHub, Value: urlValue.with(noQueryRule), Rule: githubAPIRule,
				Required: Condition{"with a githubActions.host other than github.com", func(in plan.Input) bool {
					return withGitHub.holds(in) && in.Draft.GitHubActions.Host != "github.com" && in.Draft.Has("githubActions.host")
				}}, Default: "https://api.github.com",
				Why: "The REST API of that host."},
			{Key: "githubActions.token", Title: "GitHub token", Example: "env:GITHUB_TOKEN", When: withGitHub, Required: withGitHub, Value: hiddenValue, Rule: secretAnswer("githubActions.token", nil),
				Why: "Reads workflow runs. Goes into the Secret under github-actions-token and nowhere else."},
			{Key: "githubActions.oauthClientId", Title: "GitHub OAuth app", Example: "Iv1.8a61f9b3a7aba766", Ask: More, When: portal, Value: textValue.with(wordRule), Default: "none",
				Why: "Lets people read runs as themselves. Its callback is <portal.baseUrl>/api/auth/github/handler/frame."},
			{Key: "githubActions.oauthClientSecret", Title: "GitHub OAuth app secret", Example: "env:GITHUB_OAUTH_SECRET", When: withGitHubApp, Required: withGitHubApp, Value: hiddenValue, Rule: secretAnswer("githubActions.oauthClientSecret", nil),
				Why: "Goes into the Secret under github-oauth-client-secret and nowhere else."},
		},
		Plan: func(in plan.Input, p *plan.Plan) {
			if withGitHub.holds(in) && in.ChartHas("githubActions.apiBaseUrl") && !in.Draft.Has("githubActions.apiBaseUrl") {
				p.SetTo("githubActions.apiBaseUrl", "https://api.github.com")
			}
		},
	}
}

var (
	withJenkins = Condition{"with jenkins.enabled", func(in plan.Input) bool { return in.Draft.Portal.Enabled && in.Draft.Jenkins.Enabled }}
	withGitHub  = Condition{"with githubActions.enabled", func(in plan.Input) bool {
		return in.Draft.Portal.Enabled && in.Draft.GitHubActions.Enabled
	}}
	withGitHubApp = Condition{"with githubActions.oauthClientId", func(in plan.Input) bool {
		return in.Draft.Portal.Enabled && in.Draft.Has("githubActions.oauthClientId") && in.Draft.GitHubActions.OAuthClientID != ""
	}}
)

func jenkinsRule(in plan.Input) error {
	if strings.Contains(in.Draft.Jenkins.BaseURL, "jenkins.example.com") {
		return errorf("must be your own Jenkins: jenkins.example.com is the chart's placeholder")
	}
	return nil
}

func githubAPIRule(in plan.Input) error {
	if in.Draft.GitHubActions.APIBaseURL == "" {
		return errorf("must not be empty: Backstage does not start with an empty setting")
	}
	return nil
}

func secrets() Step {
	return Step{
		ID: "secrets", Title: "Secret",
		Intro: "What else the Secret must hold. Without one of its keys the pods do not start.",
		When:  portal,
		Questions: []Question{
			{Key: "backendSecret", Title: "Backend secret", Example: "generate", Ask: More, When: portal, Value: hiddenValue, Rule: secretAnswer("backendSecret", nil),
				Default: "keep, else 32 random bytes",
				Why:     "The chart requires it under backend-secret. The portal's current images do not use it, so keep or generate it."},
		},
	}
}
