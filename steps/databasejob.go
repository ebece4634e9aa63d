package steps

import (
	"slices"
	"strconv"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/postgres"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/templates"
)

// probeName is the name of the Job that asks PostgreSQL from the cluster, and of the
// Secret that is made for it where the portal's has no password yet.
const probeName = "backstage-setup-probe"

// DatabaseJob is a Job that asks PostgreSQL from inside the cluster, where nothing
// can be asked from here.
type DatabaseJob struct {
	Manifest []byte
	Before   []string // commands that come first: the password goes into a Secret
	Apply    string   // "kubectl … apply -f ", with the file's name or - behind it
	After    []string // commands that wait, read the log into FILE, and take all away
}

// JobMark begins every line of such a Job's result.
const JobMark = postgres.JobMark

// JobResultFile is where DatabaseJob's commands put the result.
const JobResultFile = "probe.txt"

// NewDatabaseJob makes the Job of the answers. why says what is missing; it
// completes "there is no Job yet: ".
func NewDatabaseJob(in plan.Input) (job DatabaseJob, why string) {
	pg := in.Draft.Database.PostgreSQL
	if !onPostgres.holds(in) || pg.Host == "" || pg.User == "" || pg.Port == 0 || in.Draft.Target.Namespace == "" {
		return job, "host, port and user of PostgreSQL come first"
	}
	q, _ := databaseQuery(in)
	t := q.Target
	kubectl, ns := "kubectl "+in.Reach()+"-n "+plan.Quote(in.Draft.Target.Namespace)+" ", in.Draft.Target.Namespace
	p := templates.Probe{Name: probeName, Namespace: ns, Secret: probeName, Key: "password", Script: postgres.JobScript(), Env: [][2]string{
		{"PGHOST", strings.TrimSpace(t.Host)}, {"PGPORT", strconv.Itoa(t.Port)}, {"PGUSER", strings.TrimSpace(t.User)},
		{"PGSSLMODE", t.PsqlMode()}, {"PROBE_DATABASE", strings.TrimSpace(t.Entry())}, {"PROBE_CA", ""},
	}}
	if t.SSL && t.Mode == postgres.Verify {
		p.Env[len(p.Env)-1][1] = string(q.CA)
	}
	v, _ := in.Draft.Get("database.postgresql.password").(secret.Value)
	made := "secret/" + probeName
	if s := in.Current.Cluster.Secret.Secret; v.Ref.Keep && s != nil && slices.Contains(s.Keys, "postgres-password") && s.Namespace == ns {
		p.Secret, p.Key, made = s.Name, "postgres-password", ""
	} else {
		create := kubectl + "create secret generic " + probeName + " --from-file=password=/dev/stdin"
		from := `(printf 'Password: ' >&2; stty -echo; IFS= read -r p; stty echo; printf %s "$p")`
		switch {
		case v.Ref.Env != "":
			from = `printf %s "$` + v.Ref.Env + `"`
		case v.Ref.File != "":
			from = `tr -d '\r\n' < ` + plan.Quote(v.Ref.File)
		}
		job.Before = []string{from + " | " + create}
	}
	job.Manifest = templates.ProbeJob(p)
	job.Apply = kubectl + "apply -f "
	job.After = []string{
		kubectl + "wait --for=condition=complete --timeout=3m job/" + probeName,
		kubectl + "logs job/" + probeName + " > " + JobResultFile,
		strings.TrimSpace(kubectl + "delete job/" + probeName + " " + made),
	}
	return job, ""
}

// jobAnswer is what a Job's output came to in place of a probe.
func (j databaseJudge) jobAnswer(q PostgresQuery) (PostgresAnswer, error) {
	report, verdicts, err := postgres.ReadJob(j.in.Current.ProbeResult, q.Target, q.Budget, j.server.now)
	return PostgresAnswer{Report: report, Verdicts: verdicts}, err
}

// seenByJob says of a result that is a Job's, and how old that is.
func seenByJob(r check.Result, said postgres.Report) check.Result {
	if r.Status == check.Skip {
		return r
	}
	by := "; "
	if strings.Contains(r.Found, "\n") {
		by = "\n"
	}
	r.Found += by + "as a Job saw it on " + said.Asked.UTC().Format("2006-01-02 15:04 MST")
	return r
}

// unreadable is the result of the first check where a Job's output is none.
func unreadable(id string, err error) check.Result {
	if id != postgresReach {
		return skipped("because " + postgresReach + " is not settled")
	}
	return check.Result{Status: check.Fail, Found: "the result of the Job cannot be used: " + err.Error(),
		Hint: "make the Job anew with what --probe-job prints, and give all of `kubectl logs job/" + probeName + "`"}
}

// JobHelps tells whether a Job would show what could not be seen from here.
func JobHelps(in plan.Input, results []check.Result) bool {
	if _, why := NewDatabaseJob(in); why != "" || in.Current.Local() {
		return false
	}
	return slices.ContainsFunc(results, func(r check.Result) bool {
		topic, _, _ := strings.Cut(r.Code, ".")
		return r.ID == postgresReach && topic == "network" && r.Status != check.Pass || r.Code == "login.unchecked"
	})
}
