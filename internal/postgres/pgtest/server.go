package pgtest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Admin is a superuser that is let in without a password.
const Admin = "admin"

// ErrMissing says that there is no PostgreSQL server on this machine.
var ErrMissing = errors.New("no PostgreSQL server (initdb, postgres, psql): run \"make postgres\"")

// Server is a running PostgreSQL server on 127.0.0.1.
type Server struct {
	Port int
	Dir  string // its data directory

	programs string
	process  *process
}

// Options are what one server differs in from another.
type Options struct {
	Settings map[string]string // of postgresql.conf, without quotes
	Access   string            // lines of pg_hba.conf, after those of Admin
	SQL      string            // what Admin runs at first
	Pair     Pair              // its certificate; one of an own authority if there is none
}

// Start makes and starts a server, and returns when it takes connections. The
// caller calls Stop. It is ErrMissing when it cannot be installed.
func Start(ctx context.Context, o Options) (*Server, error) {
	programs, err := find()
	if err != nil {
		return nil, err
	}
	dir, err := place()
	if err != nil {
		return nil, err
	}
	s := &Server{Dir: filepath.Join(dir, "data"), programs: programs}
	if err := s.begin(ctx, o); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Server) begin(ctx context.Context, o Options) error {
	err := run(ctx, filepath.Join(s.programs, "initdb"), "-D", s.Dir, "-U", Admin, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
	if err != nil {
		return err
	}
	if o.Pair.Chain == nil {
		o.Pair = NewAuthority("pgtest").Issue(Certificate{Names: []string{"localhost"}})
	}
	if err := s.Certificate(o.Pair); err != nil {
		return err
	}
	if s.Port, err = freePort(); err != nil {
		return err
	}
	settings := map[string]string{
		"port": fmt.Sprint(s.Port), "listen_addresses": "127.0.0.1", "unix_socket_directories": filepath.Dir(s.Dir),
		"fsync": "off", "ssl": "on", "ssl_cert_file": "server.crt", "ssl_key_file": "server.key",
		"log_checkpoints": "off", "shared_buffers": "64MB", "wal_keep_size": "64MB", "autovacuum": "off", "jit": "off",
		// Databases are made and dropped by the dozen.
		"synchronous_commit": "off", "full_page_writes": "off", "wal_init_zero": "off", "max_wal_size": "1GB",
	}
	for name, value := range o.Settings {
		settings[name] = value
	}
	if err := s.configure(settings); err != nil {
		return err
	}
	access := fmt.Sprintf("local all %[1]s trust\nlocal replication %[1]s trust\nhost all %[1]s 127.0.0.1/32 trust\nhost replication %[1]s 127.0.0.1/32 trust\n", Admin) + o.Access
	if err := s.write("pg_hba.conf", access); err != nil {
		return err
	}
	if err := s.launch(ctx, "ready to accept"); err != nil {
		return err
	}
	if o.SQL == "" {
		return nil
	}
	return s.SQL(ctx, "postgres", o.SQL)
}

// Standby makes a replica of s and starts it. Without hot it takes no
// connections.
func (s *Server) Standby(ctx context.Context, hot bool) (*Server, error) {
	dir, err := place()
	if err != nil {
		return nil, err
	}
	made := &Server{Dir: filepath.Join(dir, "data"), programs: s.programs}
	err = run(ctx, filepath.Join(s.programs, "pg_basebackup"), "-h", "127.0.0.1", "-p", fmt.Sprint(s.Port), "-U", Admin, "-D", made.Dir, "-R", "-X", "stream", "-c", "fast", "--no-sync")
	if err == nil {
		made.Port, err = freePort()
	}
	if err == nil {
		err = made.configure(map[string]string{"port": fmt.Sprint(made.Port), "unix_socket_directories": dir})
	}
	if err == nil {
		err = made.Restart(ctx, hot)
	}
	if err != nil {
		made.Stop()
		return nil, err
	}
	return made, nil
}

// Restart starts a standby anew, hot or not.
func (s *Server) Restart(ctx context.Context, hot bool) error {
	s.process.stop()
	if hot {
		if err := s.configure(map[string]string{"hot_standby": "on"}); err != nil {
			return err
		}
		return s.launch(ctx, "ready to accept read")
	}
	if err := s.configure(map[string]string{"hot_standby": "off"}); err != nil {
		return err
	}
	return s.launch(ctx, "consistent recovery state reached")
}

// SQL runs statements as Admin, each in a transaction of its own. When it returns,
// its session has ended.
func (s *Server) SQL(ctx context.Context, database, statements string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(s.programs, "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", filepath.Dir(s.Dir), "-p", fmt.Sprint(s.Port), "-U", Admin, "-d", database)
	cmd.Env = environment()
	cmd.Stdin = strings.NewReader("SELECT pg_backend_pid();\n" + statements)
	out, err := cmd.CombinedOutput()
	first, rest, _ := strings.Cut(string(out), "\n")
	if err != nil {
		return fmt.Errorf("psql: %w: %s", err, rest)
	}
	backend, err := strconv.Atoi(first)
	if err != nil {
		return fmt.Errorf("psql: the process of its session: %w", err)
	}
	// The session ends a moment after psql; until then it is in the server's views.
	for syscall.Kill(backend, 0) != syscall.ESRCH { // EPERM: it is another user's
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

// Certificate puts certificate and key in place. A server that runs takes them
// when its configuration is loaded again.
func (s *Server) Certificate(p Pair) error {
	if err := s.write("server.crt", string(p.Chain)); err != nil {
		return err
	}
	return s.write("server.key", string(p.Key))
}

// Stop ends the server and removes its files.
func (s *Server) Stop() {
	if s == nil {
		return
	}
	s.process.stop()
	_ = os.RemoveAll(filepath.Dir(s.Dir))
}

func (s *Server) launch(ctx context.Context, ready string) (err error) {
	s.process, err = launch(ctx, ready, filepath.Join(s.programs, "postgres"), "-D", s.Dir)
	return err
}

// configure appends settings: the last one counts.
func (s *Server) configure(settings map[string]string) error {
	old, err := os.ReadFile(filepath.Join(s.Dir, "postgresql.conf"))
	if err != nil {
		return err
	}
	for name, value := range settings {
		old = fmt.Appendf(old, "%s = '%s'\n", name, value)
	}
	return s.write("postgresql.conf", string(old))
}

func (s *Server) write(name, content string) error { return Write(filepath.Join(s.Dir, name), content) }

// Write writes a file that servers of this package may read and nobody else.
func Write(path, content string) error {
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return err
	}
	return give(path)
}

// find returns the directory of the server's programs: Debian keeps them off the
// PATH, one directory per version.
func find() (string, error) {
	places, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(places, func(a, b string) int { return len(b)*1000 - len(a)*1000 + strings.Compare(b, a) })
	for _, program := range []string{"postgres", "pg_ctl"} {
		if path, err := exec.LookPath(program); err == nil {
			if path, err = filepath.EvalSymlinks(path); err == nil {
				places = append(places, filepath.Dir(path))
			}
		}
	}
	for _, dir := range places {
		if !slices.ContainsFunc([]string{"initdb", "postgres", "pg_basebackup", "psql"}, func(program string) bool {
			_, err := os.Stat(filepath.Join(dir, program))
			return err != nil
		}) {
			return dir, nil
		}
	}
	return "", ErrMissing
}

// place makes a directory for one server, whoever runs it: in memory, where there
// is room, since servers write much and nobody keeps it.
func place() (string, error) {
	dir, err := os.MkdirTemp(memory(), "pgtest")
	if err != nil {
		return "", err
	}
	return dir, give(dir)
}

// environment is the caller's without PG*: a test may set those to mislead.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PG") })
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func run(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Dir = environment(), "/"
	attributes(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(name), err, out)
	}
	return nil
}

// process is a server's process and what it writes.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// launch starts a server and returns when it has written the word.
func launch(ctx context.Context, ready, name string, args ...string) (*process, error) {
	// It outlives ctx, which is a test's.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), name, args...)
	cmd.Env, cmd.Dir = environment(), "/"
	attributes(cmd)
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = writer, writer
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	_ = writer.Close()
	p := &process{cmd: cmd, done: make(chan struct{})}
	up := make(chan error, 1)
	go func() {
		defer close(p.done)
		var said bytes.Buffer
		for lines := bufio.NewScanner(reader); lines.Scan(); {
			said.Write(append(lines.Bytes(), '\n'))
			if strings.Contains(lines.Text(), ready) {
				up <- nil
				break
			}
		}
		_, _ = io.Copy(io.Discard, reader)
		err := cmd.Wait()
		_ = reader.Close()
		select {
		case up <- fmt.Errorf("%s: %v: %s", filepath.Base(name), err, said.String()):
		default:
		}
	}()
	select {
	case err := <-up:
		if err != nil {
			return nil, err
		}
		return p, nil
	case <-ctx.Done():
		p.stop()
		return nil, ctx.Err()
	}
}

// stop ends the process at once; PostgreSQL's own children follow it.
func (p *process) stop() {
	if p == nil {
		return
	}
	_ = p.cmd.Process.Signal(quit)
	<-p.done
}
