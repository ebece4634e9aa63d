package steps_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/idp"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/internal/values"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/steps"
	"github.com/openchoreo/backstage-setup/templates"
)

// on is a run on a chart of that version, without a cluster and a values file.
func on(t testing.TB, version string, g given) plan.Input {
	t.Helper()
	profile, _, err := templates.Lookup(version)
	if err != nil {
		t.Fatal(err)
	}
	return input(t, chart.FromProfile(profile, version), profile, nil, g)
}

func notes(t testing.TB, step string, in plan.Input) string {
	t.Helper()
	for _, s := range steps.Install().Steps {
		if s.ID == step && s.Notes != nil {
			return strings.Join(s.Notes(in), "\n\n")
		}
	}
	t.Fatalf("step %s has no notes", step)
	return ""
}

func question(t testing.TB, key answers.Key) steps.Question {
	t.Helper()
	_, q, ok := steps.Install().Find(key)
	if !ok {
		t.Fatal("no question", key)
	}
	return q
}

func warnings(p *plan.Plan) string {
	var b strings.Builder
	for _, w := range p.Warnings {
		b.WriteString(w.Step + ": " + w.Text + "\n")
	}
	return b.String()
}

// service is what a provider's service client is answered with, where the row
// leaves it to the operator.
var service = map[string]given{
	"entra":   {"client.serviceScope": "api://2f1c0a9e/.default", "client.oidcScope": "openid profile email api://2f1c0a9e/portal", "authorization.groups.admins": []string{"0d1c9a52-1f7e-4c35-9a53-0f8f2f9a1d11"}},
	"okta":    {"client.serviceScope": "catalog"},
	"cognito": {"client.serviceScope": "openchoreo/catalog"},
	"pingone": {"client.serviceScope": "catalog", "client.oidcScope": "openid profile email catalog"},
}

// TestEveryProvider: each row is an option, is told beside the questions and by
// explain, and leads to the scopes and the claim that it needs.
func TestEveryProvider(t *testing.T) {
	options := question(t, "identity.provider").Options
	for _, row := range idp.Providers() {
		t.Run(row.ID, func(t *testing.T) {
			if !slices.ContainsFunc(options, func(o steps.Option) bool { return o.Value == row.ID && o.Title == row.Name && o.Note != "" }) {
				t.Error("is no option")
			}
			entries := steps.Explain(row.ID)
			if len(entries) != 1 || entries[0].Kind != steps.ProviderEntry || entries[0].Title != row.Name {
				t.Fatalf("explain: %+v", entries)
			}
			told := fmt.Sprint(entries[0])
			for _, text := range append(slices.Clone(row.Create), row.Warnings...) {
				if !strings.Contains(told, text) {
					t.Errorf("explain does not say %q", text)
				}
			}
			said := production.with(endpoints).with(given{"identity.provider": row.ID}).with(service[row.ID])
			in := on(t, "1.2.3", said)
			if row.Refused != "" {
				wrong, _ := steps.Install().Problems(in)
				if text := fmt.Sprint(wrong); !strings.Contains(text, row.Refused) || !strings.Contains(text, row.Create[0]) {
					t.Errorf("problems: %v", wrong)
				}
				if text := notes(t, "identity", in); !strings.Contains(text, "cannot be used directly") || !strings.Contains(text, row.Create[0]) {
					t.Errorf("notes: %s", text)
				}
				return
			}
			p := planned(t, in)
			tree, err := values.Parse(p.Files[0].After)
			if err != nil {
				t.Fatal(err)
			}
			effective, err := in.Chart.Effective(tree)
			if err != nil {
				t.Fatal(err)
			}
			at := func(path string) string {
				value, _ := values.Lookup(effective, values.MustPath(path))
				return fmt.Sprint(value)
			}
			want := func(key answers.Key, scopes []string) string {
				if text, ok := said[key].(string); ok {
					return text
				}
				return strings.Join(scopes, " ")
			}
			if got, want := at("backstage.auth.oidcScope"), want("client.oidcScope", row.SignIn); got != want {
				t.Errorf("sign-in scopes %q, want %q", got, want)
			}
			if got, want := at("backstage.auth.scope"), want("client.serviceScope", row.Service); got != want {
				t.Errorf("service scope %q, want %q", got, want)
			}
			if got := at("openchoreoApi.config.security.subjects.user.mechanisms.jwt.entitlement.claim"); got != row.Groups {
				t.Errorf("groups claim %q, want %q", got, row.Groups)
			}
			if text := warnings(p); strings.Contains(text, "needs two clients") != (row.TwoClients != "") {
				t.Errorf("warnings: %s", text)
			}
			if seen := question(t, "authorization.subject").Seen(in); !strings.Contains(seen, row.Subject) {
				t.Errorf("beside the subject: %q", seen)
			}
		})
	}
}

// TestNotesOfEveryClient: what to create, the callback and the grants are beside
// the questions, and all of it is on a screen of 80 by 24.
func TestNotesOfEveryClient(t *testing.T) {
	const width, rows = 50, 18 // of the pane beside the list of steps
	for _, row := range idp.Providers() {
		for name, more := range map[string]given{"one": nil, "two": {"serviceClient.id": "portal-service", "serviceClient.secret": typed}} {
			t.Run(row.ID+"/"+name, func(t *testing.T) {
				in := on(t, "1.2.3", production.with(given{"identity.provider": row.ID, "portal.baseUrl": "https://c.example.com/"}).with(more))
				text := notes(t, "client", in)
				for _, step := range row.Create {
					if !strings.Contains(text, strings.ReplaceAll(step, "<address>", in.Draft.Identity.Issuer)) {
						t.Errorf("does not say %q", step)
					}
				}
				callback := "https://c.example.com/api/auth/openchoreo-auth/handler/frame"
				if got := strings.Contains(text, callback); got == (row.Refused != "") {
					t.Errorf("the callback is told: %t", got)
				}
				if !strings.Contains(text, "explain "+row.ID) {
					t.Error("does not say where there is more")
				}
				if got := strings.Contains(text, "Service client: "); got != (more != nil) {
					t.Errorf("tells of a service client: %t", got)
				}
				lines := steps.Wrap(strings.ReplaceAll(text, callback, "(in the row at the bottom)"), width)
				if len(lines) > rows && more == nil {
					t.Errorf("%d rows, more than %d:\n%s", len(lines), rows, strings.Join(lines, "\n"))
				}
			})
		}
	}
}

// TestSplitIsOffered: a person meets the question at a first installation; a
// trial with ThunderID's own client is spared it, and charts of 1.0 have none.
func TestSplitIsOffered(t *testing.T) {
	q := question(t, "serviceClient.id")
	for name, tt := range map[string]struct {
		version string
		said    given
		want    bool
	}{
		"production":                {"1.2.3", production, true},
		"production with ThunderID": {"1.1.6", production.with(given{"identity.provider": "thunder"}), true},
		"development":               {"1.2.3", development, false},
		"development with Keycloak": {"1.2.3", development.with(given{"identity.provider": "keycloak"}), true},
		"said already":              {"1.2.3", production.with(given{"serviceClient.id": ""}), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := q.ToConfirm(on(t, tt.version, tt.said)); got != tt.want {
				t.Errorf("asked: %t", got)
			}
		})
	}
	step, _, _ := steps.Install().Find("serviceClient.id")
	if step.Applies(on(t, "1.0.5", production), q) {
		t.Error("applies to chart 1.0.5")
	}
	p := planned(t, on(t, "1.0.5", production.with(endpoints).with(given{"identity.provider": "cognito", "client.serviceScope": "a/b"})))
	if text := warnings(p); !strings.Contains(text, "knows one only: use chart 1.1") {
		t.Errorf("warnings: %s", text)
	}
}

// TestBackToOneClient: values that named a second client's secret name it no more.
func TestBackToOneClient(t *testing.T) {
	profile, version := templates.Newest()
	c := chart.FromProfile(profile, version)
	first := planned(t, input(t, c, profile, nil, production.with(given{"serviceClient.id": "portal-service", "serviceClient.secret": typed})))
	if !strings.Contains(string(first.Files[0].After), "service-client-secret") {
		t.Fatalf("%s", first.Files[0].After)
	}
	p := planned(t, input(t, c, profile, first.Files[0].After, production.with(given{"serviceClient.id": ""})))
	tree, err := values.Parse(p.Files[0].After)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := values.Lookup(tree, values.MustPath("backstage.auth"))
	want := map[string]any{"clientId": "portal", "serviceClientId": "", "serviceClientSecretKey": "client-secret"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestGroupsAreAsked where the provider's are called otherwise.
func TestGroupsAreAsked(t *testing.T) {
	for provider, want := range map[string]string{
		"thunder": "", "okta": "", "other": "", "keycloak": "names", "entra": "names", "auth0": "names and claim", "cognito": "names and claim",
	} {
		in := on(t, "1.2.3", production.with(endpoints).with(given{"identity.provider": provider}))
		var got []string
		if question(t, "authorization.groups.sres").ToConfirm(in) {
			got = append(got, "names")
		}
		if question(t, "authorization.groups.claim").ToConfirm(in) {
			got = append(got, "claim")
		}
		if text := strings.Join(got, " and "); text != want {
			t.Errorf("%s: asks for %q, want %q", provider, text, want)
		}
	}
	said := production.with(endpoints).with(given{"identity.provider": "entra", "client.serviceScope": "api://2f1c0a9e/.default"})
	text := warnings(planned(t, on(t, "1.2.3", said)))
	if !strings.Contains(text, "set authorization.groups.admins, authorization.groups.developers, authorization.groups.platformEngineers, authorization.groups.sres") {
		t.Errorf("nothing says that nobody gets a role: %s", text)
	}
	if !strings.Contains(text, "client.oidcScope has no scope of your own API") {
		t.Errorf("nothing says that tokens are for another: %s", text)
	}
}

func TestClaimsThatCannotWork(t *testing.T) {
	for name, said := range map[string]given{
		"the same for both":     {"authorization.groups.claim": "sub"},
		"the same, other way":   {"authorization.subjectClaim": "groups"},
		"within another claim":  {"authorization.groups.claim": "realm_access.roles"},
		"as it is to be filled": {"client.oidcScope": "openid profile email api://<application>/<scope>"},
	} {
		t.Run(name, func(t *testing.T) {
			if wrong, _ := steps.Install().Problems(on(t, "1.2.3", production.with(said))); len(wrong) == 0 {
				t.Error("is taken")
			}
		})
	}
}

// TestGroupsWithoutQuotes: charts before 1.1.3 write them as they are.
func TestGroupsWithoutQuotes(t *testing.T) {
	for text, plain := range map[string]bool{
		"admins": true, "/admins": true, "team ops": true, "8f0b6a52-1f7e-4c35-9a53-0f8f2f9a1d11": true, "CN=ops,DC=acme": true,
		"4711": false, "true": false, "team: ops": false, "ops #1": false, "@ops": false, "*": false, "[ops]": false, "'ops'": false, "&ops": false, "ops:": false,
	} {
		for version, quotes := range map[string]bool{"1.0.5": false, "1.1.2": false, "1.1.3": true, "1.2.3": true} {
			wrong, _ := steps.Install().Problems(on(t, version, production.with(given{"authorization.groups.admins": []string{text}})))
			if taken := len(wrong) == 0; taken != (plain || quotes) {
				t.Errorf("%q on chart %s: %v", text, version, wrong)
			}
		}
	}
}

// TestSubjectsAreComplete: a file with another claim has all of both kinds, and
// what it had of them stays.
func TestSubjectsAreComplete(t *testing.T) {
	profile, version := templates.Newest()
	own := []byte("openchoreoApi:\n  config:\n    security:\n      subjects:\n        user:\n          display_name: Person # ours\n")
	p := planned(t, input(t, chart.FromProfile(profile, version), profile, own, production.with(given{"authorization.groups.claim": "roles"})))
	tree, err := values.Parse(p.Files[0].After)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := values.Lookup(tree, values.MustPath("openchoreoApi.config.security.subjects"))
	kind := func(name string, priority int, claim, display string) map[string]any {
		return map[string]any{"display_name": name, "priority": float64(priority), "mechanisms": map[string]any{"jwt": map[string]any{"entitlement": map[string]any{"claim": claim, "display_name": display}}}}
	}
	want := map[string]any{"user": kind("Person", 1, "roles", "User Group"), "service_account": kind("Service Account", 2, "sub", "Client ID")}
	if diff := cmp.Diff(want, got, cmp.Transformer("number", func(n int) float64 { return float64(n) })); diff != "" {
		t.Errorf("%s\n%s", diff, p.Files[0].After)
	}
	if !strings.Contains(string(p.Files[0].After), "# ours") {
		t.Error("the comment is gone")
	}
}

// TestBindingOfAnotherClaim: a binding of the operator's for a claim that counts
// no more is told.
func TestBindingOfAnotherClaim(t *testing.T) {
	profile, version := templates.Newest()
	own := []byte(`openchoreoApi:
  config:
    security:
      authorization:
        bootstrap:
          mappings:
            - {name: auditors, kind: ClusterAuthzRoleBinding, roleMappings: [{roleRef: {name: auditor, kind: ClusterAuthzRole}}], entitlement: {claim: groups, value: audit}, effect: allow}
`)
	p := planned(t, input(t, chart.FromProfile(profile, version), profile, own, production.with(given{"authorization.groups.claim": "roles"})))
	if text := warnings(p); !strings.Contains(text, "auditors is for the claim groups") || strings.Contains(text, "admin-binding is for the claim") {
		t.Errorf("warnings: %s", text)
	}
}

// TestSecurityChecks: what production refuses is a warning elsewhere, and nothing
// while all is on.
func TestSecurityChecks(t *testing.T) {
	off := given{"security.authentication": false, "security.authorization": false}
	for name, tt := range map[string]struct {
		said given
		want map[string]check.Status
	}{
		"on":                  {production, map[string]check.Status{}},
		"production":          {production.with(off), map[string]check.Status{"security.authentication": check.Fail, "security.authorization": check.Fail}},
		"development":         {development.with(off), map[string]check.Status{"security.authentication": check.Warn, "security.authorization": check.Warn}},
		"authorization alone": {production.with(given{"security.authorization": false}), map[string]check.Status{"security.authorization": check.Fail}},
	} {
		t.Run(name, func(t *testing.T) {
			in := on(t, "1.2.3", tt.said)
			got := map[string]check.Status{}
			for _, c := range steps.Install().Checks(&steps.Env{}, in) {
				if !strings.HasPrefix(c.ID, "security.") {
					continue
				}
				r := c.Run(t.Context())
				got[c.ID] = r.Status
				if r.Status == check.Fail && !strings.Contains(r.Hint, "--accept "+c.ID) {
					t.Errorf("%s: %s", c.ID, r.Hint)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			text := warnings(planned(t, in))
			for id, word := range map[string]string{"security.authentication": "guest", "security.authorization": "do everything in every project"} {
				if _, want := tt.want[id]; strings.Contains(text, id+" is off: ") != want || strings.Contains(text, word) != want {
					t.Errorf("%s: warnings: %s", id, text)
				}
			}
		})
	}
}

// TestPublicSecretOfThunder: taken for a trial, with a warning; refused otherwise.
func TestPublicSecretOfThunder(t *testing.T) {
	public := given{"client.secret": secret.Value{Text: secret.New("backstage-portal-secret")}}
	if text := warnings(planned(t, on(t, "1.2.3", development.with(public)))); !strings.Contains(text, "public secret that ThunderID comes with") {
		t.Errorf("warnings: %s", text)
	}
	for name, said := range map[string]given{
		"production":                production.with(given{"identity.provider": "thunder"}),
		"development with Keycloak": development.with(endpoints).with(given{"identity.provider": "keycloak"}),
	} {
		wrong, _ := steps.Install().Problems(on(t, "1.2.3", said.with(public)))
		if !slices.ContainsFunc(wrong, func(p answers.Problem) bool {
			return p.Key == "client.secret" && strings.Contains(p.Message, "public placeholder")
		}) {
			t.Errorf("%s: %v", name, wrong)
		}
	}
	if text := warnings(planned(t, on(t, "1.2.3", production.with(given{"identity.provider": "thunder"})))); !strings.Contains(text, "admin with the password admin at the console") {
		t.Errorf("warnings: %s", text)
	}
}

// TestThunderIsFound: it is the default, and where it runs that is said.
func TestThunderIsFound(t *testing.T) {
	profile, version := templates.Newest()
	in := input(t, chart.FromProfile(profile, version), profile, nil, given{"portal.baseUrl": "http://openchoreo.localhost:8080"})
	if in.Draft.Identity.Provider != "thunder" || question(t, "identity.provider").Seen(in) != "" {
		t.Errorf("%s, %q", in.Draft.Identity.Provider, question(t, "identity.provider").Seen(in))
	}
	in.Current.Known = true
	in.Current.Cluster.Thunder = k8s.Thunder{Installed: true, Ready: true}
	in = steps.Install().Complete(in)
	if seen := question(t, "identity.provider").Seen(in); !strings.Contains(seen, "runs in the namespace thunder") {
		t.Errorf("%q", seen)
	}
}

// TestProviderIsRecognised in what somebody else set up.
func TestProviderIsRecognised(t *testing.T) {
	profile, version := templates.Newest()
	for want, oidc := range map[string]string{
		"keycloak": "issuer: https://id.example.com/realms/main",
		"entra":    "issuer: https://login.microsoftonline.com/8f0b6a52/v2.0",
		"thunder":  "issuer: https://login.example.com, tokenUrl: 'http://thunder-service.thunder.svc:8090/oauth2/token'",
		"other":    "issuer: https://login.example.com, tokenUrl: 'https://login.example.com/oauth2/token'",
	} {
		file := []byte("backstage:\n  baseUrl: https://console.example.com\nsecurity:\n  oidc: {" + oidc + "}\n")
		in := input(t, chart.FromProfile(profile, version), profile, file, given{"database.type": "sqlite"})
		if got := in.Draft.Identity.Provider; got != want {
			t.Errorf("%s is taken for %s", oidc, got)
		}
	}
}

// TestTrust names each component's own way, by chart.
func TestTrust(t *testing.T) {
	for version, why := range map[string]string{"1.0.5": "has no values for volumes", "1.1.6": "extraVolumes of chart 1.1.6 does not render", "1.2.3": "extraVolumes of chart 1.2.3 does not render"} {
		text := strings.Join(steps.Trust(on(t, version, production)), "\n")
		for _, word := range []string{why, "NODE_EXTRA_CA_CERTS", "jwt.jwks.skip_tls_verify: true", "NODE_TLS_REJECT_UNAUTHORIZED=0", "for development", "--ca-file", "openchoreoApi.image"} {
			if !strings.Contains(text, word) {
				t.Errorf("%s: does not say %q:\n%s", version, word, text)
			}
		}
	}
	if text := strings.Join(steps.Trust(on(t, "1.2.3", apiOnly)), "\n"); strings.Contains(text, "NODE_EXTRA_CA_CERTS") {
		t.Errorf("tells of a portal that is not there:\n%s", text)
	}
	assistant := on(t, "1.2.3", production.with(given{"features.assistant": true}))
	if text := strings.Join(steps.Trust(assistant), "\n"); !strings.Contains(text, "uidResolverTlsInsecureSkipVerify") {
		t.Errorf("%s", text)
	}
	if e := steps.Explain("private-ca"); len(e) != 1 || len(e[0].Sections) != 2 {
		t.Errorf("explain: %+v", e)
	}
}
