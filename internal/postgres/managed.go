package postgres

import (
	"regexp"
	"slices"
	"strings"
)

// Service is what is known about one managed PostgreSQL: help, never a gate. What
// counts is what the server answers.
type Service struct {
	ID, Name string
	Pattern  *regexp.Regexp // of host names, in lower case without a dot at the end

	TLS      string // which authority, and whether TLS is a must
	Private  bool   // the authority is none of Node.js's: a CA file is needed
	Bundle   string // address or place of that file; "" with a public authority
	Role     string // how to get a role that may create databases
	Pooler   string // how its pooler is known, and which to use
	Warnings []string
	Fixes    map[string]string // by ID of a verdict: what to do in this service
	Sources  []string
}

// Managed returns the service to which a host name belongs; false when it could
// be anybody's server.
func Managed(host string) (Service, bool) {
	host = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(host)), ".")
	at := slices.IndexFunc(services, func(s Service) bool { return s.Pattern.MatchString(host) })
	if at < 0 {
		return Service{}, false
	}
	s := services[at]
	for _, region := range bundles {
		if s.Bundle == rdsBundle && region.pattern.MatchString(host) {
			s.Bundle = region.bundle
		}
	}
	return s, true
}

// Services returns all rows, the more special ones first.
func Services() []Service { return slices.Clone(services) }

const rdsBundle = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"

// bundles are Amazon's partitions whose authorities are others.
var bundles = []struct {
	pattern *regexp.Regexp
	bundle  string
}{
	{regexp.MustCompile(`\.rds\.cn-[a-z0-9-]+\.amazonaws\.com\.cn$|\.rds\.amazonaws\.com\.cn$`), "https://rds-truststore.s3.cn-north-1.amazonaws.com.cn/global/global-bundle.pem"},
	{regexp.MustCompile(`\.us-gov-[a-z]+-[0-9]+\.rds\.amazonaws\.com$`), "https://truststore.pki.us-gov-west-1.rds.amazonaws.com/global/global-bundle.pem"},
}

// Of the rows' texts, what was not verified says "usually".
var services = []Service{
	{
		ID: "rds-proxy", Name: "Amazon RDS Proxy", Pattern: regexp.MustCompile(`\.proxy-[^.]+\.[^.]+\.rds\.amazonaws\.com(\.cn)?$`),
		TLS:      "its certificate is usually one of Amazon's public authority, which Node.js trusts",
		Role:     "the role of the database behind it: ALTER ROLE <role> CREATEDB as the master user",
		Pooler:   "it is one: what a session sets pins its connection; usually the writer's endpoint is the simpler choice",
		Warnings: []string{"every role needs a secret that the proxy may read"},
		Sources:  []string{"awsdocs rds-proxy-howitworks"},
	},
	{
		ID: "aurora", Name: "Amazon Aurora PostgreSQL", Pattern: regexp.MustCompile(`\.cluster-(ro-|custom-)?[^.]+\.[^.]+\.rds\.amazonaws\.com(\.cn)?$`),
		TLS: "Amazon's private authority, which Node.js does not trust", Private: true, Bundle: rdsBundle,
		Role:     "as the master user: ALTER ROLE <role> CREATEDB; being a member of rds_superuser is not enough",
		Pooler:   "none of its own; a host with .proxy- is the RDS Proxy",
		Warnings: []string{"a host with .cluster-ro- is the reader's endpoint, where nothing can be written: take the one with .cluster-"},
		Fixes: map[string]string{
			"tls.authority":   "download <bundle> and give it as the CA file (database.postgresql.caFile)",
			"tls.incomplete":  "download <bundle> and give it as the CA file (database.postgresql.caFile)",
			"role.createdb":   "being a member of rds_superuser is not enough; as the master user:\nALTER ROLE <role> CREATEDB;",
			"login.hba.tls":   "set database.postgresql.ssl to true, with <bundle> as the CA file: rds.force_ssl is on",
			"network.timeout": "allow the cluster's security group or address range to port 5432 in the security group of the database; from here it may stay closed: check through the cluster",
			"server.standby":  "give the host with .cluster- in place of the one with .cluster-ro- or an instance's",
		},
		Sources: []string{"postgres.md 3.2, 3.4", "awsdocs UsingWithRDS.SSL"},
	},
	{
		ID: "rds", Name: "Amazon RDS for PostgreSQL", Pattern: regexp.MustCompile(`\.rds\.amazonaws\.com(\.cn)?$|\.rds\.cn-[a-z0-9-]+\.amazonaws\.com\.cn$`),
		TLS: "Amazon's private authority, which Node.js does not trust; from PostgreSQL 15 on usually a must (rds.force_ssl)", Private: true, Bundle: rdsBundle,
		Role:   "as the master user: ALTER ROLE <role> CREATEDB; being a member of rds_superuser is not enough",
		Pooler: "none of its own; a host with .proxy- is the RDS Proxy",
		Fixes: map[string]string{
			"tls.authority":   "download <bundle> and give it as the CA file (database.postgresql.caFile)",
			"tls.incomplete":  "download <bundle> and give it as the CA file (database.postgresql.caFile)",
			"role.createdb":   "being a member of rds_superuser is not enough; as the master user:\nALTER ROLE <role> CREATEDB;",
			"login.hba.tls":   "set database.postgresql.ssl to true, with <bundle> as the CA file: rds.force_ssl is on",
			"network.timeout": "allow the cluster's security group or address range to port 5432 in the security group of the database; from here it may stay closed: check through the cluster",
		},
		Sources: []string{"postgres.md 3.2, 3.4", "awsdocs UsingWithRDS.SSL"},
	},
	{
		ID: "alloydb", Name: "AlloyDB for PostgreSQL", Pattern: regexp.MustCompile(`\.alloydb(-psa|-psc)?\.goog$`),
		TLS: "a private authority of the cluster, which Node.js does not trust; TLS is usually a must (ENCRYPTED_ONLY)", Private: true, Bundle: "the cluster's CA certificate, from the console or the API",
		Role:     "as postgres: ALTER ROLE <role> CREATEDB; being a member of alloydbsuperuser is not enough",
		Pooler:   "managed pooling is usually on port 6432: use 5432",
		Warnings: []string{"an IP address cannot be verified: use the instance's DNS name"},
		Fixes: map[string]string{
			"tls.authority": "take the cluster's CA certificate from the console and give it as the CA file (database.postgresql.caFile)",
			"role.createdb": "being a member of alloydbsuperuser is not enough; as postgres:\nALTER ROLE <role> CREATEDB;",
		},
		Sources: []string{"postgres.md 3.2, 3.4", "google SslConfig.SslMode"},
	},
	{
		ID: "cloudsql", Name: "Cloud SQL for PostgreSQL", Pattern: regexp.MustCompile(`\.sql(-psa|-psc)?\.goog$`),
		TLS: "an authority of the instance or of Google's CA service, which Node.js does not trust", Private: true, Bundle: "server-ca.pem: gcloud sql instances describe <instance> --format='value(serverCaCert.cert)'",
		Role:     "users of the console are members of cloudsqlsuperuser with CREATEDB; for one that SQL made, as postgres: ALTER ROLE <role> CREATEDB",
		Pooler:   "managed pooling is usually on another port: use 5432",
		Warnings: []string{"an IP address cannot be verified: use the instance's DNS name, or the Cloud SQL Auth Proxy in the cluster without TLS"},
		Fixes: map[string]string{
			"tls.authority": "take server-ca.pem of the instance (Connections, Security) and give it as the CA file (database.postgresql.caFile)",
			"role.createdb": "make the user in the console, or as postgres:\nALTER ROLE <role> CREATEDB;",
			"login.hba.tls": "set database.postgresql.ssl to true, with the instance's server-ca.pem as the CA file",
		},
		Sources: []string{"postgres.md 3.2, 3.4", "google authorize-ssl"},
	},
	{
		ID: "azure", Name: "Azure Database for PostgreSQL", Pattern: regexp.MustCompile(`\.postgres\.database\.(azure\.com|usgovcloudapi\.net|chinacloudapi\.cn)$`),
		TLS:      "public authorities (DigiCert Global Root G2, Microsoft RSA Root 2017), which Node.js trusts: no CA file; a must unless require_secure_transport is off",
		Role:     "as the administrator: ALTER ROLE <role> CREATEDB; being a member of azure_pg_admin is not enough",
		Pooler:   "the built-in PgBouncer is on port 6432: use 5432",
		Warnings: []string{"the firewall rules of the server have to name the addresses that the cluster goes out with"},
		Fixes: map[string]string{
			"role.createdb":      "being a member of azure_pg_admin is not enough; as the administrator:\nALTER ROLE <role> CREATEDB;",
			"login.hba.tls":      "set database.postgresql.ssl to true, without a CA file: require_secure_transport is on",
			"login.hba":          "allow the address range that the cluster goes out with in the firewall rules of the server",
			"network.timeout":    "allow the address range that the cluster goes out with in the firewall rules of the server, or use its private endpoint",
			"tls.public":         "leave the CA file (database.postgresql.caFile) out: the authorities of Azure are public",
			"pooler.transaction": "use port 5432 in place of 6432",
			"pooler.schema":      "use port 5432 in place of 6432",
			"pooler.databases":   "use port 5432 in place of 6432",
		},
		Sources: []string{"postgres.md 3.2, 3.4", "microsoft concepts-networking-ssl-tls"},
	},
	{
		ID: "neon", Name: "Neon", Pattern: regexp.MustCompile(`\.neon\.tech$`),
		TLS:      "a public authority (Let's Encrypt), which Node.js trusts: no CA file; a must",
		Role:     "roles of the console are usually members of neon_superuser with CREATEDB; for one that SQL made: ALTER ROLE <role> CREATEDB",
		Pooler:   "a host with -pooler is PgBouncer in transaction mode: take the host without it",
		Warnings: []string{"a compute that sleeps takes some seconds for its first connection"},
		Fixes: map[string]string{
			"tls.public":         "leave the CA file (database.postgresql.caFile) out: the authority of Neon is public",
			"pooler.transaction": "take the host without -pooler",
			"pooler.schema":      "take the host without -pooler",
			"pooler.databases":   "take the host without -pooler",
		},
		Sources: []string{"neon faqs: postgres-services-built-in-connection-pooling", "neon connect-securely"},
	},
	{
		ID: "supabase-pooler", Name: "Supabase, through its pooler", Pattern: regexp.MustCompile(`\.pooler\.supabase\.com$`),
		TLS: "Supabase's private authority, which Node.js does not trust", Private: true, Bundle: "the project's certificate: Database settings, SSL configuration, Download certificate",
		Role:     "the user is <role>.<project>, such as postgres.abcdefgh, which usually may create databases",
		Pooler:   "port 5432 is session mode, port 6543 transaction mode: use 5432",
		Warnings: []string{"the pooler usually knows the databases of its project alone: prove it with the probe database, or use the schema layout"},
		Fixes: map[string]string{
			"tls.authority":      "download the project's certificate (Database settings, SSL configuration) and give it as the CA file (database.postgresql.caFile)",
			"tls.selfsigned":     "download the project's certificate (Database settings, SSL configuration) and give it as the CA file (database.postgresql.caFile)",
			"pooler.transaction": "use port 5432 in place of 6543",
			"pooler.schema":      "use port 5432 in place of 6543",
		},
		Sources: []string{"supabase agent-skills db-conn-pooling.md", "supavisor pool_modes"},
	},
	{
		ID: "supabase", Name: "Supabase", Pattern: regexp.MustCompile(`^db\.[a-z0-9]+\.supabase\.(co|com|red)$`),
		TLS: "Supabase's private authority, which Node.js does not trust", Private: true, Bundle: "the project's certificate: Database settings, SSL configuration, Download certificate",
		Role:     "the role postgres is no superuser and usually may create databases; for another one: ALTER ROLE <role> CREATEDB",
		Pooler:   "hosts below pooler.supabase.com: port 5432 is session mode, 6543 transaction mode",
		Warnings: []string{"the name has an IPv6 address alone unless the project pays for IPv4: many clusters cannot reach it"},
		Fixes: map[string]string{
			"tls.authority":       "download the project's certificate (Database settings, SSL configuration) and give it as the CA file (database.postgresql.caFile)",
			"tls.selfsigned":      "download the project's certificate (Database settings, SSL configuration) and give it as the CA file (database.postgresql.caFile)",
			"network.unreachable": "the name has an IPv6 address alone unless the project pays for IPv4: use the session pooler, port 5432 below pooler.supabase.com",
		},
		Sources: []string{"supabase agent-skills db-conn-pooling.md"},
	},
}
