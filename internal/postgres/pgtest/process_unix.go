//go:build unix

package pgtest

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// quit is PostgreSQL's immediate shutdown, and PgBouncer's.
const quit = syscall.SIGQUIT

// owner is who runs servers: they refuse to run as root. Debian's package makes
// the user postgres.
func owner() (uid, gid uint32, needed bool) {
	if os.Getuid() != 0 {
		return 0, 0, false
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			id, _ := strconv.ParseUint(u.Uid, 10, 32)
			group, _ := strconv.ParseUint(u.Gid, 10, 32)
			return uint32(id), uint32(group), true
		}
	}
	return 65534, 65534, true
}

func attributes(cmd *exec.Cmd) {
	uid, gid, needed := owner()
	cmd.SysProcAttr = apart()
	if needed {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: gid}
	}
}

func give(path string) error {
	uid, gid, needed := owner()
	if !needed {
		return nil
	}
	return os.Chown(path, int(uid), int(gid))
}
