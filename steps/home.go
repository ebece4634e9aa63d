package steps

import (
	"fmt"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

// Offer is a flow that makes sense now.
type Offer struct {
	Flow  string   // its ID, which is the command's name
	Args  []string // of the command
	Title string   // what it does, as a person would ask for it
	Why   string   // what speaks for it now; "" when it is just possible
}

// Offers lists the flows that make sense for what is there, the most needed
// first. in is a complete input, as Flow.Complete returns it.
func Offers(in plan.Input) []Offer {
	var list []Offer
	if j := in.Current.Journal; j != nil {
		o := Offer{Flow: "undo", Title: "Put back what the run before changed", Why: "its old values are still kept: " + j.Words()}
		if !j.Kept {
			o.Why = "it did not end: " + j.Words()
		}
		list = append(list, o)
	}
	if !IsInstalled(in) {
		o := Offer{Flow: "install", Title: "Set the portal up"}
		if Unseen(in) {
			o.Why = "whether there is one is not known"
		}
		return append(list, o)
	}
	if in.Draft.Database.Type == "sqlite" {
		list = append(list, Offer{Flow: "database", Args: []string{"postgresql"}, Title: "Switch the database to PostgreSQL"})
	}
	rotate := Offer{Flow: "rotate", Title: "Rotate a credential"}
	if o := in.Current.Cluster.Secret.Owner; o.Kind != "" && !in.StoreTakes() {
		rotate.Why = "the Secret " + Ownership(o) + ": it is told what to set there"
	}
	list = append(list,
		rotate,
		Offer{Flow: "install", Title: "Change a setting"})
	if in.Draft.Database.Type == "postgresql" {
		list = append(list, Offer{Flow: "database", Args: []string{"sqlite"}, Title: "Switch the database back to SQLite"})
	}
	return list
}

// Unseen tells that whether there is a portal is not known: the cluster did not
// answer, or these rights do not show it.
func Unseen(in plan.Input) bool {
	c := in.Current.Cluster
	return c.Server.Err != nil || c.Release.Unknown != "" && c.Deployment.Unknown != ""
}

// Fact is one thing that is so about an installation, for people.
type Fact struct{ Name, Text string }

// Facts tells in a few lines what is installed: nothing where there is nothing.
func Facts(in plan.Input) []Fact {
	if !IsInstalled(in) {
		return nil
	}
	d, c := &in.Draft, in.Current.Cluster
	var list []Fact
	add := func(name, format string, args ...any) { list = append(list, Fact{name, fmt.Sprintf(format, args...)}) }
	switch url := d.Portal.BaseURL; {
	case !d.Portal.Enabled:
		add("Portal", "switched off")
	case d.Has("portal.baseUrl"):
		add("Portal", "%s", url)
	}
	if r := c.Release; r.Installed {
		text := r.Name
		if r.ChartVersion != "" {
			text += ", chart " + r.ChartVersion
		}
		if r.Revision > 0 {
			text += fmt.Sprintf(", revision %d, %s", r.Revision, r.Status)
		}
		add("Release", "%s", text)
	}
	if dep := c.Deployment; dep.Name != "" {
		add("Pods", "%d of %d ready", dep.Ready, dep.Replicas)
	}
	if text := databaseFact(d); text != "" {
		add("Database", "%s", text)
	}
	if d.Security.Authentication && d.Has("identity.issuer") {
		text := d.Identity.Issuer
		if p := d.Identity.Provider; p != "" && p != "other" {
			text += " (" + p + ")"
		}
		add("Sign-in", "%s", text)
	}
	return list
}

// databaseFact says where the data is kept.
func databaseFact(d *answers.Draft) string {
	switch d.Database.Type {
	case "postgresql":
		text := "PostgreSQL"
		if host := d.Database.PostgreSQL.Host; host != "" {
			text += " at " + host
		}
		return text
	case "sqlite":
		if !d.Database.SQLite.Persistence {
			return "SQLite without a volume"
		}
		return strings.TrimRight("SQLite on a volume of "+d.Database.SQLite.Size, " ")
	}
	return ""
}
