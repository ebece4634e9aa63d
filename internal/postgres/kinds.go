package postgres

import "slices"

// kinds is every verdict that there is. The sources of the causes: node-postgres
// 8.16.3, knex 3.1.0 and Backstage's backend-defaults 0.12.1 and 0.15.1 for the
// portal, PostgreSQL's and PgBouncer's source for the server.
var kinds = slices.Concat(targetKinds, networkKinds, tlsKinds, serverKinds, loginKinds, limitKinds, rightKinds, createKinds)

var targetKinds = []Kind{
	{"target.host", Fail, "node-postgres takes one host name", "give the server's host name, such as postgres.example.com or db.team.svc.cluster.local"},
	{"target.unreachable", Fail, "the portal runs in a pod, where the name means another machine", "give the name by which the cluster reaches the server: the address of a managed service, or <service>.<namespace>.svc.cluster.local"},
	{"target.loopback", Warn, "a pod resolves names by itself: there the name means something else or nothing", "take the name out of this machine's hosts file, or give the one that the cluster knows"},
	{"target.port", Fail, "a port is a number from 1 to 65535", "give the server's port: 5432 unless somebody changed it"},
	{"target.text", Fail, "PostgreSQL takes text in UTF-8 without zero bytes", "enter it again"},
	{"target.incomplete", Inconclusive, "nothing was asked; the portal does not start with an empty setting", "enter host, port, user, password and database"},
	{"target.blank", Warn, "Backstage takes white space off both ends of its settings, so it was tried without", "enter it without; if the password really has blanks at an end, give it another one:\nALTER ROLE <role> PASSWORD '...';"},
	{"target.ip", Fail, "for an address node-postgres compares the certificate with the name localhost, whatever is in it", "give a host name that is in the certificate; a Service with externalName or Endpoints gives an address a name in the cluster"},
}

var networkKinds = []Kind{
	{"canceled", Inconclusive, "nothing is known about the rest", "run the check again"},
	{"network.name", Inconclusive, "the name may be known inside the cluster only", "check the spelling; if only the cluster knows the name, --probe-job prints a Job that asks from there"},
	{"network.resolver", Inconclusive, "nothing is known about the name", "check this machine's network, then run the check again"},
	{"network.refused", Inconclusive, "the server is not running there, listens on another port, or only for others (listen_addresses)", "check host and port, and that the server runs; if only the cluster can reach it, --probe-job prints a Job that asks from there"},
	{"network.timeout", Inconclusive, "a firewall or security group drops what is sent to it, or there is no such machine", "allow the way to the server's port in its firewall or security group; if only the cluster can reach it, --probe-job prints a Job that asks from there"},
	{"network.unreachable", Inconclusive, "there is no way from here; there may be one from the cluster", "check address, VPN and firewall; if only the cluster can reach it, --probe-job prints a Job that asks from there"},
	{"network.closed", Inconclusive, "a load balancer or proxy may have no server behind it, or the server is overloaded", "check that the server runs and that nothing else listens on the port"},
	{"network.dropped", Inconclusive, "the server was stopped, or something in between ends connections", "look into the server's log, then run the check again"},
	{"server.silent", Inconclusive, "something else may listen there, or the server is overloaded", "check host and port, and the server's load"},
	{"server.other", Fail, "the portal speaks PostgreSQL's protocol and no other", "check host and port: PostgreSQL's is 5432 unless somebody changed it"},
	{"server.tlsfirst", Fail, "node-postgres asks for TLS in PostgreSQL's own way first", "give the port of PostgreSQL itself, not of a TLS proxy in front of it"},
	{"server.large", Fail, "PostgreSQL sends nothing that large here", "check host and port"},
	{"server.odd", Fail, "the portal relies on PostgreSQL's own catalogs", "check that the server is PostgreSQL, and that nothing in between changes answers"},
}

var tlsKinds = []Kind{
	{"tls.ok", Pass, "", ""},
	{"tls.unsupported", Fail, "with ssl on, the portal does not fall back to a connection without TLS", "switch TLS on at the server (ssl = on in postgresql.conf, with a certificate), or set database.postgresql.ssl to false"},
	{"tls.version", Fail, "Node.js needs TLS 1.2 or newer", "set ssl_min_protocol_version to TLSv1.2 and ssl_max_protocol_version to '' at the server"},
	{"tls.handshake", Inconclusive, "Node.js may fare differently, since its TLS is another", "look into the server's log, and check ssl_ciphers and its certificate"},
	{"tls.selfsigned", Fail, "the portal accepts certificates of authorities that Node.js knows", "give this certificate as the CA file (database.postgresql.caFile) after comparing its fingerprint with the server's"},
	{"tls.authority", Fail, "the portal trusts what Node.js is built with; Amazon RDS, Cloud SQL and servers in the cluster have authorities of their own", "give the authority's certificate as the CA file (database.postgresql.caFile); it becomes a key of the Secret and a variable of the portal"},
	{"tls.incomplete", Fail, "the portal does not fetch what is missing between the certificate and its authority", "let the server show the whole chain (ssl_cert_file: its own certificate first, then the intermediate ones), or put the issuer's certificate and those above it into the CA file"},
	{"tls.partial", Fail, "Node.js follows a chain up to a certificate that is signed by itself", "put the root certificate into the CA file too"},
	{"tls.public", Fail, "with a CA file the portal trusts nothing else: Node.js's own list is replaced", "leave the CA file (database.postgresql.caFile) out"},
	{"tls.host", Fail, "the portal compares the host name with the certificate", "give a host name that is in the certificate, or add this one to its subject alternative names"},
	{"tls.expired", Fail, "the portal connects to no server with such a certificate", "renew the certificate at the server"},
	{"tls.early", Fail, "either the certificate is not in force yet or the clock here is wrong", "check the clock of this machine, then the certificate"},
	{"tls.certificate", Fail, "the portal does not connect to a server with it", "have a certificate for servers made (extended key usage serverAuth, no constraint against the name)"},
	{"tls.expiring", Warn, "from then on the portal cannot connect any more", "renew the certificate at the server, and the CA file if it is in there"},
	{"tls.off", Warn, "password and data cross the network without encryption", "set database.postgresql.ssl to true if the server has TLS"},
	{"tls.unverified", Warn, "whoever is on the way can pose as the server and read everything", "give the authority's certificate as the CA file (database.postgresql.caFile), and set database.postgresql.verify to yes"},
}

var serverKinds = []Kind{
	{"server.product", Fail, "knex wants a version that begins with PostgreSQL, and ends the portal when there is none", "use PostgreSQL itself"},
	{"server.old", Fail, "Backstage's tables need a newer one", "upgrade the server to PostgreSQL 14 or newer"},
	{"server.version", Warn, "Backstage supports the five newest versions, 14 to 18", "upgrade the server to PostgreSQL 14 or newer"},
	{"server.newer", Warn, "Backstage is tested with the versions 14 to 18", "watch the portal's log after the switch"},
	{"server.starting", Inconclusive, "it takes no connections yet, or it is a standby that nobody may read", "wait until the server has started, then run the check again; give the primary's host if this is a standby"},
	{"server.stopping", Inconclusive, "an administrator or a crash has ended the connection", "look into the server's log, then run the check again"},
	{"server.resources", Fail, "the server has no memory, disk or files left", "look into the server's log and free what is short"},
	{"server.internal", Inconclusive, "the server has a problem of its own", "look into the server's log"},
	{"server.slow", Inconclusive, "the server is overloaded, or something is locked", "look into pg_stat_activity, then run the check again"},
	{"server.denied", Fail, "the role lacks a right that every role usually has", "grant what the message names to <role>"},
	{"server.error", Fail, "the server refuses for a reason of its own", "look the SQLSTATE up in PostgreSQL's documentation, and look into the server's log"},
	{"server.standby", Fail, "the portal writes all the time", "give the host of the primary: with Aurora the one with .cluster-, in a cluster the Service for reading and writing"},
	{"server.readonly", Fail, "the portal writes all the time", "look for default_transaction_read_only in postgresql.conf and in the settings of the database too; for the role:\nALTER ROLE <role> SET default_transaction_read_only = off;"},
	{"pooler", Warn, "the portal keeps pools of its own, and the pooler's limits are not known here", "give the server's own host and port, unless the pooler is meant"},
	{"pooler.transaction", Warn, "what one session sets another one gets; Backstage's own statements do without", "give the server's own host and port, or the pooler's session mode"},
	{"pooler.schema", Fail, "in schema mode every connection sets its search_path once, which such a pooler gives to others", "give the server's own host and port, or the pooler's session mode; or use a database per plugin"},
	{"pooler.databases", Inconclusive, "Backstage makes databases and connects to them through the pooler", "give the server's own host and port; or let the pooler take all databases (* = host=...) and prove it with the probe database"},
	{"pooler.parameter", Fail, "the pooler refuses a setting of the connection", "add it to ignore_startup_parameters of the pooler, or give the server's own port"},
	{"pooler.refused", Fail, "a pooler or proxy cannot or will not connect to the server behind it", "look into the pooler's log, or give the server's own host and port"},
}

var loginKinds = []Kind{
	{"database.ok", Pass, "the portal's pods come from another address: pg_hba.conf, firewalls, security groups and the NetworkPolicy of the portal may treat them differently", ""},
	{"login.password", Fail, "the password is wrong, the password has expired (VALID UNTIL), or there is no such role: the server does not say which", "check user and password; an administrator sets them anew with\nALTER ROLE <role> PASSWORD '...' VALID UNTIL 'infinity';"},
	{"login.unicode", Fail, "the password is wrong, or it is one that libpq writes differently: node-postgres sends letters beyond ASCII as they are, without SASLprep", "choose a password of ASCII letters, digits and signs:\nALTER ROLE <role> PASSWORD '...';"},
	{"login.hba.tls", Fail, "the server lets nobody in without TLS from here, as RDS and Azure do; or pg_hba.conf has no line for this address", "set database.postgresql.ssl to true; if the server has no TLS, add a line to pg_hba.conf:\nhost all <role> <address range of the cluster> scram-sha-256"},
	{"login.hba", Fail, "pg_hba.conf has no line for this role, database and address; the address is this machine's, a pod's is another", "allow the address in the service's console, or add a line to pg_hba.conf:\nhostssl all <role> <address range of the cluster> scram-sha-256"},
	{"login.hba.rejects", Fail, "a line of pg_hba.conf says reject for this role, database and address; the address is this machine's, a pod's is another", "change that line of pg_hba.conf, or put one above it:\nhostssl all <role> <address range of the cluster> scram-sha-256"},
	{"login.nologin", Fail, "the role is a group: it has no LOGIN", "ALTER ROLE <role> LOGIN;"},
	{"login.unknown", Fail, "there is no such role", "CREATE ROLE <role> LOGIN CREATEDB PASSWORD '...';"},
	{"login.certificate", Fail, "the server wants a certificate of the client, and the portal has none", "change the line of pg_hba.conf for this role: scram-sha-256 in place of cert, without clientcert"},
	{"login.method", Fail, "node-postgres knows passwords only: SCRAM-SHA-256, md5 and plain", "add a line to pg_hba.conf for this role:\nhostssl all <role> <address range of the cluster> scram-sha-256"},
	{"login.cleartext", Inconclusive, "whoever is on the way could read it, and the portal would send it", "set database.postgresql.ssl to true, or the method in pg_hba.conf to scram-sha-256"},
	{"login.scram", Inconclusive, "something in between changes the login, or the server is none", "check host and port"},
	{"login.signature", Fail, "this is not the server that has the role: something poses as it", "check host and port, and use TLS with verification"},
	{"login.refused", Fail, "the server refuses this role", "look into the server's log: it says there what it does not tell clients"},
	{"login.unchecked", Inconclusive, "whether the password is right is not known: from a pod's address another line of pg_hba.conf may ask for it", "set the method in pg_hba.conf to scram-sha-256 for this address too; through a port-forward the server sees 127.0.0.1, which many images trust: --probe-job prints a Job that asks from the cluster"},
	{"database.missing", Fail, "the portal connects to this database before any other, by this very name; a pooler has to take all databases (* = host=...)", "CREATE DATABASE <database>;"},
	{"database.connect", Fail, "the portal connects to this database, whatever the Secret names", "GRANT CONNECT ON DATABASE <database> TO <role>;"},
	{"database.closed", Fail, "the portal connects to this database", "ALTER DATABASE <database> ALLOW_CONNECTIONS true;"},
}

var limitKinds = []Kind{
	{"limit.role", Fail, "the role's CONNECTION LIMIT is reached", "ALTER ROLE <role> CONNECTION LIMIT -1;"},
	{"limit.database", Fail, "the database's CONNECTION LIMIT is reached", "ALTER DATABASE <database> CONNECTION LIMIT -1;"},
	{"limit.server", Fail, "max_connections is reached", "close connections that nobody needs, or raise max_connections and restart the server"},
	{"limit.tight", Fail, "every plugin needs a connection of its own when the portal starts", "raise max_connections and restart the server, or close what nobody needs"},
	{"limit.budget", Warn, "every plugin of every pod has a pool of its own: when all are busy, the server refuses connections", "set backend.database.knexConfig.pool.max to the pool that fits (backstage.appConfig, or the variable APP_CONFIG_backend_database_knexConfig_pool_max), run fewer replicas, or raise max_connections"},
	{"limit.unmeasured", Warn, "how many connections are free is not known, only how many there can be", "let the role see who is connected:\nGRANT SELECT ON pg_catalog.pg_stat_activity TO <role>;"},
	{"limit.role.tight", Fail, "every plugin needs a connection of its own when the portal starts", "ALTER ROLE <role> CONNECTION LIMIT -1;"},
	{"limit.role.budget", Warn, "every plugin of every pod has a pool of its own: when all are busy, the server refuses connections", "set backend.database.knexConfig.pool.max to the pool that fits, or lift the limit:\nALTER ROLE <role> CONNECTION LIMIT -1;"},
}

var rightKinds = []Kind{
	{"role.createdb", Fail, "Backstage makes a database per plugin; CREATEDB is the role's own and not inherited from a group", "ALTER ROLE <role> CREATEDB;"},
	{"role.precreated", Warn, "that is enough until a plugin is added", "ALTER ROLE <role> CREATEDB;"},
	{"role.superuser", Warn, "whoever gets the portal's password rules the whole server", "make a role for the portal alone, and give that one:\nCREATE ROLE backstage LOGIN CREATEDB PASSWORD '...';"},
	{"role.expires", Warn, "from then on the portal cannot log in any more", "ALTER ROLE <role> VALID UNTIL 'infinity';"},
	{"encoding.ascii", Warn, "the server stores bytes without knowing their meaning: sorting and searching go wrong beyond ASCII", "have databases made with UTF-8, each like this one:\nCREATE DATABASE backstage_plugin_catalog OWNER <role> ENCODING 'UTF8' TEMPLATE template0;"},
	{"encoding.other", Fail, "what the encoding cannot write is refused, and with it the entity that has it", "a database's encoding cannot be changed; have databases made with UTF-8, each like this one:\nCREATE DATABASE backstage_plugin_catalog OWNER <role> ENCODING 'UTF8' TEMPLATE template0;"},
	{"template.busy", Warn, "a database is copied from template1, which nobody else may use meanwhile", "end what is connected to template1:\nSELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'template1';"},
	{"template.collation", Fail, "the server makes no database from a template whose collation has changed", "ALTER DATABASE template1 REFRESH COLLATION VERSION;"},
	{"plugin.missing", Fail, "with ensureExists false Backstage makes none itself", "have an administrator of the server create them for the role"},
	{"plugin.connect", Fail, "the plugin that it is for does not start", "ALTER DATABASE <database> OWNER TO <role>;"},
	{"plugin.schema", Fail, "from PostgreSQL 15 on only the owner of a database may create tables in it", "ALTER DATABASE <database> OWNER TO <role>;"},
	{"plugin.tables", Fail, "the plugin alters its tables when it is upgraded, which only their owner may", "as an administrator, with psql:\n\\connect <database>\nREASSIGN OWNED BY <the other role> TO <role>;"},
	{"plugin.limit", Warn, "when all are busy, the server refuses the plugin's connections", "ALTER DATABASE <database> CONNECTION LIMIT -1;"},
	{"schema.owner", Fail, "the plugins that they are for do not start", "as an administrator, with psql, the last for each of the schemas:\n\\connect <database>\nALTER SCHEMA <the plugin> OWNER TO <role>;"},
	{"schema.create", Fail, "in schema mode Backstage makes a schema per plugin", "one of these:\nGRANT CREATE ON DATABASE <database> TO <role>;\nALTER DATABASE <database> OWNER TO <role>;"},
}

var createKinds = []Kind{
	{"create.ok", Pass, "", ""},
	{"create.exists", Warn, "somebody made the same database at the same moment, such as another pod: Backstage tries again", "run it again"},
	{"create.transaction", Fail, "a pooler or proxy puts statements into transactions, and a database cannot be made in one", "give the server's own host and port"},
	{"create.left", Warn, "it is empty, and nobody needs it", "DROP DATABASE IF EXISTS <database>;"},
}
