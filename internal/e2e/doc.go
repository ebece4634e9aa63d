// Package e2e holds the tests of whole runs: the session, its drivers and the
// real binary against a real Kubernetes API server and a rendered chart. It has
// no code of its own and nothing imports it.
package e2e
