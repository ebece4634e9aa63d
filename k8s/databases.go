package k8s

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/openchoreo/backstage-setup/internal/secret"
)

// Database is a PostgreSQL server in the cluster that an operator or a chart runs.
type Database struct {
	Operator        string // "CloudNativePG"
	Namespace, Name string // of what the operator calls the cluster or release
	Host            string // <service>.<namespace>.svc, which leads to the primary
	Port            int
	TLS             Encryption
	CA              KeyOf // the authority of its certificate; zero where nobody keeps it
}

// Encryption is what an operator sets up unless it is told otherwise.
type Encryption string

// The kinds of encryption.
const (
	EncryptionUnknown Encryption = ""
	EncryptionOff     Encryption = "off"
	EncryptionOn      Encryption = "on"
)

// KeyOf is one key of a Secret.
type KeyOf struct{ Namespace, Name, Key string }

// String is "namespace/name/key".
func (k KeyOf) String() string { return k.Namespace + "/" + k.Name + "/" + k.Key }

// ParseKeyOf reads what String writes.
func ParseKeyOf(text string) (KeyOf, bool) {
	parts := strings.Split(text, "/")
	if len(parts) != 3 || slices.Contains(parts, "") {
		return KeyOf{}, false
	}
	return KeyOf{parts[0], parts[1], parts[2]}, true
}

// Databases are the servers that were found, by host.
type Databases struct {
	List    []Database
	Unknown string // why there may be others
}

// DatabaseLogin is a role of a Database, as a Secret of its operator has it.
type DatabaseLogin struct {
	Password KeyOf // where it is
	Text     secret.Text
	User     string // "" where the Secret does not say
	Database string // that belongs to it; "" where the Secret does not say
	Super    bool   // made to rule the whole server
}

// maxDatabases bounds each list of Services, maxLogins the Secrets of one Database
// that are read.
const (
	maxDatabases = 300
	maxLogins    = 8
)

// databaseOperator is how one operator marks what it makes. The sources are the
// operators' own code and documentation: cloudnative-pg (pkg/specs, "Connecting
// from an application"), zalando/postgres-operator (labels of its cluster), PGO v5
// (internal/naming), bitnami/postgresql (templates/primary/svc.yaml), StackGres
// ("Connecting to the cluster").
type databaseOperator struct {
	name     string
	selector string // of Services
	cluster  string // the label that names the cluster
	primary  func(s *corev1.Service, cluster string) bool
	tls      Encryption
	ca       func(cluster string) (name, key string) // nil: nobody keeps it
	logins   func(cluster, service string) loginSecrets
}

// loginSecrets are the Secrets with logins: by name, or those with the labels whose
// name ends so.
type loginSecrets struct {
	names            []string
	selector, suffix string
	keys             []loginKeys
}

// loginKeys are the keys of one login in a Secret; user "" has the fixed name.
type loginKeys struct{ user, fixed, password, database string }

var databaseOperators = []databaseOperator{
	{
		name: "CloudNativePG", selector: "cnpg.io/cluster", cluster: "cnpg.io/cluster", tls: EncryptionOn,
		primary: func(s *corev1.Service, cluster string) bool { return s.Name == cluster+"-rw" },
		ca:      func(cluster string) (string, string) { return cluster + "-ca", "ca.crt" },
		logins: func(cluster, _ string) loginSecrets {
			return loginSecrets{names: []string{cluster + "-app", cluster + "-superuser"}, keys: []loginKeys{{user: "username", password: "password", database: "dbname"}}}
		},
	},
	{
		name: "Zalando postgres-operator", selector: "application=spilo,spilo-role=master", cluster: "cluster-name", tls: EncryptionOn,
		primary: func(s *corev1.Service, cluster string) bool { return s.Name == cluster },
		logins: func(cluster, _ string) loginSecrets {
			return loginSecrets{selector: "application=spilo,cluster-name=" + cluster, suffix: ".credentials.postgresql.acid.zalan.do", keys: []loginKeys{{user: "username", password: "password"}}}
		},
	},
	{
		name: "Crunchy PGO", selector: "postgres-operator.crunchydata.com/cluster,postgres-operator.crunchydata.com/role=primary",
		cluster: "postgres-operator.crunchydata.com/cluster", tls: EncryptionOn,
		primary: func(s *corev1.Service, cluster string) bool { return s.Name == cluster+"-primary" },
		ca:      func(cluster string) (string, string) { return cluster + "-cluster-cert", "ca.crt" },
		logins: func(cluster, _ string) loginSecrets {
			return loginSecrets{
				selector: "postgres-operator.crunchydata.com/cluster=" + cluster + ",postgres-operator.crunchydata.com/role=pguser",
				keys:     []loginKeys{{user: "user", password: "password", database: "dbname"}},
			}
		},
	},
	{
		name: "Bitnami postgresql", selector: "app.kubernetes.io/name=postgresql,app.kubernetes.io/component=primary",
		cluster: "app.kubernetes.io/instance", tls: EncryptionOff,
		primary: func(s *corev1.Service, _ string) bool {
			return s.Spec.ClusterIP != corev1.ClusterIPNone && !strings.HasSuffix(s.Name, "-metrics")
		},
		logins: func(_, service string) loginSecrets {
			return loginSecrets{
				names: []string{strings.TrimSuffix(service, "-primary")},
				// Which role "password" is of is a value of the release, not in the Secret.
				keys: []loginKeys{{password: "password"}, {fixed: "postgres", password: "postgres-password"}},
			}
		},
	},
	{
		name: "StackGres", selector: "app=StackGresCluster,stackgres.io/cluster-name", cluster: "stackgres.io/cluster-name",
		primary: func(s *corev1.Service, cluster string) bool { return s.Name == cluster },
		logins: func(cluster, _ string) loginSecrets {
			return loginSecrets{names: []string{cluster}, keys: []loginKeys{{user: "superuser-username", fixed: "postgres", password: "superuser-password"}}}
		},
	},
}

// superusers are the names under which operators keep the role that may do all.
var superusers = []string{"postgres", "standby"}

// Databases finds the servers of known operators by the labels of their Services:
// one request for each operator, in all namespaces, or where that is not allowed in
// this one. No Secret is looked at.
func (c *Client) Databases(ctx context.Context, namespace string) Databases {
	var (
		wait sync.WaitGroup
		each = make([]Databases, len(databaseOperators))
	)
	for i, o := range databaseOperators {
		wait.Go(func() {
			list, err := c.databases(ctx, o, "")
			if errors.Is(err, ErrForbidden) {
				list, err = c.databases(ctx, o, namespace)
			}
			each[i] = Databases{list, unknown(err)}
		})
	}
	wait.Wait()
	var all Databases
	for _, found := range each {
		all.List = append(all.List, found.List...)
		if all.Unknown == "" {
			all.Unknown = found.Unknown
		}
	}
	slices.SortFunc(all.List, func(a, b Database) int { return strings.Compare(a.Host, b.Host) })
	return all
}

func (c *Client) databases(ctx context.Context, o databaseOperator, namespace string) ([]Database, error) {
	var services corev1.ServiceList
	if err := c.list(ctx, kind{"", "v1", "services"}, namespace, o.selector, maxDatabases, &services); err != nil {
		return nil, err
	}
	var list []Database
	for i := range services.Items {
		s := &services.Items[i]
		cluster := s.Labels[o.cluster]
		if cluster == "" || !o.primary(s, cluster) || s.Spec.Type == corev1.ServiceTypeExternalName {
			continue
		}
		d := Database{Operator: o.name, Namespace: s.Namespace, Name: cluster, Host: s.Name + "." + s.Namespace + ".svc", Port: postgresPort(s), TLS: o.tls}
		if o.ca != nil {
			name, key := o.ca(cluster)
			d.CA = KeyOf{s.Namespace, name, key}
		}
		list = append(list, d)
	}
	return list, nil
}

// postgresPort is the Service's port that is named after PostgreSQL, or its only
// one; 5432 when it does not tell.
func postgresPort(s *corev1.Service) int {
	for _, p := range s.Spec.Ports {
		if strings.Contains(p.Name, "postgres") || strings.HasPrefix(p.Name, "pg") || len(s.Spec.Ports) == 1 {
			return int(p.Port)
		}
	}
	return 5432
}

// Logins reads the Secrets in which d's operator keeps roles and their passwords,
// at most eight: those of applications first. It returns ErrForbidden where one may
// not be read, with what could be.
func (c *Client) Logins(ctx context.Context, d Database) ([]DatabaseLogin, error) {
	at := slices.IndexFunc(databaseOperators, func(o databaseOperator) bool { return o.name == d.Operator })
	if at < 0 {
		return nil, nil
	}
	service, _, _ := strings.Cut(d.Host, ".")
	places := databaseOperators[at].logins(d.Name, service)
	names, failed := places.names, error(nil)
	if places.selector != "" {
		names, failed = c.loginNames(ctx, d.Namespace, places)
	}
	var list []DatabaseLogin
	for _, name := range names {
		s, err := c.Secret(ctx, d.Namespace, name)
		switch {
		case errors.Is(err, ErrNotFound):
			continue
		case err != nil:
			failed = err
			continue
		}
		list = append(list, loginsIn(s, places.keys)...)
	}
	slices.SortStableFunc(list, func(a, b DatabaseLogin) int {
		switch {
		case a.Super == b.Super:
			return 0
		case b.Super:
			return -1
		}
		return 1
	})
	return list, failed
}

// loginNames lists Secrets by their labels, without what is in them.
func (c *Client) loginNames(ctx context.Context, namespace string, places loginSecrets) ([]string, error) {
	var found metav1.PartialObjectMetadataList
	if err := c.list(ctx, kind{"", "v1", "secrets"}, namespace, places.selector, 100, &found); err != nil {
		return nil, err
	}
	var names, super []string
	for _, item := range found.Items {
		role, ok := strings.CutSuffix(item.Name, places.suffix)
		switch first, _, _ := strings.Cut(role, "."); {
		case !ok:
		case slices.Contains(superusers, first) || strings.HasSuffix(role, "-"+superusers[0]):
			super = append(super, item.Name)
		default:
			names = append(names, item.Name)
		}
	}
	names = append(names, super...)
	return names[:min(len(names), maxLogins)], nil
}

func loginsIn(s *Secret, keys []loginKeys) []DatabaseLogin {
	var list []DatabaseLogin
	for _, k := range keys {
		password, ok := s.Values[k.password]
		if !ok || password.IsZero() {
			continue
		}
		user := k.fixed
		if value, ok := s.Values[k.user]; ok && !value.IsZero() {
			user = value.Reveal()
		}
		if user == "standby" { // replicates, and logs in to nothing
			continue
		}
		login := DatabaseLogin{Password: KeyOf{s.Namespace, s.Name, k.password}, Text: password, User: user, Super: slices.Contains(superusers, user)}
		if name, ok := s.Values[k.database]; ok && name.Reveal() != "*" {
			login.Database = name.Reveal()
		}
		list = append(list, login)
	}
	return list
}

// Certificates reads a key of a Secret that holds certificates in PEM, and nothing
// else of that Secret leaves here: a key may lie beside it. It returns ErrNotFound
// when there is none.
func (c *Client) Certificates(ctx context.Context, k KeyOf) ([]byte, error) {
	s, err := c.Secret(ctx, k.Namespace, k.Name)
	if err != nil {
		return nil, err
	}
	value, ok := s.Values[k.Key]
	if !ok {
		return nil, &RequestError{Verb: "get", Resource: "secrets", Namespace: k.Namespace, Name: k.Name, Reason: ErrNotFound, Detail: "it has no key " + k.Key}
	}
	return []byte(value.Reveal()), nil
}
