package testcluster

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
)

// process is one running component. done is closed once it has ended and err
// says why.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{}
	err  error
}

// exited reports whether the process has ended.
func (p *process) exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// logTail returns the last lines that the process wrote.
func (p *process) logTail(lines int) string {
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return tail(data, lines)
}

// processes starts components and ends them. On Linux the kernel ends a child
// together with the *thread* that started it, so one goroutine that keeps its
// thread starts them all: the children live until stop or the end of this
// process, however it ends.
type processes struct {
	calls chan func()
	idle  sync.WaitGroup // the starting goroutine

	mu   sync.Mutex
	list []*process
}

func newProcesses() *processes {
	ps := &processes{calls: make(chan func())}
	ps.idle.Go(func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for call := range ps.calls {
			call()
		}
	})
	return ps
}

// start runs a program with the output going to <name>.log in dir.
func (ps *processes) start(dir, name, program string, args ...string) (*process, error) {
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &process{name: name, log: log.Name(), done: make(chan struct{})}
	p.cmd = exec.Command(program, args...)
	p.cmd.Dir = dir
	p.cmd.Env = []string{"HOME=" + dir, "TMPDIR=" + dir}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	ownGroup(p.cmd)

	started := make(chan error)
	ps.calls <- func() { started <- p.cmd.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	ps.mu.Lock()
	ps.list = append(ps.list, p)
	ps.mu.Unlock()
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// firstExited returns a component that has ended, or nil.
func (ps *processes) firstExited() *process {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range ps.list {
		if p.exited() {
			return p
		}
	}
	return nil
}

// logTails returns the ends of all components' logs, for a failed start.
func (ps *processes) logTails(lines int) string {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	var s string
	for _, p := range ps.list {
		s += fmt.Sprintf("\n--- %s\n%s", p.name, p.logTail(lines))
	}
	return s
}

// stop ends every component, waits for it, and is the last use of ps. The
// components get no chance to tidy up: all they have is in a directory that
// is removed next.
func (ps *processes) stop() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range ps.list {
		if !p.exited() {
			killGroup(p.cmd.Process)
		}
	}
	for _, p := range ps.list {
		<-p.done
	}
	close(ps.calls)
	ps.idle.Wait()
}
