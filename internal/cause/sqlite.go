package cause

// sqliteRows are better-sqlite3 and Backstage's connector for it.
func sqliteRows() []row {
	dead := []string{"k8s.probe", "general."}
	return []row{
		{
			id: "sqlite.filename", words: []string{"connection.filename"},
			match: has(`connection\.filename.{0,8} is not supported`),
			title: "The image is too old for this chart",
			cause: "The portal's image does not know the chart's way to name the database directory.",
			fix:   "Take the image that belongs to the chart: empty backstage.image.tag, and upgrade the control plane's chart.",
			step:  "chart", hides: dead,
		},
		{
			id: "sqlite.corrupt", words: []string{"sqlite_corrupt", "database disk image is malformed", "sqlite_notadb", "file is not a database"},
			title: "The SQLite database is damaged",
			cause: "Two pods wrote to one file, or the volume lost writes.",
			fix:   "Scale to 0 and delete the files on the volume: the catalog comes back from the API, settings of users are lost. PostgreSQL takes several pods.",
			step:  "database.type", hides: append([]string{"sqlite.io"}, dead...),
		},
		{
			id: "sqlite.readonly", words: []string{"sqlite_readonly", "attempt to write a readonly database"},
			title: "The SQLite database cannot be written",
			cause: "The files belong to another user, or the volume is mounted read-only.",
			fix:   "Let group 1000 write to the volume (fsGroup), and mount it for writing.",
			step:  "database.sqlite.mountPath", hides: dead,
		},
		{
			id: "sqlite.open", words: []string{"sqlite_cantopen", "unable to open database file", "cannot open database because the directory does not exist"},
			title: "The SQLite database cannot be opened",
			cause: "The directory is not there, or user 1000 may not write to it.",
			fix:   "Check database.sqlite.mountPath, and that the volume is mounted there and belongs to group 1000.",
			step:  "database.sqlite.mountPath", hides: dead,
		},
		{
			id: "sqlite.io", words: []string{"sqlite_ioerr", "disk i/o error"},
			title: "The disk of the SQLite database fails",
			cause: "The volume does not keep what is written, or lacks file locks, as network file systems often do.",
			fix:   "Use a block volume, or PostgreSQL.",
			step:  "database.sqlite.storageClass", hides: dead,
		},
		{
			id: "sqlite.locked", words: []string{"sqlite_busy", "sqlite_locked", "database is locked", "database table is locked"},
			title: "The SQLite database is locked",
			cause: "Another pod holds it: SQLite takes one writer, and a roll-out starts the new pod before it ends the old one.",
			fix:   "Run one replica, and scale to 0 and back to 1 if an old pod stays. For more replicas use PostgreSQL.",
			step:  "database.type", hides: dead,
		},
		{
			id: "database.migration-lock", words: []string{"migration table is already locked", "migrationlocked"},
			title: "A migration of the database was interrupted",
			cause: "A pod was ended while it changed tables, or two start at once. The lock stays.",
			fix:   "If no other pod is starting: UPDATE knex_migrations_lock SET is_locked = 0 in the database of the plugin that the line names, then restart.",
			hides: dead,
		},
		{
			id: "database.downgrade", words: []string{"the migration directory is corrupt"},
			title: "The database is of a newer portal",
			cause: "A newer release has changed the tables, and this image does not know the changes; or several plugins share one database.",
			fix:   "Go back to the newer chart, or restore the database from before the upgrade.",
			step:  "chart", hides: dead,
		},
	}
}
