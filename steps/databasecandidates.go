package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
)

// caFromSecret is how database.postgresql.caFile names a Secret of the cluster:
// secret:NAMESPACE/NAME/KEY.
const caFromSecret = "secret:"

// ClusterAsk is what is to be asked of the cluster about PostgreSQL servers in it,
// and about the ways to Services. Equal ones ask the same.
type ClusterAsk struct {
	Namespace string // of the portal
	Databases bool   // which servers there are
	Host      string // of a server that was found: its logins are read
	CAFile    string // reference to certificates in a Secret
	Forward   string // hosts that are reached by a port-forward, with blanks between
}

// Empty tells that there is nothing to ask.
func (a ClusterAsk) Empty() bool {
	return !a.Databases && a.Host == "" && a.CAFile == "" && a.Forward == ""
}

// ClusterQuestions is what is to be asked of the cluster by now. Servers are looked
// for where PostgreSQL is wanted and its host is open, or is one of the cluster.
func ClusterQuestions(f Flow, in plan.Input) ClusterAsk {
	if in.Current.Local() || !in.Current.Known {
		return ClusterAsk{}
	}
	a := ClusterAsk{Namespace: in.Draft.Target.Namespace}
	var hosts []string
	if _, q, asks := f.Find("database.postgresql.host"); asks && q.When.holds(in) && onPostgres.holds(in) {
		pg := in.Draft.Database.PostgreSQL
		has, given := in.Draft.Has(q.Key), in.Draft.Given(q.Key)
		a.Databases = !has || given && k8s.IsClusterAddress(pg.Host) || !given && in.Current.Flow == Database().ID
		if _, ok := in.Current.Databases.At(pg.Host); ok {
			a.Host = pg.Host
		}
		if strings.HasPrefix(pg.CAFile, caFromSecret) && pg.SSL {
			a.CAFile = pg.CAFile
		} else if reference, why := unreadCA(in); why != "" {
			a.CAFile = reference // asked still, so that the answer stays
		}
		hosts = append(hosts, pg.Host)
	}
	if _, _, asks := f.Find("identity.issuer"); asks && in.Draft.Security.Authentication {
		i := in.Draft.Identity
		for _, address := range []string{i.Issuer, i.DiscoveryURL, i.TokenURL, i.JWKSURL} {
			hosts = append(hosts, hostOf(address))
		}
	}
	hosts = slices.DeleteFunc(hosts, func(host string) bool { return !k8s.IsClusterAddress(host) })
	slices.Sort(hosts)
	a.Forward = strings.Join(slices.Compact(hosts), " ")
	return a
}

// LookDatabases asks the cluster; nil is none. What may not be asked says so in the
// answer.
func LookDatabases(ctx context.Context, cluster *k8s.Client, a ClusterAsk) (out plan.Databases) {
	if cluster == nil || a.Empty() {
		return out
	}
	var wait sync.WaitGroup
	wait.Go(func() {
		if !a.Databases && a.Host == "" {
			return
		}
		out.Found = cluster.Databases(ctx, a.Namespace)
		if d, ok := out.At(a.Host); ok {
			out.Host = a.Host
			logins, err := cluster.Logins(ctx, d)
			out.Logins = logins
			if err != nil {
				out.Why = err.Error()
			}
		}
	})
	wait.Go(func() {
		if a.CAFile != "" {
			out.CAFile = a.CAFile
			out.CA, out.CAProblem = certificatesIn(ctx, cluster, a.CAFile)
		}
	})
	wait.Go(func() {
		var rights []k8s.Access
		for host := range strings.FieldsSeq(a.Forward) {
			rights = append(rights, k8s.ForwardRights(host)...)
		}
		if len(rights) == 0 {
			return
		}
		// Without an answer nothing is known to be refused.
		if answered, err := cluster.Can(ctx, k8s.MergeRights(rights)); err == nil {
			out.Forward = answered
		}
	})
	wait.Wait()
	return out
}

// certificatesIn reads what a reference names; the problem completes "The value …".
func certificatesIn(ctx context.Context, cluster *k8s.Client, reference string) ([]byte, string) {
	key, ok := k8s.ParseKeyOf(strings.TrimPrefix(reference, caFromSecret))
	if !ok {
		return nil, "must be a file, or secret:NAMESPACE/NAME/KEY"
	}
	pem, err := cluster.Certificates(ctx, key)
	switch {
	case errors.Is(err, k8s.ErrNotFound), errors.Is(err, k8s.ErrForbidden):
		return nil, "must be a key of a Secret that you may read: " + err.Error()
	case err != nil:
		return nil, "could not be read: " + err.Error()
	case !strings.Contains(string(pem), beginCertificate):
		return nil, "must name a key with certificates in PEM: that of " + key.String() + " has none"
	}
	return pem, ""
}

// HiddenIn are the passwords in what the cluster said.
func HiddenIn(d plan.Databases) []secret.Text {
	var list []secret.Text
	for _, l := range d.Logins {
		list = append(list, l.Text)
	}
	return list
}

// databaseHosts are the servers in the cluster.
func databaseHosts(in plan.Input) []Option {
	var list []Option
	for _, d := range in.Current.Databases.Found.List {
		list = append(list, Option{d.Host, d.Host, fmt.Sprintf("%s, %s in namespace %s", d.Operator, d.Name, d.Namespace)})
	}
	return list
}

// databaseUsers are the roles that the server's operator keeps.
func databaseUsers(in plan.Input) []Option {
	c := in.Current.Databases
	if c.Host == "" || c.Host != in.Draft.Database.PostgreSQL.Host {
		return nil
	}
	var list []Option
	for _, l := range c.Logins {
		if l.User == "" || slices.ContainsFunc(list, func(o Option) bool { return o.Value == l.User }) {
			continue
		}
		note := "in Secret " + l.Password.Name
		if l.Super {
			note += "; a superuser, which the portal should not be"
		}
		list = append(list, Option{l.User, l.User, note})
	}
	return list
}

// ofCandidate is what follows from the choice of a server in the cluster. It holds
// no secret: the password is offered, and a person takes it.
func ofCandidate(in plan.Input) []answers.Proposal {
	pg, c := in.Draft.Database.PostgreSQL, in.Current.Databases
	d, ok := c.At(pg.Host)
	if !ok {
		return nil
	}
	rank := answers.FromDerived
	if changed(in, "database.postgresql.host") {
		rank = answers.FromNewProvider
	}
	var list []answers.Proposal
	add := func(key answers.Key, value any, where string) {
		list = append(list, answers.Proposal{Key: key, Value: value, Source: answers.Source{Rank: rank, Detail: where}})
	}
	service := "Service of " + d.Operator
	add("database.postgresql.port", d.Port, service)
	if c.Host == pg.Host && len(c.Logins) > 0 {
		if l := c.Logins[0]; l.User != "" {
			add("database.postgresql.user", l.User, "Secret "+l.Password.Name)
			if l.Database != "" {
				add("database.postgresql.database", l.Database, "Secret "+l.Password.Name)
			}
		}
	}
	switch d.TLS {
	case k8s.EncryptionOff:
		add("database.postgresql.ssl", false, d.Operator+" has no TLS unless that is switched on")
	case k8s.EncryptionOn:
		add("database.postgresql.ssl", true, "TLS of "+d.Operator)
		if _, why := unreadCA(in); d.CA != (k8s.KeyOf{}) && why == "" && !in.Draft.Given("database.postgresql.trustCA") {
			add("database.postgresql.caFile", caFromSecret+d.CA.String(), "authority of "+d.Operator)
		}
	}
	return list
}

// unreadCA is where the chosen server's operator keeps its authority, and why it
// cannot be read there; "" when it can, or was not asked yet. What nobody has given
// and cannot be read is not proposed: it would be a wrong answer of nobody's.
func unreadCA(in plan.Input) (reference, why string) {
	c := in.Current.Databases
	d, ok := c.At(in.Draft.Database.PostgreSQL.Host)
	reference = caFromSecret + d.CA.String()
	if !ok || d.CA == (k8s.KeyOf{}) || c.CAFile != reference {
		return "", ""
	}
	return reference, c.CAProblem
}

// unreadCANote says that the authority is not prefilled; "" when nothing is to say.
func unreadCANote(in plan.Input) string {
	reference, why := unreadCA(in)
	if why == "" || in.Draft.Given("database.postgresql.caFile") || in.Draft.Given("database.postgresql.trustCA") || !in.Draft.Database.PostgreSQL.SSL {
		return ""
	}
	return "the authority of the server's certificate is not prefilled: " + reference + " " + why
}

// offeredPassword is the password that the server's operator keeps for the role.
func offeredPassword(in plan.Input) (where string, value secret.Text, ok bool) {
	pg := in.Draft.Database.PostgreSQL
	l, ok := in.Current.Databases.Login(pg.Host, pg.User)
	if !ok {
		return "", secret.Text{}, false
	}
	return fmt.Sprintf("Secret %s/%s, key %s", l.Password.Namespace, l.Password.Name, l.Password.Key), l.Text, true
}

// noHost says which servers there are, where no host was given.
func noHost(in plan.Input) string {
	list := in.Current.Databases.Found.List
	if len(list) == 0 {
		return ""
	}
	const most = 5
	var names []string
	for _, d := range list[:min(most, len(list))] {
		names = append(names, fmt.Sprintf("%s (%s)", d.Host, d.Operator))
	}
	if more := len(list) - most; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return "in the cluster there are " + strings.Join(names, ", ")
}

// noPassword says where it is, where none was given.
func noPassword(in plan.Input) string {
	if where, _, ok := offeredPassword(in); ok {
		return "the operator of the server keeps it in " + where
	}
	return ""
}

// candidateNotes are what is known of the operator of the chosen server.
func candidateNotes(in plan.Input) []string {
	pg, c := in.Draft.Database.PostgreSQL, in.Current.Databases
	var notes []string
	if why := c.Found.Unknown; why != "" && pg.Host == "" {
		notes = append(notes, "PostgreSQL servers that run in the cluster are not offered: "+why)
	}
	d, ok := c.At(pg.Host)
	if !ok {
		return notes
	}
	if note := unreadCANote(in); note != "" {
		notes = append(notes, strings.ToUpper(note[:1])+note[1:])
	}
	if c.Why != "" {
		notes = append(notes, "User and password of "+d.Name+" are not prefilled: "+c.Why)
	}
	role := "the role"
	if pg.User != "" {
		role = "the role " + pg.User
	}
	if l, ok := c.Login(pg.Host, pg.User); ok && l.Super {
		return append(notes, d.Operator+": "+pg.User+" rules the whole server. Make a role for the portal alone: CREATE ROLE backstage LOGIN CREATEDB PASSWORD '...'")
	}
	switch d.Operator {
	case "CloudNativePG":
		notes = append(notes, "CloudNativePG: "+role+" owns one database and may not create others, which Backstage does by default. In the Cluster, add it under spec.managed.roles with login: true and createdb: true.")
	case "Zalando postgres-operator":
		notes = append(notes, "Zalando postgres-operator: "+role+" may create databases only with the flag createdb under spec.users. The server shows a certificate that is signed by itself unless spec.tls is set, and the portal does not accept that one.")
	case "Crunchy PGO":
		notes = append(notes, "Crunchy PGO: "+role+" may create databases only with options: CREATEDB under spec.users of the PostgresCluster.")
	case "Bitnami postgresql":
		notes = append(notes, "Bitnami postgresql: the password in its Secret is of the role that the release calls auth.username; `helm get values` tells that name.")
	}
	return notes
}
