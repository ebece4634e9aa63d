// Package broken holds the catalogue of broken installations: tests that break
// one thing at a time in an installation that works, and run the real program's
// check against it. It must hold no code that is no test.
package broken
