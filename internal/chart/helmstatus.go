package chart

import "strings"

// StatusBlocks tells whether helm upgrade --install refuses to work on u's
// release while its newest revision has this status, why, and which command
// clears that. Nothing blocks where a release is deployed, failed (even in its
// first installation), superseded or uninstalled with its history kept; the last
// is refused by Helm before 3.14.
func (u Upgrade) StatusBlocks(status string) (blocked bool, why, command string) {
	switch status {
	case "pending-install":
		return true, "its first installation is running, or was cut off", u.helm("uninstall", u.Release)
	case "pending-upgrade":
		return true, "an upgrade of it is running, or was cut off", u.backCommand()
	case "pending-rollback":
		return true, "a rollback of it is running, or was cut off", u.backCommand()
	case "uninstalling":
		return true, "it is being uninstalled, or that was cut off", u.helm("uninstall", u.Release)
	}
	return false, "", ""
}

// backCommand goes back to the revision that was deployed. Without its number
// helm rollback would take the one before, which may be a failed one.
func (u Upgrade) backCommand() string {
	if u.Deployed > 0 {
		return shellLine(append(u.RollbackArgs(u.Deployed)[:3], u.place()...))
	}
	return u.historyCommand() + ", then " + u.helm("rollback", u.Release) + " REVISION"
}

func (u Upgrade) historyCommand() string { return u.helm("history", u.Release) }

// helm writes a command about the release.
func (u Upgrade) helm(args ...string) string {
	return shellLine(append(args, u.place()...))
}

// kubectl writes a command about an object in the release's namespace.
func (u Upgrade) kubectl(args string) string {
	line := "kubectl " + args + " -n " + shellWord(u.Namespace)
	if u.Kubeconfig != "" {
		line += " --kubeconfig " + shellWord(u.Kubeconfig)
	}
	if u.Context != "" {
		line += " --context " + shellWord(u.Context)
	}
	return line
}

// MinorChange tells whether two chart versions differ in more than their patch:
// OpenChoreo needs steps by hand between them. Versions that are no versions
// differ unless they are the same text.
func MinorChange(installed, wanted string) bool {
	a, aok := parseHelmVersion("v" + strings.TrimPrefix(installed, "v"))
	b, bok := parseHelmVersion("v" + strings.TrimPrefix(wanted, "v"))
	if !aok || !bok {
		return installed != wanted
	}
	return a.Major != b.Major || a.Minor != b.Minor
}
