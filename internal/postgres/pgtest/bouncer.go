package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrNoBouncer says that there is no PgBouncer on this machine.
var ErrNoBouncer = errors.New("no pgbouncer: install the package pgbouncer")

// Bouncer is a running PgBouncer on 127.0.0.1.
type Bouncer struct {
	Port    int
	dir     string
	process *process
}

// Bouncer starts a PgBouncer in front of s. databases are the lines of its
// section of that name, with PORT for that of s; users are name and password.
func (s *Server) Bouncer(ctx context.Context, databases string, users map[string]string, settings string) (*Bouncer, error) {
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		if program = "/usr/sbin/pgbouncer"; !exists(program) {
			return nil, ErrNoBouncer
		}
	}
	b := &Bouncer{}
	if b.dir, err = place(); err != nil {
		return nil, err
	}
	if b.Port, err = freePort(); err != nil {
		return nil, err
	}
	list := ""
	for name, password := range users {
		list += fmt.Sprintf("%q %q\n", name, password)
	}
	config := fmt.Sprintf("[databases]\n%s\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\nauth_type = scram-sha-256\nauth_file = %s\n%s\n",
		strings.ReplaceAll(databases, "PORT", fmt.Sprint(s.Port)), b.Port, filepath.Join(b.dir, "users.txt"), settings)
	err = errors.Join(Write(filepath.Join(b.dir, "users.txt"), list), Write(filepath.Join(b.dir, "pgbouncer.ini"), config))
	if err == nil {
		b.process, err = launch(ctx, "process up", program, filepath.Join(b.dir, "pgbouncer.ini"))
	}
	if err != nil {
		b.Stop()
		return nil, err
	}
	return b, nil
}

// Stop ends it.
func (b *Bouncer) Stop() {
	if b == nil {
		return
	}
	b.process.stop()
	_ = os.RemoveAll(b.dir)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
