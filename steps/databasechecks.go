package steps

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/postgres"
	"github.com/openchoreo/backstage-setup/k8s"
)

// The checks of PostgreSQL, in the order of one connection.
const (
	postgresReach    = "database.postgresql.reach"
	postgresTLS      = "database.postgresql.tls"
	postgresLogin    = "database.postgresql.login"
	postgresRights   = "database.postgresql.rights"
	postgresCapacity = "database.postgresql.capacity"
)

// databaseChecks connect and log in to PostgreSQL as the portal will: one probe,
// told as the checks that it is for; or look at SQLite's volume.
func databaseChecks(env *Env, in plan.Input) []check.Check {
	if !onPostgres.holds(in) {
		return volumeChecks(in)
	}
	var unverified []check.Check
	if in.Unverified() {
		unverified = []check.Check{unverifiedCheck(in)}
	}
	given := len(in.Current.ProbeResult) > 0 // which takes no network
	if env == nil || env.Postgres == nil || in.Current.Offline && !given {
		return unverified
	}
	j := databaseJudge{env.Postgres, in}
	var first []string
	if !given && !in.Current.Local() && k8s.IsClusterAddress(in.Draft.Database.PostgreSQL.Host) {
		first = []string{"cluster.reachable"}
	}
	return append(unverified,
		j.check(postgresReach, "PostgreSQL answers", first, "database.postgresql.host"),
		j.check(postgresTLS, "the portal can trust the connection", []string{postgresReach}, "database.postgresql.ssl"),
		j.check(postgresLogin, "the portal can log in", []string{postgresTLS}, "database.postgresql.user"),
		j.check(postgresRights, "Backstage can keep its data there", []string{postgresLogin}, "database.postgresql.user"),
		j.check(postgresCapacity, "there are connections enough", []string{postgresLogin}, "scaling.replicas"),
	)
}

// databaseJudge makes checks of what a server answers.
type databaseJudge struct {
	server *Postgres
	in     plan.Input
}

func (j databaseJudge) check(id, title string, after []string, key answers.Key) check.Check {
	return check.Check{ID: id, Title: title, After: after, Timeout: postgresTimeout, Run: func(ctx context.Context) check.Result {
		q, why := databaseQuery(j.in)
		if why != "" {
			return skipped("nothing was asked: " + why)
		}
		if len(j.in.Current.ProbeResult) > 0 {
			a, err := j.jobAnswer(q)
			if err != nil {
				return unreadable(id, err)
			}
			return seenByJob(j.result(id, key, q, a), a.Report)
		}
		a := j.server.Probe(ctx, q)
		if j.in.Current.ProbeCreate && (id == postgresRights || id == postgresCapacity) {
			a.Verdicts = j.withCreated(ctx, q, a)
		}
		return j.result(id, key, q, a)
	}}
}

// createdOK is the code of a database that was made and dropped.
const createdOK = "create.ok"

// MayCreate tells whether making a database, and dropping it again, would show more
// than the results do: where the portal makes its own, and somebody is let in.
func MayCreate(in plan.Input, results []check.Result) bool {
	return !in.Current.ProbeCreate && !in.Current.DryRun && layoutOf(in) == postgres.PerPlugin && slices.ContainsFunc(results, func(r check.Result) bool {
		return r.ID == postgresRights && (r.Status == check.Pass || r.Status == check.Warn)
	})
}

// withCreated makes a database and drops it again, where the portal will make its
// own and what was seen does not speak against it; a pooler is proven by it too.
func (j databaseJudge) withCreated(ctx context.Context, q PostgresQuery, a PostgresAnswer) []postgres.Verdict {
	if q.Target.Layout != postgres.PerPlugin || a.Report.Version == "" || slices.ContainsFunc(a.Verdicts, func(v postgres.Verdict) bool {
		return v.Class == postgres.Fail && checkOf(v, true) == postgresRights
	}) {
		return a.Verdicts
	}
	made := slices.Clone(j.server.Create(ctx, q))
	all := slices.Clone(a.Verdicts)
	for i, v := range made {
		if v.ID != createdOK {
			made[i].Found = "with a database of its own to try: " + v.Found
			continue
		}
		all = slices.DeleteFunc(all, func(v postgres.Verdict) bool { return v.ID == "pooler.databases" })
	}
	return append(all, made...)
}

// checkOf is the check that a verdict belongs to. What breaks a connection is
// about the way there; what the server reports is about the login until that is
// done.
func checkOf(v postgres.Verdict, loggedIn bool) string {
	topic, _, _ := strings.Cut(v.ID, ".")
	switch {
	case slices.Contains([]string{"target", "network", "canceled"}, topic), slices.Contains([]string{"server.silent", "server.other", "server.tlsfirst", "server.large"}, v.ID):
		return postgresReach
	case topic == "tls":
		return postgresTLS
	case topic == "login", !loggedIn:
		return postgresLogin
	case topic == "limit", topic == "pooler", v.ID == "plugin.limit":
		return postgresCapacity
	}
	return postgresRights
}

// postgresChecks are the checks by how far a connection has come.
var postgresChecks = []string{postgresReach, postgresTLS, postgresLogin, postgresRights, postgresCapacity}

// result is what one check makes of a probe: the worst verdict of its own decides,
// the others that are no pass follow, a line each.
func (j databaseJudge) result(id string, key answers.Key, q PostgresQuery, a PostgresAnswer) check.Result {
	loggedIn := a.Report.Version != ""
	var own []postgres.Verdict
	for _, v := range a.Verdicts {
		at := checkOf(v, loggedIn)
		if at == id && v.Class != postgres.Pass {
			own = append(own, v)
		}
		// A connection that broke off has not come to what follows.
		stops := v.Class == postgres.Fail || v.Class == postgres.Inconclusive
		if before := slices.Index(postgresChecks, at); stops && !loggedIn && before < slices.Index(postgresChecks, id) {
			return skipped("because " + at + " is not settled")
		}
		if stops && loggedIn && at == postgresReach && id != postgresReach && id != postgresTLS && id != postgresLogin {
			return skipped("because the connection broke off")
		}
	}
	if len(own) == 0 {
		return j.proven(id, j.passed(id, q, a.Report), a.Verdicts)
	}
	worst := postgres.Worst(own)
	main := own[slices.IndexFunc(own, func(v postgres.Verdict) bool { return v.Class == worst })]
	lines := []string{databaseLine(main)}
	for _, v := range own {
		if line := databaseLine(v); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	status := map[postgres.Class]check.Status{postgres.Warn: check.Warn, postgres.Inconclusive: check.Inconclusive, postgres.Fail: check.Fail}[worst]
	r := check.Result{Status: status, Code: main.ID, Hint: main.Fix}
	if id == postgresReach && a.Forward != "" {
		// The cluster says why: that there is no such Service comes before what follows.
		lines = append([]string{a.Forward, main.Found}, lines[1:]...)
		r.Hint = "check the Service's name and namespace, and that its pods are ready; where no port-forward is allowed, --probe-job prints a Job that asks from there"
	}
	trust := ""
	if main.ID == "tls.authority" || main.ID == "tls.selfsigned" {
		lines = append(lines, shown(a.Report)...)
		if trust = trustable(a.Report); trust != "" {
			r.Hint += "; or, once the fingerprint is the one of the server's own certificate, database.postgresql.trustCA (--trust-ca " + trust + ")"
		}
	}
	if slices.Contains(untrusted, main.ID) && j.in.KeepsCA() && len(q.CA) > 0 && !j.in.Draft.Given("database.postgresql.caFile") {
		lines = append(lines, "the portal trusts the authority in its Secret alone, which is not that of the server's certificate")
		r.Hint += "; or, where a well-known authority has signed it by now, --set database.postgresql.trustCA=" + plan.TrustNone
	}
	file := ""
	if slices.Contains(untrusted, main.ID) {
		if file = j.server.Mends(q, a.Report); file != "" {
			lines = append(lines, "with the certificates of --ca-file "+file+" it would be trusted, but the portal is not given those: they would be all that it trusts for the database")
			r.Hint, trust = "--set database.postgresql.caFile="+plan.Quote(file), ""
		}
	}
	if id == postgresRights {
		lines = append(lines, waysOut(j.in, q, a.Report, own)...)
	}
	if main.ID == "database.missing" || main.ID == "plugin.missing" {
		lines = append(lines, toCreate(q, a.Report)...)
		if q.Target.Layout != postgres.PerPlugin { // where the role has to own it
			r.Hint = databaseVerdict("plugin.missing", "").Fix
		}
	}
	r.Found = strings.Join(lines, "\n")
	if worst == postgres.Warn {
		return r
	}
	r.Cure = &check.Cure{Flow: databaseFlow(j.in), Step: "database", Key: string(key)}
	switch {
	case key == "scaling.replicas":
		r.Cure.Step = "scaling"
	case main.ID == "tls.public", slices.Contains(untrusted, main.ID):
		r.Cure.Key = "database.postgresql.caFile"
		if file != "" {
			r.Cure.Propose = []check.Proposal{{Key: r.Cure.Key, Value: file}}
		}
		if trust != "" {
			r.Cure.Key = "database.postgresql.trustCA"
		}
	case main.ID == "login.password", main.ID == "login.unicode":
		r.Cure.Key = "database.postgresql.password"
	case slices.Contains([]string{"role.createdb", "plugin.missing", "database.connect", "schema.create"}, main.ID):
		r.Cure.Key = "database.postgresql.layout"
	case main.ID == "tls.host":
		r.Cure.Key = "database.postgresql.host"
	}
	return j.unproven(r, id, loggedIn)
}

// further is a hint with one thing more: on a line of its own where the last one is
// to be pasted.
func further(hint, more string) string {
	if strings.Contains(hint, "\n") || strings.HasSuffix(hint, ";") {
		return hint + "\n" + more
	}
	return hint + "; " + more
}

// untrusted are the verdicts for want of an authority.
var untrusted = []string{"tls.authority", "tls.selfsigned", "tls.incomplete", "tls.partial"}

// unproven is about what does not work, or could not be tried: nothing that is to
// be written was proven, so it is not written, unless the portal uses this
// database already and nothing of that changes.
func (j databaseJudge) unproven(r check.Result, id string, loggedIn bool) check.Result {
	if examining(j.in) {
		// The pods may reach what this machine does not; a Service is told by the cluster.
		if r.Status == check.Inconclusive && k8s.IsClusterAddress(j.in.Draft.Database.PostgreSQL.Host) {
			r.Status = check.Fail
		}
		return r
	}
	if r.Status == check.Inconclusive && !loggedIn {
		r.Status = check.Fail
		r.Hint = further(r.Hint, "to go on without asking: --skip "+id+"=REASON")
	}
	if r.Status == check.Fail && !changesDatabase(j.in) {
		r.Status = check.Warn
		r.Found += "\nnothing about the database changes, so the run goes on"
	}
	return r
}

// databaseFlow is where the database is changed.
func databaseFlow(in plan.Input) string {
	if id := Database().ID; in.Current.Flow == id {
		return id
	}
	return Install().ID
}

// passed says what a check without a finding has seen.
func (j databaseJudge) passed(id string, q PostgresQuery, r postgres.Report) check.Result {
	switch id {
	case postgresReach:
		return pass(fmt.Sprintf("%s, port %d", q.Target.Host, q.Target.Port))
	case postgresTLS:
		if r.TLS == nil {
			return pass("without TLS")
		}
		return check.Result{Status: check.Pass, Code: "tls.ok", Found: r.TLS.Version + ", verified as the portal does"}
	case postgresLogin:
		ok := databaseVerdict("database.ok", "")
		return check.Result{Status: check.Pass, Code: ok.ID, Found: fmt.Sprintf("%s is let in with %s; %s", r.Role.Name, r.Auth, ok.Cause)}
	case postgresRights:
		version, _, _ := strings.Cut(r.Version, " ")
		found := "PostgreSQL " + version
		if n := len(r.Databases); n > 0 {
			found += fmt.Sprintf(", %d databases of Backstage are there", n)
		}
		if q.Target.Layout == postgres.PerPlugin && r.Role.CreateDB {
			found += ", " + r.Role.Name + " may create databases"
		}
		return pass(found)
	}
	return pass(capacity(q.Budget, r))
}

// capacity says in numbers why the connections are enough.
func capacity(b postgres.Budget, r postgres.Report) string {
	free, what := r.Limits.Free(), "are free for the portal ("+r.InUse()+")"
	if limit := r.Role.Limit - r.Limits.Elsewhere; r.Role.Limit >= 0 && limit < free && !r.Role.Superuser {
		free, what = limit, "are the role's"
	}
	text := fmt.Sprintf("%d %s; a busy portal of %d pods opens some %d, and %d if every pool were full at once", free, what, b.Pods(), b.Busy(), b.Needed())
	if fit := b.Fit(free); b.Needed() > free && fit > 1 {
		text += fmt.Sprintf(", which APP_CONFIG_backend_database_knexConfig_pool_max=%d would keep to %d", fit, fit*b.Least())
	}
	return text
}

// proven adds that a database was made and dropped.
func (j databaseJudge) proven(id string, r check.Result, verdicts []postgres.Verdict) check.Result {
	if at := slices.IndexFunc(verdicts, func(v postgres.Verdict) bool { return v.ID == createdOK }); at >= 0 && id == postgresRights {
		r.Code = createdOK
		r.Found += "; " + verdicts[at].Found
	}
	return r
}

// databaseLine is a verdict as a line: what is so, and what that means.
func databaseLine(v postgres.Verdict) string {
	if v.Cause == "" {
		return v.Found
	}
	return v.Found + ": " + v.Cause
}

// toCreate are all statements that make the databases of a layout in which somebody
// else makes them, but for those that r has; else the one that is logged in to.
func toCreate(q PostgresQuery, r postgres.Report) []string {
	const heading = "an administrator of the server creates what is not there:"
	for _, recipe := range postgres.Recipes(q.Target, q.Budget, 0, r.Databases...) {
		if layout, ok := recipeLayouts[recipe.ID]; ok && layout.of == q.Target.Layout {
			return append([]string{heading}, recipe.SQL...)
		}
	}
	return []string{heading, `CREATE DATABASE "` + strings.ReplaceAll(q.Target.Entry(), `"`, `""`) + `";`}
}

// recipeLayouts are the recipes for missing rights that are an answer.
var recipeLayouts = map[string]struct {
	answer string
	of     postgres.Layout
}{
	"precreated": {plan.LayoutExisting, postgres.Precreated},
	"schema":     {plan.LayoutSchema, postgres.Schema},
}

// waysOut are what an administrator can do about missing rights, the simplest first,
// and what the portal is told then. Every statement is a line of its own.
func waysOut(in plan.Input, q PostgresQuery, r postgres.Report, verdicts []postgres.Verdict) []string {
	var lines []string
	for _, recipe := range postgres.Mending(postgres.Recipes(q.Target, q.Budget, 0, r.Databases...), verdicts) {
		layout, other := recipeLayouts[recipe.ID]
		if other && layoutOf(in) == layout.of || !other && recipe.ID != "createdb" {
			continue // the hint has it
		}
		title := recipe.Title
		if other && layout.of == postgres.Schema {
			title += " (without the first statement if that is there)"
		}
		if other {
			title = "or " + title + ", with database.postgresql.layout " + layout.answer
		}
		lines = append(append(lines, title+":"), recipe.SQL...)
	}
	return lines
}

// shown are the certificates to compare with the server's own.
func shown(r postgres.Report) []string {
	if r.TLS == nil {
		return nil
	}
	var lines []string
	for _, c := range r.TLS.Chain {
		lines = append(lines, fmt.Sprintf("it shows %q, issued by %q, %s, SHA-256 %s", c.Subject, c.Issuer, validity(c.NotBefore, c.NotAfter), c.SHA256))
	}
	return lines
}

// trustable is the fingerprint of the authority that the server shows itself; "" is
// none: then only a file has it.
func trustable(r postgres.Report) string {
	if r.TLS == nil {
		return ""
	}
	for _, c := range r.TLS.Chain {
		if c.SelfSigned {
			return "sha256:" + c.SHA256
		}
	}
	return ""
}
