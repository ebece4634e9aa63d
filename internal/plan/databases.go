package plan

import (
	"slices"

	"github.com/openchoreo/backstage-setup/k8s"
)

// Databases is what the cluster said about PostgreSQL servers in it, and about the
// ways to them, as plain data.
type Databases struct {
	Found  k8s.Databases
	Host   string              // whose logins were read; "" is nobody's
	Logins []k8s.DatabaseLogin // of applications first
	Why    string              // why not all logins could be read; "" when they were

	CAFile    string // the reference to certificates that was read; "" is none
	CA        []byte // in PEM
	CAProblem string // why they could not be read; completes "The value …"

	Forward []k8s.Access // what port-forwards take, to Services that are asked
}

// At is the server behind a host, if it is one that was found.
func (d Databases) At(host string) (k8s.Database, bool) {
	at := slices.IndexFunc(d.Found.List, func(db k8s.Database) bool { return host != "" && db.Host == host })
	if at < 0 {
		return k8s.Database{}, false
	}
	return d.Found.List[at], true
}

// Login is what the operator of the server behind host keeps for a role: by its
// name, or, where no Secret names it, the one that applications are to use.
func (d Databases) Login(host, user string) (k8s.DatabaseLogin, bool) {
	if host == "" || d.Host != host {
		return k8s.DatabaseLogin{}, false
	}
	for _, fits := range []func(k8s.DatabaseLogin) bool{
		func(l k8s.DatabaseLogin) bool { return l.User == user && user != "" },
		func(l k8s.DatabaseLogin) bool { return l.User == "" },
	} {
		if at := slices.IndexFunc(d.Logins, fits); at >= 0 {
			return d.Logins[at], true
		}
	}
	return k8s.DatabaseLogin{}, false
}

// AllRights are those that a run can need, and those of the ways to Services.
func (c Current) AllRights() []k8s.Access {
	all := slices.Clone(c.Rights)
	for _, right := range c.Databases.Forward {
		if !slices.ContainsFunc(all, right.Same) {
			all = append(all, right)
		}
	}
	return all
}
