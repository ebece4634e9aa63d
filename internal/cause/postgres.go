package cause

// postgresRows are what PostgreSQL answers (by its messages: logs of Backstage
// do not always hold the SQLSTATE), and what pg and knex say about it.
func postgresRows() []row {
	dead := []string{"k8s.probe", "api.", "general."}
	return []row{
		{
			id: "postgres.needs-tls", words: []string{"no pg_hba.conf entry", "pg_hba.conf rejects connection"},
			match: has(`pg_hba\.conf.{0,300}(?:no encryption|ssl off)`),
			title: "PostgreSQL wants TLS",
			cause: "The server lets nobody in without encryption, as RDS and Azure do; or the pod's address is not in pg_hba.conf.",
			fix:   "Switch database.postgresql.ssl on, and give the authority's certificate with it.",
			step:  "database.postgresql.ssl", hides: dead,
		},
		{
			id: "postgres.hba", words: []string{"no pg_hba.conf entry", "pg_hba.conf rejects connection"}, not: []string{"no encryption", "ssl off"},
			title: "PostgreSQL does not let the pod in",
			cause: "pg_hba.conf has no line for this user, database and address.",
			fix:   "Allow the cluster's address range for this user in pg_hba.conf, for all databases: the portal makes several.",
			step:  "database.postgresql.user", hides: dead,
		},
		{
			id: "postgres.no-tls", words: []string{"the server does not support ssl connections", "server does not support ssl"},
			title: "PostgreSQL has no TLS",
			cause: "The portal insists on TLS and the server does not offer it: most servers within a cluster do not.",
			fix:   "Switch database.postgresql.ssl off, or switch TLS on at the server.",
			step:  "database.postgresql.ssl", hides: dead,
		},
		{
			id: "postgres.password", words: []string{"password authentication failed for user", "client password must be a string", "sasl: scram", "password must be a string"},
			title: "PostgreSQL refuses the password",
			cause: "User or password in the Secret are wrong, the role has expired, or the pods still run with an old password.",
			fix:   "Set postgres-user and postgres-password, without a line break at their end, and restart: pods read the Secret when they start.",
			step:  "database.postgresql.password", hides: dead,
		},
		{
			id: "postgres.role", words: []string{"role \""},
			match: has(`role "[^"]*" (?:does not exist|is not permitted to log in)`),
			title: "PostgreSQL does not know the user",
			cause: "The role of postgres-user does not exist, or may not log in.",
			fix:   `Create it: CREATE ROLE "<user>" LOGIN CREATEDB, with a password; or correct postgres-user.`,
			step:  "database.postgresql.user", hides: dead,
		},
		{
			id: "postgres.createdb", words: []string{"permission denied to create database"},
			title: "The database user may not create databases",
			cause: "The portal makes a database for each plugin, and the right to that is not inherited from a group.",
			fix:   `As an administrator: ALTER ROLE "<user>" CREATEDB. Or have the databases backstage_plugin_… made, and set backend.database.ensureExists to false.`,
			step:  "database.postgresql.user", hides: dead,
		},
		{
			id: "postgres.connect", words: []string{"permission denied for database"},
			title: "The database user may not connect",
			cause: "Whatever postgres-db says, the portal first connects to the database postgres, and then to those of the plugins.",
			fix:   `As an administrator: GRANT CONNECT ON DATABASE postgres TO "<user>".`,
			step:  "database.postgresql.user", hides: dead,
		},
		{
			id: "postgres.schema", words: []string{"permission denied for schema", "permission denied for table", "must be owner of"},
			title: "The database user may not make tables",
			cause: "Since PostgreSQL 15 only the owner of a database may create in its schema public.",
			fix:   `As an administrator: ALTER DATABASE "<database>" OWNER TO "<user>", for each backstage_plugin_… database.`,
			step:  "database.postgresql.user", hides: dead,
		},
		{
			id: "postgres.database", words: []string{"database \""},
			match: has(`database "[^"]*" does not exist`),
			title: "A database does not exist",
			cause: "The database postgres is gone, which the portal needs to make its own; or they are not made because ensureExists is false.",
			fix:   "Create the database that the line names. postgres-db alone is not enough: there is one for each plugin.",
			step:  "database.postgresql.database", hides: dead,
		},
		{
			id: "postgres.connections", words: []string{"remaining connection slots are reserved", "too many connections for", "sorry, too many clients already"},
			title: "PostgreSQL has no connections left",
			cause: "Each plugin of each replica holds up to 10 connections, some 80 a replica.",
			fix:   "Raise max_connections or the role's limit, or set backend.database.knexConfig.pool.max to 4 in backstage.appConfig.",
			step:  "scaling.replicas", hides: append([]string{"postgres.pool"}, dead...),
		},
		{
			id: "postgres.readonly", words: []string{"in a read-only transaction"},
			title: "PostgreSQL is read-only",
			cause: "postgres-host is a replica, or the server has gone over to read-only, as for want of disk.",
			fix:   "Give the address of the primary in postgres-host.",
			step:  "database.postgresql.host", hides: dead,
		},
		{
			id:    "postgres.starting",
			words: []string{"the database system is starting up", "the database system is shutting down", "the database system is in recovery mode", "the database system is not yet accepting connections"},
			title: "PostgreSQL is not ready",
			cause: "The server starts, stops or recovers.",
			fix:   "Wait: the portal is started again and again. Look at the server if it lasts.",
			hides: dead,
		},
		{
			id: "postgres.extension", words: []string{"permission denied to create extension", "could not open extension control file"},
			title: "PostgreSQL lacks an extension",
			cause: "A plugin wants an extension that is not installed, or that the user may not create.",
			fix:   "As an administrator: CREATE EXTENSION with the name in the line, in the database of the plugin.",
			hides: dead,
		},
		{
			id: "postgres.terminated", words: []string{"terminating connection due to", "connection terminated unexpectedly", "client has encountered a connection error and is not queryable"},
			title: "PostgreSQL ended connections",
			cause: "The server was restarted, failed over or ended idle connections; a pooler does so too.",
			fix:   "Nothing, if it happens once: the portal connects again. If it repeats, look at the server's log.",
		},
		{
			id: "postgres.pool", words: []string{"timeout acquiring a connection"},
			title: "No database connection becomes free",
			cause: "The server is not reached, or slow, or has too few connections for all plugins.",
			fix:   "Look for other database errors first. Else set backend.database.knexConfig.pool in backstage.appConfig.",
			step:  "database.postgresql.host", hides: []string{"k8s.probe", "general."},
		},
		{
			id: "database.connect", general: true, words: []string{"failed to connect to the database to make sure that"},
			title: "The database cannot be used",
			cause: "The portal did not get as far as making its databases.",
			fix:   "The end of the line has the server's words. Check the five postgres- keys of the Secret.",
			step:  "database.postgresql.host", hides: dead,
		},
	}
}
