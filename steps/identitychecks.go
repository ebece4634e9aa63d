package steps

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/idp"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

// identityTimeout is more than a Provider takes for a question.
const identityTimeout = questionTimeout + time.Second

// identityChecks ask the provider for its description and its keys.
func identityChecks(env *Env, in plan.Input) []check.Check {
	j, ok := newJudge(env, in)
	if !ok || in.Current.Offline {
		return nil
	}
	return []check.Check{
		j.check("identity.discovery", "the provider describes itself", nil, j.discovery),
		j.check("identity.keys", "the API can read the provider's keys", j.after("identity.jwksUrl"), j.keys),
		j.check("identity.scopes", "the provider knows the scopes", []string{"identity.discovery"}, j.scopes),
	}
}

// clientChecks ask the provider as the portal's clients do, and judge tokens as
// the API does.
func clientChecks(env *Env, in plan.Input) []check.Check {
	j, ok := newJudge(env, in)
	if !ok {
		return nil
	}
	if in.Current.Offline {
		return j.pastedChecks()
	}
	token := []string{"identity.service-token", "identity.keys"}
	if !in.Current.Pasted.Service.IsZero() {
		token = nil
	}
	signIn := j.after("identity.tokenUrl")
	if id, _ := serviceOf(in); id == in.Draft.Client.ID && !skips(in, "identity.service-token") {
		signIn = append(signIn, "identity.service-token") // the same secret
	}
	return []check.Check{
		j.check("identity.service-token", "the provider gives the portal a token", j.after("identity.tokenUrl"), j.serviceToken),
		j.check("identity.token", "the API accepts that token", token, j.token),
		j.check("identity.sign-in-secret", "the sign-in client's secret is right", signIn, j.signInSecret),
		j.check("identity.redirect", "the portal's address is registered", j.after("identity.authorizationUrl"), j.redirect),
		j.check("identity.claims", "people's tokens say who they are", nil, j.claims),
	}
}

// judge makes checks of what the provider answers.
type judge struct {
	env *Env
	in  plan.Input
	row idp.Provider // what is known of the kind of provider
}

func newJudge(env *Env, in plan.Input) (judge, bool) {
	if env == nil || env.Provider == nil || !in.Draft.Security.Authentication {
		return judge{}, false
	}
	row, _ := idp.ProviderByID(in.Draft.Identity.Provider)
	return judge{env, in, row}, true
}

// pastedChecks are what can be judged without the network.
func (j judge) pastedChecks() []check.Check {
	var list []check.Check
	if !j.in.Current.Pasted.Service.IsZero() {
		list = append(list, j.check("identity.token", "the API accepts that token", nil, j.token))
	}
	if !j.in.Current.Pasted.User.IsZero() {
		list = append(list, j.check("identity.claims", "people's tokens say who they are", nil, j.claims))
	}
	return list
}

func (j judge) check(id, title string, after []string, run func(context.Context) check.Result) check.Check {
	return check.Check{ID: id, Title: title, After: after, Timeout: identityTimeout, Run: run}
}

// after are the checks without which an endpoint is not looked at: where it is on
// the host of the description, a provider that is dead is told once.
func (j judge) after(key answers.Key) []string {
	if skips(j.in, "identity.discovery") && j.in.Draft.Given(key) {
		return nil // it was given, so that nobody has to tell it
	}
	text, _ := j.in.Draft.Get(key).(string)
	if u, ok := parseURL(text); ok && elsewhere(j.in, u) && j.in.Draft.From[key].Rank != answers.FromProvider && j.in.Draft.From[key].Rank != answers.FromNewProvider {
		return nil
	}
	return []string{"identity.discovery"}
}

// result makes one of verdicts: the worst decides, the others that are no pass
// follow, a line each.
func (j judge) result(step string, key answers.Key, verdicts []idp.Verdict) check.Result {
	main := j.row.Worded(decisive(verdicts))
	lines := []string{sentence(main)}
	told := []string{main.ID}
	for _, v := range verdicts {
		line := sentence(v)
		if v.Class == idp.Pass || slices.Contains(lines, line) {
			continue
		}
		if slices.Contains(told, v.ID) {
			line = v.Found // what it means has been said
		}
		lines, told = append(lines, line), append(told, v.ID)
	}
	status := map[idp.Class]check.Status{idp.Pass: check.Pass, idp.Warn: check.Warn, idp.Inconclusive: check.Inconclusive, idp.Fail: check.Fail}[main.Class]
	r := check.Result{Status: status, Code: main.ID, Found: strings.Join(lines, "\n"), Hint: main.Fix}
	if slices.Contains(told, "tls.private") {
		r.Hint = strings.TrimPrefix(r.Hint+"; `backstage-setup explain private-ca` says what the portal and the API each need to trust it", "; ")
	}
	if main.Class == idp.Fail || main.Class == idp.Inconclusive {
		r.Cure = &check.Cure{Flow: "install", Step: step, Key: string(key)}
	}
	return r
}

// sentence is a verdict as a line: what is so, and what that means.
func sentence(v idp.Verdict) string {
	if v.Class == idp.Pass || v.Cause == "" {
		return v.Found
	}
	return v.Found + ": " + v.Cause
}

func skipped(why string) check.Result { return check.Result{Status: check.Skip, Found: why} }

func (j judge) discovery(ctx context.Context) check.Result {
	address := j.in.Current.Provider.Ask
	if address == "" {
		return skipped("there is no address to ask: the issuer is filled in later")
	}
	d, verdicts := j.env.Provider.Discover(ctx, address)
	issuer := j.in.Draft.Identity.Issuer
	usable := idp.Worst(verdicts) != idp.Fail && idp.Worst(verdicts) != idp.Inconclusive
	if usable && d.Issuer != issuer {
		id := "discovery.issuer"
		if strings.TrimSuffix(d.Issuer, "/") == strings.TrimSuffix(issuer, "/") {
			id = "discovery.slash"
		}
		v := verdictOf(id, fmt.Sprintf("the issuer of the document is %q, the settings say %q", d.Issuer, issuer))
		v.Class = idp.Fail
		verdicts = append(verdicts, v)
	}
	r := j.result("identity", "identity.issuer", verdicts)
	if r.Cure != nil && d.Issuer != issuer && isIssuer(d.Issuer) {
		r.Cure.Propose = []check.Proposal{{Key: "identity.issuer", Value: d.Issuer}}
	}
	if examining(j.in) {
		r = chosen(r, j.in.Draft.Portal.BaseURL)
	}
	if r.Status == check.Inconclusive {
		return j.unreached(r)
	}
	return r
}

// isIssuer tells whether text can be the answer to identity.issuer.
func isIssuer(text string) bool {
	_, ok := parseURL(text)
	return ok && visible(text) && !strings.ContainsAny(text, "{}[]") && noQueryRule(text) == nil
}

// unreached is about a provider that cannot be asked: nothing that is to be
// written was proven, so it is not written, unless the portal is there already
// and nothing of this changes.
func (j judge) unreached(r check.Result) check.Result {
	r.Hint += "; to go on without asking: --skip identity.discovery=REASON"
	if examining(j.in) {
		r.Status = check.Fail
		return r
	}
	if !changesIdentity(j.in) {
		r.Status = check.Warn
		r.Found += "\nnothing about signing in changes, so the run goes on; the other checks of the provider have nothing to ask"
		return r
	}
	r.Status = check.Fail
	return r
}

// dead tells what kept the description from being had, for checks of what it says.
func (j judge) dead(ctx context.Context, key answers.Key) (why string) {
	if len(j.after(key)) == 0 {
		return ""
	}
	if j.in.Current.Provider.Ask == "" {
		return "there is no address to ask"
	}
	_, verdicts := j.env.Provider.Discover(ctx, j.in.Current.Provider.Ask)
	if idp.Worst(verdicts) == idp.Inconclusive {
		return "because identity.discovery had no answer"
	}
	return ""
}

func (j judge) keySet(ctx context.Context) (idp.KeySet, []idp.Verdict) {
	if data := j.in.Current.Pasted.Keys; len(data) > 0 {
		return idp.ParseKeys(data)
	}
	if j.in.Current.Offline || j.dead(ctx, "identity.jwksUrl") != "" {
		return idp.KeySet{}, nil
	}
	return j.env.Provider.Keys(ctx, j.in.Draft.Identity.JWKSURL)
}

func (j judge) keys(ctx context.Context) check.Result {
	if why := j.dead(ctx, "identity.jwksUrl"); why != "" && len(j.in.Current.Pasted.Keys) == 0 {
		return skipped(why)
	}
	keys, verdicts := j.keySet(ctx)
	r := j.result("identity", "identity.jwksUrl", verdicts)
	if r.Status == check.Pass {
		r.Found = "keys " + strings.Join(keys.Usable(), ", ")
	}
	return r
}

func (j judge) scopes(ctx context.Context) check.Result {
	if why := j.dead(ctx, ""); why != "" {
		return skipped(why)
	}
	d, _ := j.env.Provider.Discover(ctx, j.in.Current.Provider.Ask)
	wanted := append(scopeList(j.in.Draft.Client.OIDCScope), scopeList(j.in.Draft.Client.ServiceScope)...)
	return j.result("scopes", "client.oidcScope", d.CheckScopes(wanted))
}

func (j judge) serviceRequest() (q idp.ServiceRequest, why string) {
	id, key := serviceOf(j.in)
	q = idp.ServiceRequest{TokenURL: j.in.Draft.Identity.TokenURL, ClientID: id, Scopes: scopeList(j.in.Draft.Client.ServiceScope)}
	q.Secret, why = secretAt(j.in, key)
	return q, why
}

func (j judge) serviceToken(ctx context.Context) check.Result {
	if !j.in.Current.Pasted.Service.IsZero() {
		return skipped("a token was given in place of asking for one")
	}
	if why := j.dead(ctx, "identity.tokenUrl"); why != "" {
		return skipped(why)
	}
	q, why := j.serviceRequest()
	if why != "" {
		return skipped("nothing was asked: " + why)
	}
	token, verdicts := j.env.Provider.Token(ctx, q)
	_, key := serviceOf(j.in)
	r := j.result("client", key, verdicts)
	if r.Status == check.Pass && token.ExpiresIn > 0 {
		r.Found = fmt.Sprintf("%s got a token for %s", q.ClientID, token.ExpiresIn)
	}
	return r
}

// expectations are the settings that the API will hold tokens against.
func (j judge) expectations() idp.Expectations {
	e := subjects(j.in)
	e.Issuer = j.in.Draft.Identity.Issuer
	if audience := j.in.Draft.Identity.Audience; audience != "" {
		e.Audiences = []string{audience}
	}
	return e
}

// token holds the service client's token against the API's rules.
func (j judge) token(ctx context.Context) check.Result {
	e := j.expectations()
	e.ClientID, _ = serviceOf(j.in)
	if j.in.Draft.Security.Authorization && !examining(j.in) { // which has a check of its own for the binding
		e.Binding = j.in.Draft.Authorization.Subject
	}
	access := j.in.Current.Pasted.Service
	if access.IsZero() {
		q, _ := j.serviceRequest()
		token, _ := j.env.Provider.Token(ctx, q)
		access, e.Ahead, e.Dated = token.Access, token.Ahead, token.Dated
	}
	if access.IsZero() {
		return skipped("there is no token to look at")
	}
	keys, judged := j.keySet(ctx)
	claims, verdicts := idp.Verify(access, keys, e, j.env.Provider.Now())
	if len(j.in.Current.Pasted.Keys) > 0 && idp.Worst(judged) == idp.Fail {
		verdicts = append(judged, verdicts...)
	}
	if other := anotherClient(claims, e.ClientID); other != "" && !j.in.Current.Pasted.Service.IsZero() {
		verdicts = append(verdicts, verdictOf("token.client", fmt.Sprintf("the token was issued to %q, the portal's client is %q", other, e.ClientID)))
	}
	r := j.result("client", "client.id", verdicts)
	if claims.Kind == idp.ServiceAccount && len(claims.Values) == 1 && claims.Values[0] != e.ClientID && e.ClientID != "" {
		r.Found += fmt.Sprintf("\nthe client's id is %q, its token's %s is %q, which the binding has to name", e.ClientID, cmp.Or(e.ServiceClaim, "sub"), claims.Values[0])
		if j.row.Subject != "" {
			r.Found += fmt.Sprintf(" (%s: %s)", j.row.Name, j.row.Subject)
		}
	}
	if r.Cure == nil {
		return r
	}
	switch r.Code {
	case "token.binding":
		r.Cure = &check.Cure{Flow: "install", Step: "authorization", Key: "authorization.subject"}
		if len(claims.Values) == 1 && visible(claims.Values[0]) {
			r.Cure.Propose = []check.Proposal{{Key: "authorization.subject", Value: claims.Values[0]}}
		}
	case "token.issuer", "token.issuer.slash":
		r.Cure = &check.Cure{Flow: "install", Step: "identity", Key: "identity.issuer"}
		if isIssuer(claims.Issuer) {
			r.Cure.Propose = []check.Proposal{{Key: "identity.issuer", Value: claims.Issuer}}
		}
	case "token.audience", "token.audience.missing":
		r.Cure = &check.Cure{Flow: "install", Step: "identity", Key: "identity.audience"}
	}
	return r
}

// claimsOfService is what bindings are compared with in the service client's token;
// none where no token could be had, or the API would not take it for a program's.
func (j judge) claimsOfService(ctx context.Context) []string {
	access := j.in.Current.Pasted.Service
	if access.IsZero() {
		q, why := j.serviceRequest()
		if why != "" || q.TokenURL == "" {
			return nil
		}
		token, _ := j.env.Provider.Token(ctx, q)
		access = token.Access
	}
	if access.IsZero() {
		return nil
	}
	keys, _ := j.keySet(ctx)
	claims, _ := idp.Verify(access, keys, j.expectations(), j.env.Provider.Now())
	if claims.Kind != idp.ServiceAccount {
		return nil
	}
	return claims.Values
}

func (j judge) signInSecret(ctx context.Context) check.Result {
	if why := j.dead(ctx, "identity.tokenUrl"); why != "" {
		return skipped(why)
	}
	text, why := secretAt(j.in, "client.secret")
	if why != "" {
		return skipped("nothing was asked: " + why)
	}
	service, noService := j.serviceRequest()
	same := noService == "" && service.ClientID == j.in.Draft.Client.ID && !skips(j.in, "identity.service-token") && j.in.Current.Pasted.Service.IsZero()
	if same {
		if _, got := j.env.Provider.Token(ctx, service); idp.Worst(got) == idp.Inconclusive {
			return skipped("because identity.service-token had no answer")
		}
	}
	q := idp.SignInRequest{
		TokenURL: j.in.Draft.Identity.TokenURL, ClientID: j.in.Draft.Client.ID, Secret: text,
		Redirect: idp.Callback(j.in.Draft.Portal.BaseURL), Control: j.in.Current.Probe,
	}
	verdicts := j.env.Provider.SignIn(ctx, q)
	r := j.result("client", "client.secret", verdicts)
	if same && (r.Code == "signin.unproven" || r.Code == "signin.alike") {
		if token, got := j.env.Provider.Token(ctx, service); !token.Access.IsZero() {
			return check.Result{Status: check.Pass, Code: decisive(got).ID, Found: "the provider took the secret when it gave " + q.ClientID + " a token"}
		}
	}
	if r.Code == "signin.unproven" {
		r.Hint += "; --probe allows that request, which leaves a failed attempt in the provider's log"
	}
	return r
}

func (j judge) redirect(ctx context.Context) check.Result {
	if why := j.dead(ctx, "identity.authorizationUrl"); why != "" {
		return skipped(why)
	}
	q := idp.RedirectRequest{
		AuthorizationURL: j.in.Draft.Identity.AuthorizationURL, ClientID: j.in.Draft.Client.ID, Redirect: idp.Callback(j.in.Draft.Portal.BaseURL),
		Scopes: scopeList(j.in.Draft.Client.OIDCScope), Control: j.in.Current.Probe, NoResponseType: j.row.NoResponseType,
	}
	for _, scope := range []string{"email", "profile", "openid"} { // the portal always asks for these
		if !slices.Contains(q.Scopes, scope) {
			q.Scopes = append([]string{scope}, q.Scopes...)
		}
	}
	r := j.result("client", "client.id", j.env.Provider.Redirect(ctx, q))
	switch r.Code {
	case "redirect.unregistered":
		r.Hint += ": " + q.Redirect
		r.Cure = &check.Cure{Flow: "install", Step: "urls", Key: "portal.baseUrl"}
	case "redirect.login":
		r.Hint += "; --probe allows that request, which leaves a failed attempt in the provider's log"
	}
	return r
}

// claims judges a person's token, where somebody gave one.
func (j judge) claims(ctx context.Context) check.Result {
	access := j.in.Current.Pasted.User
	if access.IsZero() {
		return check.Result{
			Status: check.Inconclusive, Found: "whether people's tokens carry groups, email and names shows only in one of them",
			Hint: "give a person's access token with --user-token env:NAME, or sign in after the roll-out",
		}
	}
	e := j.expectations()
	e.User = true
	if j.in.Draft.Security.Authorization {
		g := j.in.Draft.Authorization.Groups
		e.Groups = slices.Concat(g.Admins, g.Developers, g.PlatformEngineers, g.SREs)
	}
	keys, _ := j.keySet(ctx)
	_, verdicts := idp.Verify(access, keys, e, j.env.Provider.Now())
	return j.result("authorization", "authorization.groups.claim", verdicts)
}

// MaySkip tells whether a check can be left out by --skip: those that ask somebody
// outside the cluster. All others protect what is written, and --accept names them.
func MaySkip(id string) bool {
	return strings.HasPrefix(id, "identity.") || slices.Contains(postgresChecks, id) || slices.Contains([]string{"routing.url", "api.url", "portal.health", "api.health", "planes.observer"}, id)
}
