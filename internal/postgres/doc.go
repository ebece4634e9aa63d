// Package postgres proves a PostgreSQL server before the portal is switched to
// it: it connects, verifies and logs in as node-postgres does in the portal's
// pod, looks at what Backstage will need, and judges it. It must not know steps,
// answers or screens: it returns verdicts, and prints and stores nothing.
//
// No function returns an error: whatever happens, a server that does not answer
// included, is a Verdict with a stable ID. A Pass means that it will work from
// here; what cannot be known from here is Inconclusive. Neither the PG* variables
// nor the files of the operator's own psql are read.
package postgres
