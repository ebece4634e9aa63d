package steps

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/idp"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
)

// provided takes into the draft what the identity provider said, unless the
// answers have moved on to another one.
func provided(in *plan.Input) {
	p := &in.Current.Provider
	p.Ask = providerAddress(*in)
	if p.Asked != p.Ask {
		*p = plan.Provider{Ask: p.Ask}
	}
	if p.Described() {
		respell(in)
		in.Draft.ProposeAll(describedBy(*in))
	}
	id, _ := serviceOf(*in)
	given := pastedSubject(*in)
	switch {
	case given != "":
		in.Draft.Propose(subjectOf(*in, given, "the token that was given"))
	case p.Subject != "" && id == p.ClientID:
		in.Draft.Propose(subjectOf(*in, p.Subject, "the token of client "+p.ClientID))
	}
}

// pastedSubject is what bindings are compared with in a token that was given in
// place of asking for one; a check judges whether it is any good.
func pastedSubject(in plan.Input) string {
	if in.Current.Pasted.Service.IsZero() {
		return ""
	}
	claims, _ := idp.Verify(in.Current.Pasted.Service, idp.KeySet{}, subjects(in), time.Time{})
	id, _ := serviceOf(in)
	if claims.Kind != idp.ServiceAccount || len(claims.Values) != 1 || !visible(claims.Values[0]) || anotherClient(claims, id) != "" {
		return ""
	}
	return claims.Values[0]
}

// anotherClient returns the client that a token was issued to, where that is not
// id; "" when it is, or the token does not say.
func anotherClient(c idp.Claims, id string) string {
	if id == "" || len(c.ClientIDs) == 0 || slices.ContainsFunc(c.ClientIDs, func(named idp.ClientID) bool { return named.Value == id }) {
		return ""
	}
	return c.ClientIDs[0].Value
}

// noSubject is why nothing settles what the portal's token is bound by.
func noSubject(in plan.Input) string {
	why := in.Current.Provider.Why["token"]
	switch {
	case in.Current.Offline && in.Current.Pasted.Service.IsZero():
		return "offline no token is requested that would tell it"
	case !in.Current.Pasted.Service.IsZero():
		return "the token that was given does not tell it: it is no JSON Web Token of this client, or names no " + cmp.Or(in.Draft.Authorization.SubjectClaim, "sub")
	case skips(in, "identity.service-token"):
		return "no token was requested that would tell it: identity.service-token is skipped"
	case why != "":
		return "no token tells it: " + why
	}
	return ""
}

// subjects are the claims that the API tells callers by.
func subjects(in plan.Input) idp.Expectations {
	return idp.Expectations{UserClaim: in.Draft.Authorization.Groups.Claim, ServiceClaim: in.Draft.Authorization.SubjectClaim}
}

// providerAddress is the issuer or the well-known address to ask; "" when there
// is none yet, or nobody is to be asked.
func providerAddress(in plan.Input) string {
	if _, skipped := in.Current.Skip["identity.discovery"]; skipped || !in.Draft.Security.Authentication || in.Current.Offline {
		return ""
	}
	issuer, document := in.Draft.Identity.Issuer, in.Draft.Identity.DiscoveryURL
	_, isIssuer := parseURL(issuer)
	_, isDocument := parseURL(document)
	own := in.Draft.From["identity.discoveryUrl"].Detail != "from identity.issuer" && document != strings.TrimSuffix(issuer, "/")+wellKnownPath
	switch {
	case isDocument && (own || !isIssuer):
		return document
	case isIssuer:
		return issuer
	}
	return ""
}

// wellKnownPath is behind the issuer: OpenID Connect Discovery 1.0 section 4.
const wellKnownPath = "/.well-known/openid-configuration"

// respell writes an issuer that somebody gave as the provider's document has it,
// where only the slash at the end differs, or where it is the address of that
// document: tokens are compared letter by letter.
func respell(in *plan.Input) {
	given, p := in.Draft.Identity.Issuer, in.Current.Provider
	slash := strings.TrimSuffix(given, "/") == strings.TrimSuffix(p.Issuer, "/")
	if !in.Draft.Given("identity.issuer") || given == p.Issuer || !slash && given != p.WellKnown {
		return
	}
	set(in, "identity.issuer", p.Issuer, answers.Source{
		Rank: in.Draft.From["identity.issuer"].Rank, Detail: "(spelled as in the provider's document; " + given + " was given)",
	})
}

// describedBy is what the provider's document settles.
func describedBy(in plan.Input) []answers.Proposal {
	p := in.Current.Provider
	rank := answers.FromProvider
	if changed(in, "identity.issuer") || changed(in, "identity.discoveryUrl") {
		rank = answers.FromNewProvider
	}
	source := answers.Source{Rank: rank, Detail: "discovery document of " + p.Asked}
	list := []answers.Proposal{
		{Key: "identity.issuer", Value: p.Issuer, Source: source},
		{Key: "identity.discoveryUrl", Value: p.WellKnown, Source: source},
		{Key: "identity.authorizationUrl", Value: p.Authorization, Source: source},
	}
	for _, e := range []struct {
		key            answers.Key
		address, doubt string
	}{{"identity.tokenUrl", p.Token, p.TokenDoubt}, {"identity.jwksUrl", p.JWKS, p.JWKSDoubt}} {
		proposal := answers.Proposal{Key: e.key, Value: e.address, Source: source}
		if inside, ok := thunderService(in, e.address); ok && e.doubt != "" {
			proposal.Value, proposal.Source.Detail = inside, "Service thunder-service: "+e.doubt
		}
		list = append(list, proposal)
	}
	return list
}

// thunderService is the address inside the cluster of what Thunder serves at an
// address of its route.
func thunderService(in plan.Input, address string) (string, bool) {
	u, ok := parseURL(address)
	if !ok || !isThunder(in) || !in.Current.Cluster.Thunder.Installed || !slices.Contains(in.Current.Cluster.Thunder.Hostnames, u.Hostname()) {
		return "", false
	}
	inside := url.URL{Scheme: "http", Host: "thunder-service.thunder.svc.cluster.local:8090", Path: u.Path}
	return inside.String(), true
}

// subjectOf proposes what a real token of the service client is bound by.
func subjectOf(in plan.Input, subject, token string) answers.Proposal {
	rank := answers.FromProvider
	if slices.ContainsFunc([]answers.Key{"identity.issuer", "client.id", "serviceClient.id"}, func(k answers.Key) bool { return changed(in, k) }) {
		rank = answers.FromNewProvider
	}
	claim := cmp.Or(in.Draft.Authorization.SubjectClaim, "sub")
	return answers.Proposal{Key: "authorization.subject", Value: subject, Source: answers.Source{Rank: rank, Detail: claim + " of " + token}}
}

// serviceOf is the client that the portal calls the API with, and the key of its
// secret.
func serviceOf(in plan.Input) (id string, secretKey answers.Key) {
	if in.ChartHas("serviceClient.id") && serviceClient.holds(in) {
		return in.Draft.ServiceClient.ID, "serviceClient.secret"
	}
	return in.Draft.Client.ID, "client.secret"
}

// secretAt is the secret that answers key, as far as it can be had: what was
// given, or what the Secret has. why completes "nothing was asked: ".
func secretAt(in plan.Input, key answers.Key) (text secret.Text, why string) {
	v, _ := in.Draft.Get(key).(secret.Value)
	switch {
	case !in.Draft.Has(key):
		return text, string(key) + " is not given"
	case v.Ref.Generate:
		return text, string(key) + " is generated, so nobody else knows it yet"
	case !v.Text.IsZero():
		return v.Text, ""
	}
	if kept, _, ok := in.KeptFrom(key); ok && !kept.IsZero() {
		return kept, ""
	}
	return text, "what the Secret has for " + string(key) + " cannot be read here"
}

// undescribed tells that a check fails because the provider's description could not
// be had: what it would have said is then no missing answer, until somebody goes on
// without it.
func undescribed(in plan.Input) bool {
	p := in.Current.Provider
	return p.Asked != "" && !p.Described() && !in.Current.Accepts("identity.discovery") && changesIdentity(in)
}

// unaccepted is the same for the token of the service client.
func unaccepted(in plan.Input) bool {
	for _, id := range []string{"identity.service-token", "identity.token"} {
		if in.Current.Accepts(id) || skips(in, id) {
			return false
		}
	}
	if !in.Current.Pasted.Service.IsZero() {
		return pastedSubject(in) == ""
	}
	id, _ := serviceOf(in)
	return in.Current.Provider.Refused && in.Current.Provider.ClientID == id
}

// changesIdentity tells whether the run settles how people sign in.
func changesIdentity(in plan.Input) bool {
	if !IsInstalled(in) {
		return true
	}
	for _, key := range answers.Keys() {
		topic, _, _ := strings.Cut(string(key), ".")
		if !slices.Contains([]string{"identity", "client", "serviceClient", "security"}, topic) || !in.Draft.Given(key) {
			continue
		}
		if kind, _ := answers.KindOf(key); kind == answers.Hidden || changed(in, key) {
			return true
		}
	}
	return false
}

// ProviderAsk is what is asked of the identity provider to fill in answers.
type ProviderAsk struct {
	Address  string // issuer or well-known address; "" asks for no description
	JWKS     string // of the key set, where it does not follow from the description
	Token    idp.ServiceRequest
	Subjects idp.Expectations // the claims that the API tells callers by
	Server   string           // the API server of the cluster; "" without one
}

// Empty tells that there is nothing to ask.
func (a ProviderAsk) Empty() bool { return a.Address == "" && a.JWKS == "" && a.Token.TokenURL == "" }

// Same tells whether a and b ask the same.
func (a ProviderAsk) Same(b ProviderAsk) bool {
	x, y := a.Token, b.Token
	return a.Address == b.Address && a.JWKS == b.JWKS && a.Server == b.Server &&
		x.TokenURL == y.TokenURL && x.ClientID == y.ClientID && x.Secret.Equal(y.Secret) && slices.Equal(x.Scopes, y.Scopes) &&
		a.Subjects.UserClaim == b.Subjects.UserClaim && a.Subjects.ServiceClaim == b.Subjects.ServiceClaim
}

// ProviderQuestions is what to ask for a completed input. The client's secret is
// sent only where the provider's description says, or a person: so a token is
// asked for once that is known.
func ProviderQuestions(in plan.Input) ProviderAsk {
	ask := ProviderAsk{Address: in.Current.Provider.Ask, Server: in.Current.Target.Server}
	if in.Current.Offline || !in.Draft.Security.Authentication {
		return ProviderAsk{}
	}
	if !skips(in, "identity.keys") && alone(in, "identity.jwksUrl") {
		ask.JWKS = in.Draft.Identity.JWKSURL
	}
	id, key := serviceOf(in)
	text, why := secretAt(in, key)
	if !signIn.holds(in) || skips(in, "identity.service-token") || id == "" || why != "" || !in.Current.Pasted.Service.IsZero() || !alone(in, "identity.tokenUrl") {
		return ask
	}
	ask.Token = idp.ServiceRequest{TokenURL: in.Draft.Identity.TokenURL, ClientID: id, Secret: text, Scopes: scopeList(in.Draft.Client.ServiceScope)}
	ask.Subjects = subjects(in)
	return ask
}

func skips(in plan.Input, id string) bool { _, ok := in.Current.Skip[id]; return ok }

func scopeList(text string) []string { return strings.Fields(text) }

// alone tells whether the endpoint under key is known by itself: from the
// provider's description, or as an answer: on another host than what could not be
// asked, or where nobody is to ask for the description.
func alone(in plan.Input, key answers.Key) bool {
	text, _ := in.Draft.Get(key).(string)
	u, ok := parseURL(text)
	if !ok {
		return false
	}
	return in.Current.Provider.Described() || elsewhere(in, u) || skips(in, "identity.discovery") && in.Draft.Given(key)
}

// elsewhere tells whether an endpoint is on another host than the provider's
// description.
func elsewhere(in plan.Input, endpoint *url.URL) bool {
	for _, address := range []string{in.Draft.Identity.Issuer, in.Draft.Identity.DiscoveryURL} {
		if u, ok := parseURL(address); ok && strings.EqualFold(u.Host, endpoint.Host) {
			return false
		}
	}
	return true
}

// LookProvider asks the identity provider. It changes nothing and takes no longer
// than the Provider's questions. hide is a token that no output may show.
func (e *Env) LookProvider(ctx context.Context, a ProviderAsk) (out plan.Provider, hide secret.Text) {
	out = plan.Provider{Asked: a.Address, Why: map[string]string{}}
	if e.Provider == nil || a.Empty() {
		return out, hide
	}
	if a.Address != "" {
		d, verdicts := e.Provider.Discover(ctx, a.Address)
		if worst := idp.Worst(verdicts); worst == idp.Fail || worst == idp.Inconclusive {
			out.Why["discovery"] = decisive(verdicts).Found
			if decisive(verdicts).ID == "network.name" {
				out.TokenDoubt = "the name " + hostOf(a.Address) + " does not resolve here"
				out.JWKSDoubt = out.TokenDoubt
			}
		} else {
			out.WellKnown, out.Issuer, out.Scopes = d.WellKnown, d.Issuer, d.Scopes
			out.Authorization, out.Token, out.JWKS = d.AuthorizationEndpoint, d.TokenEndpoint, d.JWKSURI
		}
	}
	var (
		wait        sync.WaitGroup
		keys, other []idp.Verdict
		token       idp.Token
		got         []idp.Verdict
	)
	if out.JWKS != "" {
		wait.Go(func() { _, keys = e.Provider.Keys(ctx, out.JWKS) })
	}
	if a.JWKS != "" && a.JWKS != out.JWKS {
		wait.Go(func() { _, other = e.Provider.Keys(ctx, a.JWKS) })
	}
	if a.Token.TokenURL != "" {
		wait.Go(func() { token, got = e.Provider.Token(ctx, a.Token) })
	}
	wait.Wait()
	if v := decisive(slices.Concat(keys, other)); v.Class == idp.Fail || v.Class == idp.Inconclusive {
		out.Why["keys"] = v.Found
	}
	out.JWKSDoubt, out.TokenDoubt = cmp.Or(out.JWKSDoubt, doubt(out.JWKS, a.Server, keys)), cmp.Or(out.TokenDoubt, doubt(out.Token, a.Server, nil))
	if out.JWKSDoubt != "" && hostOf(out.JWKS) == hostOf(out.Token) {
		out.TokenDoubt = out.JWKSDoubt
	}
	if a.Token.TokenURL == "" {
		return out, hide
	}
	out.ClientID = a.Token.ClientID
	if token.Access.IsZero() {
		out.Why["token"], out.Refused = decisive(got).Found, idp.Worst(got) == idp.Fail
		return out, hide
	}
	claims, read := idp.Verify(token.Access, idp.KeySet{}, a.Subjects, e.Provider.Now())
	if claims.Kind == idp.ServiceAccount && len(claims.Values) == 1 && visible(claims.Values[0]) {
		out.Subject = claims.Values[0]
	}
	if idp.Worst(read) == idp.Fail {
		out.Why["token"], out.Refused = decisive(read).Found, true
	}
	return out, token.Access
}

// visible tells whether text can be written down and compared by eye.
func visible(text string) bool {
	return wordRule(text) == nil && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

func hostOf(address string) string {
	u, ok := parseURL(address)
	if !ok {
		return ""
	}
	return u.Hostname()
}

// browserDoubt says why a browser may not get to the authorization endpoint; ""
// when nothing speaks against it.
func browserDoubt(in plan.Input) string {
	if host := hostOf(in.Draft.Identity.AuthorizationURL); k8s.IsClusterAddress(host) {
		return "browsers go there, and " + host + " is a name inside the cluster"
	}
	return ""
}

// doubt says why pods may not reach what is reached from here; "" when nothing
// speaks against it. server is the cluster's API server.
func doubt(address, server string, verdicts []idp.Verdict) string {
	host := hostOf(address)
	u, err := url.Parse(server)
	if host == "" || server == "" || err != nil || k8s.IsClusterAddress(host) {
		return ""
	}
	near := u.Hostname()
	switch {
	case slices.ContainsFunc(verdicts, func(v idp.Verdict) bool { return v.ID == "network.name" }):
		return "the name " + host + " does not resolve here"
	case idp.Loopback(near): // a cluster on this machine: its set-up makes such names work
		return ""
	case idp.Loopback(host):
		return host + " is the pod itself when a pod asks for it"
	case idp.Private(host) && !idp.Private(near):
		return host + " is a name of a network that the cluster may not be in"
	}
	return ""
}

// decisive is the verdict that the others do not outweigh.
func decisive(verdicts []idp.Verdict) idp.Verdict {
	worst := idp.Worst(verdicts)
	for _, v := range verdicts {
		if v.Class == worst {
			return v
		}
	}
	return verdictOf("canceled", "nothing was asked")
}
