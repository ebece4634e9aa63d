package postgres

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/internal/verdict"
)

// maintenance is the database that Backstage logs in to before it makes those of
// the plugins, by that very name: backend-defaults' postgres connector.
const maintenance = "postgres"

// Mode is how much of a server's certificate is verified.
type Mode string

// The modes of a connection with TLS.
const (
	Verify   Mode = ""          // as ssl: true, which verifies all of it
	NoVerify Mode = "no-verify" // as PGSSLMODE=no-verify: anybody may pose as the server
)

// Layout is how Backstage divides its data.
type Layout string

// The layouts, by Backstage's backend.database settings.
const (
	PerPlugin  Layout = ""           // a database per plugin, which Backstage makes: the default
	Precreated Layout = "precreated" // a database per plugin, made by somebody else: ensureExists false
	Schema     Layout = "schema"     // a schema per plugin in one database: pluginDivisionMode schema
)

// Target is the database as the portal's Secret names it.
type Target struct {
	Host     string
	Port     int
	User     string
	Password secret.Text
	Database string // counts only with the layout Schema
	SSL      bool
	Mode     Mode
	Layout   Layout
}

// entry is the database that is logged in to first.
func (t Target) entry() string {
	switch t.Layout {
	case Schema:
		return t.Database
	case Precreated: // with ensureExists false Backstage leaves the other alone
		return databaseOf("catalog")
	}
	return maintenance
}

// trimmed returns t as Backstage reads it, which takes white space off both ends
// of every variable (config-loader, apply.ts), and the names of what had any.
func (t Target) trimmed() (Target, []string) {
	var blank []string
	trim := func(name, s string) string {
		cut := strings.TrimFunc(s, func(r rune) bool { return r == '\ufeff' || r != '\u0085' && unicode.IsSpace(r) })
		if cut != s {
			blank = append(blank, name)
		}
		return cut
	}
	t.Host = trim("host", t.Host)
	t.User = trim("user", t.User)
	t.Database = trim("database", t.Database)
	if password := t.Password.Reveal(); !t.Password.IsZero() {
		if cut := trim("password", password); cut != password {
			t.Password = secret.New(cut)
		}
	}
	return t, blank
}

// address is host:port, to dial and to be shown.
func (t Target) address() string { return net.JoinHostPort(t.Host, strconv.Itoa(t.Port)) }

// ip returns the address that the host is, if it is one.
func (t Target) ip() (netip.Addr, bool) {
	ip, err := netip.ParseAddr(t.Host)
	return ip.Unmap(), err == nil
}

// check judges what can be seen without a connection. It returns false when there
// is nothing to log in to.
func (t Target) check(j *judgement, own []string) bool {
	sound := t.checkServer(j, own)
	before := len(j.verdicts)
	for _, field := range [][2]string{{"user", t.User}, {"password", t.Password.Reveal()}, {"database", t.entry()}} {
		if !utf8.ValidString(field[1]) || strings.ContainsRune(field[1], 0) {
			j.add("target.text", "the %s is no text", field[0])
		}
	}
	switch {
	case t.User == "":
		j.add("target.incomplete", "there is no user")
	case t.Password.Reveal() == "":
		j.add("target.incomplete", "there is no password")
	case t.entry() == "":
		j.add("target.incomplete", "there is no database")
	}
	return sound && len(j.verdicts) == before
}

// checkServer is check without what a login takes.
func (t Target) checkServer(j *judgement, own []string) bool {
	before := len(j.verdicts)
	_, address := t.ip()
	if why := hostProblem(t.Host); why != "" {
		j.add("target.host", "the host %q %s", t.Host, why)
	} else if why, refused := Unreachable(t.Host, own...); refused {
		j.add("target.unreachable", "the host %s %s", t.Host, why)
	} else if address && t.SSL && t.Mode == Verify {
		j.add("target.ip", "the host is the address %s", t.Host)
	}
	if t.Port < 1 || t.Port > 65535 {
		j.add("target.port", "the port is %d", t.Port)
	}
	return len(j.verdicts) == before
}

// hostProblem completes "the host …"; "" when it can be dialled.
func hostProblem(host string) string {
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "":
		return "is missing"
	case strings.Contains(host, "://"):
		return "is a web address: give the host name alone"
	case strings.HasPrefix(host, "/"):
		return "is a path: a pod has no socket of the server"
	case strings.ContainsFunc(host, func(r rune) bool { return unicode.IsSpace(r) || verdict.Hidden(r) }):
		return "has blanks or control characters in it"
	case strings.ContainsAny(host, "/@?#"):
		return "is part of a connection string: give the host name alone"
	case strings.Contains(host, ","):
		return "lists several hosts: node-postgres takes one"
	case err == nil && ip.Zone() != "":
		return "is an address of one machine's network interface"
	case err == nil:
		return ""
	case strings.ContainsAny(host, "[]"):
		return "has brackets in it: give the address without them"
	case strings.Contains(host, ":"):
		return "has a port in it: that is a setting of its own"
	case strings.ContainsFunc(host, func(r rune) bool { return r > unicode.MaxASCII }):
		return "has letters beyond ASCII: give the form that begins with xn--"
	case numeric(host):
		return "is an address in an unusual form"
	}
	return ""
}

// numeric says whether getaddrinfo would read host as an IPv4 address in one of
// inet_aton's forms (127.1, 0x7f000001).
func numeric(host string) bool {
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	_, err := strconv.ParseUint(labels[len(labels)-1], 0, 64)
	return err == nil
}

// Unreachable says whether host cannot mean the same server in a pod as it does
// here, and why: it completes "the host …". own are names of this machine.
func Unreachable(host string, own ...string) (why string, refused bool) {
	host = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(host)), ".")
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		switch ip = ip.Unmap(); {
		case ip.IsLoopback(), ip.IsUnspecified():
			return "means the pod itself when the portal uses it", true
		case ip.IsLinkLocalUnicast() && ip.Is6():
			return "is valid on this machine's own network link alone", true
		}
		return "", false
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || host == "localhost.localdomain" || host == "ip6-localhost" {
		return "means the pod itself when the portal uses it", true
	}
	for _, name := range own {
		if sameMachine(host, strings.TrimSuffix(strings.ToLower(strings.TrimSpace(name)), ".")) {
			return "is the name of this machine, which pods do not know", true
		}
	}
	return "", false
}

// sameMachine says whether host is own, or own under a name that only the local
// network knows.
func sameMachine(host, own string) bool {
	if own == "" || host == own {
		return own != ""
	}
	first, domain, _ := strings.Cut(host, ".")
	ownFirst, _, _ := strings.Cut(own, ".")
	switch domain {
	case "", "local", "lan", "home", "localdomain", "home.arpa", "fritz.box":
		return first == ownFirst
	}
	return false
}
