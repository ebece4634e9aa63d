package steps

import (
	"fmt"
	"slices"

	"github.com/openchoreo/backstage-setup/internal/check"
)

// databaseChecks are the database in use: SQLite's volume, or the PostgreSQL
// server as the portal would meet it with what is in the Secret.
func (x examiner) databaseChecks() []check.Check {
	if !x.in.Draft.Portal.Enabled {
		return nil
	}
	list := []check.Check{x.judged("database.volume", []string{"portal.deployment"}, x.deployed(x.volume))}
	if !onPostgres.holds(x.in) {
		return list
	}
	for _, c := range databaseChecks(x.env, x.in) {
		c.After = append(slices.Clone(c.After), "portal.deployment")
		if c.ID == postgresReach {
			c.After = append(c.After, "secret.exists", "secret.keys")
		}
		list = append(list, c)
	}
	return list
}

func (x examiner) volume() check.Result {
	d := x.in.Current.Cluster.Deployment
	claim := x.in.Current.Cluster.Claim
	show := x.kubectl("describe pvc %s", claim.Name)
	switch {
	case d.Database == "pg":
		return pass("PostgreSQL: no volume is needed")
	case d.Database == "":
		return unsettled("which database the portal uses is not known: DATABASE_CLIENT is not set", "look at the Deployment")
	case d.Database != "better-sqlite3":
		return faulty(fmt.Sprintf("DATABASE_CLIENT is %q, which the portal does not know", d.Database), "it is better-sqlite3 or pg", "set database.type", x.setup("database postgresql"))
	case d.DataVolume == "emptyDir":
		r := doubtful("SQLite without a volume", "user settings and scaffolder history are gone at every restart of the pod", "give it a volume, or change to PostgreSQL", x.setup("database postgresql"))
		r.Cure = cureAt("database.sqlite.persistence")
		return r
	case d.DataVolume == "":
		return unsettled("SQLite, and no volume of the chart's name", "look at the volumes of the Deployment")
	case claim.Unknown != "":
		return hidden(claim.Unknown)
	case !claim.Exists:
		return faulty(fmt.Sprintf("claim %s is not there", claim.Name), "it was deleted, or the release that made it", "upgrade the release: the chart makes it, and it starts empty", x.setup("install --upgrade"))
	case claim.Phase != "Bound":
		class := "the default storage class"
		if claim.StorageClass != "" {
			class = "storage class " + claim.StorageClass
		}
		known := x.in.Current.Cluster.StorageClasses
		why := class + " has not provided a volume yet"
		if claim.StorageClass != "" && known.Unknown == "" && !slices.Contains(known.Names, claim.StorageClass) {
			why = "there is no " + class
		}
		r := faulty(fmt.Sprintf("claim %s is %s", claim.Name, claim.Phase), why, "name a storage class that is there", show)
		r.Cure = cureAt("database.sqlite.storageClass")
		return r
	}
	return pass(fmt.Sprintf("claim %s is bound, %s", claim.Name, claim.Size))
}
