package wizard

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/openchoreo/backstage-setup/steps"
)

// whereabouts is what a person compares before a secret is written: which
// cluster, and what in it.
type whereabouts struct {
	files      string // why no cluster is written: "offline"; "" when one is
	context    string
	server     string // host:port; "" while it is not known
	namespace  string
	ca         string // fingerprint; "" without a CA of its own
	production bool   // by a name
	insecure   bool   // nobody verifies the server's certificate
}

// whereabouts says which cluster this is about. Its server is not known before
// the first look when a person has named another context.
func (s *Session) whereabouts() whereabouts {
	in := s.Input()
	d, t := in.Draft, in.Current.Target
	w := whereabouts{context: d.Target.Context, namespace: d.Target.Namespace}
	switch {
	case in.Current.Offline:
		w.files = "offline"
		return w
	case in.Current.NoConfig:
		w.files = "no kubeconfig"
		return w
	}
	if d.Target.Context == t.Context {
		w.server, w.ca, w.insecure = hostPort(t.Server), t.CAFingerprint, t.InsecureSkipTLS
	}
	w.production = steps.ProductionPart(w.context, w.server) != ""
	return w
}

// warns tells whether something about the cluster asks for a second look.
func (w whereabouts) warns() bool { return w.production || w.insecure }

// name is the context, with what warns of it.
func (w whereabouts) name() string {
	name := w.context
	switch {
	case w.files != "":
		return w.files
	case name == "":
		name = "in the cluster"
	}
	return name + w.warning()
}

func (w whereabouts) warning() string {
	text := ""
	if w.production {
		text += " (production?)"
	}
	if w.insecure {
		text += " (TLS not verified)"
	}
	return text
}

// authority says whose certificate the server has to show.
func (w whereabouts) authority() string {
	switch {
	case w.insecure:
		return "CA not verified"
	case w.ca == "":
		return "CA of the system"
	}
	return "CA " + w.ca
}

// lines are all of it, one below the other, for a question before something is
// written.
func (w whereabouts) lines() []Line {
	var l lines
	kind := map[bool]LineKind{true: Caution, false: Plain}[w.warns()]
	switch {
	case w.files != "":
		return nil
	case w.context == "":
		l.add(kind, "", "The pod's own cluster%s", w.warning())
	default:
		l.add(kind, "", "Context %s%s", w.context, w.warning())
	}
	if w.server != "" {
		l.add(kind, "", "Server %s", w.server)
		l.add(kind, "", "%s", w.authority())
	}
	l.add(kind, "", "Namespace %s", w.namespace)
	return l
}

// sentence is all of it in one line.
func (w whereabouts) sentence() string {
	if w.files != "" {
		return fmt.Sprintf("only files are written (%s), for namespace %s", w.files, w.namespace)
	}
	context := "context " + w.context
	if w.context == "" {
		context = "the pod's own cluster"
	}
	if w.server == "" {
		return fmt.Sprintf("%s%s, namespace %s", context, w.warning(), w.namespace)
	}
	return fmt.Sprintf("%s%s, server %s, namespace %s, %s", context, w.warning(), w.server, w.namespace, w.authority())
}

// Where says in one line what the run is about, before anything is changed.
func (s *Session) Where() string {
	w := s.whereabouts()
	switch {
	case s.current.NoConfig:
		return fmt.Sprintf("No kubeconfig: only files are written, for namespace %s, and the Secret becomes a manifest.", w.namespace)
	case s.Offline():
		return fmt.Sprintf("Offline: only files are written, for namespace %s.", w.namespace)
	}
	text := w.sentence()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// hostPort is what of an API server's URL tells clusters apart.
func hostPort(server string) string {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" {
		return server
	}
	return u.Host + strings.TrimSuffix(u.Path, "/")
}

// squeezed fits text into width cells: the middle goes, since names of clusters
// differ at their ends.
func squeezed(text string, width int) string {
	n := ansi.StringWidth(text)
	if n <= width {
		return text
	}
	if width < 8 {
		return cut(text, width)
	}
	front := (width - 1) / 2
	return ansi.Truncate(text, front, "") + markMore + ansi.TruncateLeft(text, n-(width-1-front), "")
}

// atStake says what happens if the cluster, or the database server, is not the one
// that is meant, for the checks that ask for a word of confirmation, and how a
// person agrees to it; "" for other checks.
func atStake(id string) (stake, agree string) {
	switch id {
	case "cluster.production":
		return "If it is production, what this run changes reaches the people who use that portal.", "Yes, write to it"
	case "cluster.tls-verify":
		return "Whoever stands between you and that server could read the secrets that are sent to it, and change what it answers.", "Yes, send secrets to it unverified"
	case "cluster.context":
		return "The run before wrote to another cluster. In the wrong one this changes a portal that nobody meant.", "Yes, this is the one"
	case "database.postgresql.unverified":
		return "Whoever stands between the portal and that server can pose as it, take the password and read and change everything that the portal keeps.", "Yes, trust whoever answers"
	}
	return "", ""
}
