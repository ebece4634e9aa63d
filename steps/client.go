package steps

import (
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

func client() Step {
	return Step{
		ID: "client", Title: "OAuth client",
		Intro:  "The client that the portal signs people in with and calls the API with.",
		When:   signIn,
		Notes:  clientNotes,
		Checks: clientChecks,
		Plan:   planClient,
		Questions: []Question{
			{Key: "client.id", Title: "Client id", Example: "openchoreo-backstage-client", When: signIn, Required: signIn,
				Value: textValue.with(wordRule), Rule: digitsRule("client.id"),
				Suggest: func(in plan.Input) any {
					if isThunder(in) {
						return "openchoreo-backstage-client"
					}
					return nil
				},
				Why: "As the identity provider shows it."},
			{Key: "client.secret", Title: "Client secret", Example: "env:CLIENT_SECRET", When: signIn, Required: signIn,
				Value: hiddenValue, Rule: secretAnswer("client.secret", thunderInDevelopment), Seen: publicSecretSeen,
				Why: "Goes into the Secret under client-secret and nowhere else. What you type is not shown."},
			{Key: "serviceClient.id", Title: "Service client id", Example: "openchoreo-backstage-service", Ask: Confirm, AskWhen: splitOffered, When: signIn,
				Value: textValue.with(wordRule).orEmpty(), Rule: digitsRule("serviceClient.id"), Default: "none: client.id serves both",
				Seen: func(in plan.Input) string {
					if row := providerRow(in); row.TwoClients != "" {
						return row.Name + " needs it: " + row.TwoClients + "."
					}
					return ""
				},
				Why: "Recommended: a second client, with client_credentials alone, for the portal's own calls. The first then needs only authorization_code and refresh_token. Leave it empty and one client serves both."},
			{Key: "serviceClient.secret", Title: "Service client secret", Example: "env:SERVICE_CLIENT_SECRET", When: serviceClient, Required: serviceClient,
				Value: hiddenValue, Rule: secretAnswer("serviceClient.secret", nil),
				Why: "Goes into the Secret under service-client-secret and nowhere else."},
		},
	}
}

// planClient tells about client secrets that the provider does not know yet, or
// that are not where the pods look for them.
func planClient(in plan.Input, p *plan.Plan) {
	if in.Draft.Given("serviceClient.id") && in.Draft.ServiceClient.ID == "" {
		p.ShareClient()
	}
	for _, key := range []answers.Key{"client.secret", "serviceClient.secret"} {
		v, _ := in.Draft.Get(key).(secret.Value)
		sk, ok := in.Profile.SecretKey(string(key))
		if !ok || !in.Draft.Has(key) {
			continue
		}
		if isThunder(in) && secret.ThunderDefault(v.Text.Reveal()) {
			p.Warn("client", "%s is the public secret that ThunderID comes with: whoever can reach it may call itself the portal", key)
		}
		if v.Ref.Generate {
			p.Warn("client", "%s is generated: nobody can sign in until the identity provider knows it; read it with kubectl get secret %s -n %s -o jsonpath='{.data.%s}' | base64 -d", key, in.Draft.Secret.Name, in.Draft.Target.Namespace, sk.Name)
		}
		if _, _, kept := in.KeptFrom(key); v.Ref.Keep && !kept {
			p.Warn("client", "%s is kept without having been seen: the Secret must have the key %s already, or the pods do not start", key, sk.Name)
		}
	}
}

var serviceClient = signIn.and(Condition{"serviceClient.id", func(in plan.Input) bool {
	return in.Draft.Has("serviceClient.id") && in.Draft.ServiceClient.ID != ""
}})

// digitsRule: charts before 1.1.3 render bindings without quotes, and the API
// server then refuses a number where it wants text.
func digitsRule(key answers.Key) func(plan.Input) error {
	return func(in plan.Input) error {
		text, _ := in.Draft.Get(key).(string)
		if in.Profile.UnquotedBindings && text != "" && !plainText(text) {
			return errorf("must not be %q on chart %s, which writes it without quotes, so that it is not text: use chart 1.1.3 or newer, or another id", text, in.Chart.Version)
		}
		return nil
	}
}

// plainText tells whether YAML without quotes reads text as that very text.
func plainText(text string) bool {
	if unquotable.MatchString(text) {
		return false
	}
	var read map[string]any
	err := yaml.Unmarshal([]byte("value: "+text+"\n"), &read)
	return err == nil && read["value"] == text
}

// unquotable matches what YAML reads as a number, truth value or nothing.
var unquotable = regexp.MustCompile(`^([-+]?[0-9][0-9_]*(\.[0-9]*)?([eE][-+]?[0-9]+)?|0x[0-9a-fA-F]+|0o?[0-7]+|y|Y|n|N|yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF|null|Null|NULL|~|\.inf|\.nan)$`)

// secretAnswer refuses public placeholders as new values. allowed may let one pass.
func secretAnswer(key answers.Key, allowed func(plan.Input, string) bool) func(plan.Input) error {
	return func(in plan.Input) error {
		v, _ := in.Draft.Get(key).(secret.Value)
		if v.Ref.Keep {
			return keepRule(in, key)
		}
		if v.Text.IsZero() {
			return nil
		}
		text := v.Text.Reveal()
		if secret.Placeholder(text) && (allowed == nil || !allowed(in, text)) {
			return errorf("must be a secret of your own: this one is a public placeholder")
		}
		return nil
	}
}

// keepRule: keep means the key is there. Where the Secret cannot be seen it is
// taken on trust.
func keepRule(in plan.Input, key answers.Key) error {
	if _, _, ok := in.KeptFrom(key); ok || in.Current.Local() || !in.Current.Known || in.Current.Cluster.Secret.Unknown != "" {
		return nil
	}
	sk, _ := in.Profile.SecretKey(string(key))
	return errorf("must be a new value: Secret %s has no key %s to keep", in.Draft.Secret.Name, sk.Name)
}

// publicSecretSeen tells that the secret which comes with ThunderID is no secret.
func publicSecretSeen(in plan.Input) string {
	if !isThunder(in) {
		return ""
	}
	return "ThunderID's own client has a public secret, which only the preset development takes."
}

func thunderInDevelopment(in plan.Input, text string) bool {
	return in.Draft.Preset == "development" && isThunder(in) && secret.ThunderDefault(text)
}

func scopes() Step {
	return Step{
		ID: "scopes", Title: "Scopes",
		Intro:   "What the portal asks the provider for.",
		When:    signIn,
		Suggest: suggestScopes,
		Plan:    planScopes,
		Questions: []Question{
			{Key: "client.oidcScope", Title: "Sign-in scopes", Example: "openid profile email groups", Ask: Confirm, AskWhen: scopeAsked(signInScopes), When: signIn,
				Value: textValue.with(notEmptyRule, scopeRule, scopeFilledRule), Rule: openidRule, Seen: scopeSeen(signInScopes),
				Why: "Asked for when people sign in. Some providers send groups or refresh tokens only for a scope (groups, offline_access)."},
			{Key: "client.serviceScope", Title: "Service scope", Example: "api://2f1c0a9e/.default", When: signIn,
				Ask: Confirm, AskWhen: scopeAsked(serviceScopes), Seen: scopeSeen(serviceScopes),
				Required: Condition{"with identity.provider entra", func(in plan.Input) bool { return in.Draft.Identity.Provider == "entra" }},
				Value:    textValue.with(scopeRule, scopeFilledRule).orEmpty(), Rule: serviceScopeRule, Default: "none: the provider's default",
				Why: "Asked for when the portal calls the API for itself. Entra ID needs exactly api://<application id>/.default, Okta a scope of its own."},
		},
	}
}

func openidRule(in plan.Input) error {
	fields := strings.Fields(in.Draft.Client.OIDCScope)
	for _, need := range people {
		found := false
		for _, f := range fields {
			found = found || f == need
		}
		if !found {
			return errorf("must include %s: sign-in asks for openid profile email in any case", need)
		}
	}
	return nil
}

func serviceScopeRule(in plan.Input) error {
	scope := in.Draft.Client.ServiceScope
	if in.Draft.Identity.Provider != "entra" {
		return nil
	}
	if len(strings.Fields(scope)) != 1 || !strings.HasSuffix(scope, "/.default") {
		return errorf("must be exactly one scope that ends with /.default, such as api://2f1c0a9e/.default")
	}
	return nil
}
