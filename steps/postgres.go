package steps

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/postgres"
	"github.com/openchoreo/backstage-setup/k8s"
)

// Postgres looks at PostgreSQL servers, and remembers: every distinct target is
// probed once until Forget, however many ask and at what time. It may be used
// concurrently.
type Postgres struct {
	own  []string
	dial Dial
	now  func() time.Time
	file string // of --ca-file
	ca   []byte // its content

	flights // also guards what follows
	cluster *k8s.Client
	shown   map[string]plan.ShownChain // by host:port
	writing sync.WaitGroup             // databases of Create's
}

// PostgresOptions are how a server is reached.
type PostgresOptions struct {
	Own  []string         // names of this machine, which no pod knows
	Dial Dial             // to all but Services; nil resolves and dials directly
	Now  func() time.Time // nil is the system's clock

	// CAFile and CA are path and content of --ca-file. The portal is not given these
	// certificates, so no check trusts them: they are a way out that is proposed.
	CAFile string
	CA     []byte
}

// NewPostgres makes a Postgres that has asked nothing yet.
func NewPostgres(o PostgresOptions) *Postgres {
	p := &Postgres{own: o.Own, dial: o.Dial, now: o.Now, file: o.CAFile, ca: o.CA}
	p.forget()
	return p
}

// Own are the names of this machine, which mean something else in a pod.
func (p *Postgres) Own() []string {
	if p == nil {
		return nil
	}
	return p.own
}

// Reach has Services of the cluster reached by a port-forward from now on; nil has
// none. What was answered on another way is forgotten.
func (p *Postgres) Reach(cluster *k8s.Client) {
	p.Lock()
	defer p.Unlock()
	p.cluster = cluster
	p.forget()
}

// Forget has every target probed anew.
func (p *Postgres) Forget() {
	p.Lock()
	defer p.Unlock()
	p.forget()
}

// Fresh returns a Postgres that goes the same way and has asked nothing yet.
func (p *Postgres) Fresh() *Postgres {
	p.Lock()
	defer p.Unlock()
	fresh := &Postgres{own: p.own, dial: p.dial, now: p.now, file: p.file, ca: p.ca, cluster: p.cluster}
	fresh.forget()
	return fresh
}

// forget has everything asked and shown anew. The lock is held.
func (p *Postgres) forget() {
	p.flights.forget()
	p.shown = map[string]plan.ShownChain{}
}

// PostgresQuery is all that a probe depends on.
type PostgresQuery struct {
	Target    postgres.Target
	Budget    postgres.Budget
	CA        []byte // certificates that the portal is given, in PEM; nil: those of Node.js
	Namespace string // of the portal: there a Service goes by its name alone
}

// parts are all of q, for its sum.
func (q PostgresQuery) parts() []string {
	t, b := q.Target, q.Budget
	return []string{
		t.Host, strconv.Itoa(t.Port), t.User, t.Password.Reveal(), t.Database, yesNo(t.SSL), string(t.Mode), string(t.Layout),
		strconv.Itoa(b.Replicas), strconv.Itoa(b.Surge), strconv.Itoa(b.Plugins), strconv.Itoa(b.Pool), string(q.CA), q.Namespace,
	}
}

// PostgresAnswer is what a probe came to.
type PostgresAnswer struct {
	Report   postgres.Report
	Verdicts []postgres.Verdict
	Forward  string // why the cluster does not forward to the Service; "" when it does
}

// postgresTimeout is more than a probe takes with a server that says nothing.
const postgresTimeout = 31 * time.Second

// Probe is postgres.Client's, as the portal in the cluster would connect. Where q
// names a Service, the way there is a port-forward.
func (p *Postgres) Probe(ctx context.Context, q PostgresQuery) PostgresAnswer {
	got, ok := await(ctx, &p.flights, sum("probe", q.parts()), postgresTimeout, func() func(context.Context) PostgresAnswer {
		cluster := p.cluster
		return func(ctx context.Context) PostgresAnswer { return p.probe(ctx, cluster, q) }
	})
	if !ok {
		return PostgresAnswer{Verdicts: []postgres.Verdict{databaseVerdict("canceled", "no answer yet: the run was stopped")}}
	}
	return got
}

func (p *Postgres) probe(ctx context.Context, cluster *k8s.Client, q PostgresQuery) (a PostgresAnswer) {
	client, forward, err := p.client(ctx, cluster, q)
	if err != nil {
		what, _, _ := strings.Cut(err.Error(), "\n")
		a.Verdicts = []postgres.Verdict{databaseVerdict("tls.partial", what)}
		return a
	}
	a.Report, a.Verdicts = client.Probe(ctx, q.Target, q.Budget)
	a.Forward = *forward
	p.remember(q, a.Report)
	return a
}

// Create is postgres.Client's CreateProbe, on the way that Probe goes: it makes a
// database and drops it again. It is done once for q until Forget, and never given
// up in the middle: Settle waits for its end.
func (p *Postgres) Create(ctx context.Context, q PostgresQuery) []postgres.Verdict {
	got, ok := await(ctx, &p.flights, sum("create", q.parts()), postgresTimeout, func() func(context.Context) []postgres.Verdict {
		cluster := p.cluster
		p.writing.Add(1)
		return func(ctx context.Context) []postgres.Verdict {
			defer p.writing.Done()
			client, _, err := p.client(ctx, cluster, q)
			if err != nil {
				what, _, _ := strings.Cut(err.Error(), "\n")
				return []postgres.Verdict{databaseVerdict("tls.partial", what)}
			}
			return client.CreateProbe(ctx, q.Target)
		}
	})
	if !ok {
		return []postgres.Verdict{databaseVerdict("canceled", "no answer yet: the run was stopped")}
	}
	return got
}

// Settle waits until no database of Create's is left on its way: at worst 40
// seconds. It is called before the process ends.
func (p *Postgres) Settle() { p.writing.Wait() }

// client reaches q's server, through a port-forward where that is a Service. Once
// it was used, forward says why the cluster does not forward.
func (p *Postgres) client(ctx context.Context, cluster *k8s.Client, q PostgresQuery) (client *postgres.Client, forward *string, err error) {
	config := postgres.Config{Dial: p.dial, CA: q.CA, Own: p.own, Now: p.now}
	forward = new(string)
	if host, ok := service(ctx, cluster, q); ok {
		at := address(host, q.Target.Port)
		config.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			conn, err := cluster.Dial(ctx, network, at)
			if errors.Is(err, k8s.ErrNotFound) || errors.Is(err, k8s.ErrForbidden) {
				*forward = err.Error()
			}
			return conn, err
		}
	}
	client, err = postgres.New(config)
	return client, forward, err
}

// Mends returns the path of --ca-file where the portal would accept what the server
// has shown once it is given those certificates in place of what it has; "" where
// they do not help.
func (p *Postgres) Mends(q PostgresQuery, r postgres.Report) string {
	if len(p.ca) == 0 || r.TLS == nil {
		return ""
	}
	client, err := postgres.New(postgres.Config{CA: p.ca, Now: p.now})
	if err != nil || !client.Accepts(q.Target, *r.TLS) {
		return ""
	}
	return p.file
}

func address(host string, port int) string {
	return net.JoinHostPort(strings.TrimSpace(host), strconv.Itoa(port))
}

// service is the name by which the cluster forwards to q's host, if that is a
// Service to the portal's pods: also a short name, which only they know.
func service(ctx context.Context, cluster *k8s.Client, q PostgresQuery) (host string, ok bool) {
	host = q.Target.Host
	if cluster == nil || net.ParseIP(host) != nil {
		return "", false
	}
	if k8s.IsClusterAddress(host) {
		return host, true
	}
	if strings.Count(strings.TrimSuffix(host, "."), ".") > 1 {
		return "", false
	}
	if _, refused := postgres.Unreachable(host); refused {
		return "", false
	}
	host, err := cluster.ServiceHost(ctx, q.Namespace, host)
	return host, err == nil
}

// databaseVerdict is a verdict of this package's own, by the id of one of
// postgres's.
func databaseVerdict(id, found string) postgres.Verdict {
	v := postgres.Verdict{ID: id, Class: postgres.Fail, Found: found}
	for _, k := range postgres.Kinds() {
		if k.ID == id {
			v.Class, v.Cause, v.Fix = k.Class, k.Cause, k.Fix
		}
	}
	return v
}
