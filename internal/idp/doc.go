// Package idp proves an identity provider before its settings are written: it
// asks the provider what Backstage and the OpenChoreo API will ask, judges the
// answers by their rules, and knows what to set in which provider. It must not
// know steps, answers or screens: it returns verdicts, and prints and stores
// nothing.
//
// No function returns an error: whatever happens, a server that does not answer
// included, is a Verdict with a stable ID. A Pass means that it will work; what
// cannot be known from here is Inconclusive.
package idp
