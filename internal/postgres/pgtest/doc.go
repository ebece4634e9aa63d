// Package pgtest starts real PostgreSQL servers for tests, with certificates of
// its own authority. It must not know the client that is tested.
package pgtest
