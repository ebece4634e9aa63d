package idp

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/verdict"
)

// parseAddress reads an absolute http or https URL. The error completes
// "the address …".
func parseAddress(s string) (*url.URL, error) {
	if strings.TrimSpace(s) != s || strings.ContainsFunc(s, func(r rune) bool { return r == ' ' || verdict.Hidden(r) }) {
		return nil, errors.New("has blanks or control characters in it")
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("is no URL") // url.Parse's own error repeats it
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("does not begin with https:// or http://")
	case u.Hostname() == "":
		return nil, errors.New("has no host name in it")
	case u.User != nil:
		return nil, errors.New("has a user name or password in it")
	case u.Fragment != "" || strings.HasSuffix(s, "#"):
		return nil, errors.New("has a fragment (#) in it")
	}
	return u, nil
}

// where is u without query and user, to be shown.
func where(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// loopback says whether host means "this machine" everywhere: RFC 6761 section
// 6.3. OpenChoreo's k3d set-up makes names below .localhost work in the cluster.
func loopback(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback() || ip.IsUnspecified()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// private says whether host can only be known inside some network: a cluster's
// name, a bare name, a private address.
func private(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsPrivate() || ip.IsLinkLocalUnicast()
	}
	if loopback(host) {
		return false
	}
	for _, suffix := range []string{".svc", ".cluster.local", ".local", ".internal", ".lan", ".home.arpa", ".corp", ".intranet"} {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return !strings.Contains(host, ".")
}

// Loopback says whether host means "this machine" everywhere; see RFC 6761
// section 6.3.
func Loopback(host string) bool { return loopback(host) }

// Private says whether host can only be known inside some network: a Service of a
// cluster, a bare name, a private address.
func Private(host string) bool { return private(host) }
