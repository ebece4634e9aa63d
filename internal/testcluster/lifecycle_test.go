//go:build unix

package testcluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// components is how many programs a cluster consists of.
func components() int {
	return len(slices.DeleteFunc(slices.Clone(binaries), func(b binary) bool { return b.client }))
}

func TestStopLeavesNothing(t *testing.T) {
	var c *Cluster
	t.Run("cluster", func(t *testing.T) { c = Start(t) })

	pids := c.pids()
	if len(pids) != components() {
		t.Errorf("%d processes, want %d", len(pids), components())
	}
	for name, pid := range pids {
		if alive(pid) {
			t.Errorf("%s (%d) still runs", name, pid)
		}
	}
	if _, err := os.Stat(c.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there (%v)", c.Dir, err)
	}
}

func TestStopTellsWhoDied(t *testing.T) {
	c, err := New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := c.processes.list[len(c.processes.list)-1]
	killGroup(p.cmd.Process)
	<-p.done
	if err := c.Stop(); err == nil || !strings.Contains(err.Error(), p.name) {
		t.Errorf("Stop() = %v, want it to name %s", err, p.name)
	}
}

func TestStartTellsWhy(t *testing.T) {
	c, err := New(t.Context(), WithAPIServerArgs("--no-such-flag"))
	if err == nil {
		c.Stop()
		t.Fatal("started")
	}
	for _, want := range []string{"kube-apiserver ended", "unknown flag: --no-such-flag", "--- etcd"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
}

func TestStartGivesUpOnATakenPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(t.Context(), WithAPIServerArgs("--secure-port="+port))
	if err == nil {
		c.Stop()
	}
	if !errors.Is(err, errPortTaken) {
		t.Errorf("New() = %v, want %v", err, errPortTaken)
	}
}

func TestBuildWithoutNetwork(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	t.Setenv("GOCACHE", t.TempDir())
	t.Setenv("GOMODCACHE", t.TempDir())
	t.Setenv("GOPROXY", "off")
	if dir, err := Build(t.Context(), io.Discard); err == nil {
		t.Fatalf("built %s", dir)
	} else if !strings.Contains(err.Error(), "testcluster/cmd/testcluster build") {
		t.Errorf("the error does not say what to run:\n%v", err)
	}
}

func TestBuildMindsItsContext(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	reason := errors.New("the reason")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(reason)
	if _, err := Build(ctx, io.Discard); !errors.Is(err, reason) {
		t.Errorf("Build() = %v, want it to give the reason", err)
	}
}

// TestProcessToKill tests nothing: TestKilledProcess runs it in a process of
// its own, which prints where its cluster is and then waits to be killed.
func TestProcessToKill(t *testing.T) {
	if os.Getenv("TESTCLUSTER_PROCESS") == "" {
		return
	}
	c := Start(t)
	fmt.Println("dir", c.Dir)
	for _, pid := range c.pids() {
		fmt.Println("pid", pid)
	}
	fmt.Println("end")
	<-t.Context().Done()
}

func TestKilledProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends children with their parent")
	}
	living := Shared(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestProcessToKill$")
	cmd.Env = append(os.Environ(), "TESTCLUSTER_PROCESS=1")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var dir string
	var pids []int
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && lines.Text() != "end" {
		what, value, _ := strings.Cut(lines.Text(), " ")
		switch what {
		case "dir":
			dir = value
		case "pid":
			pid, err := strconv.Atoi(value)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	t.Cleanup(func() {
		for _, pid := range pids {
			if t.Failed() && alive(pid) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, stdout)
	_ = cmd.Wait() // killed, as it should be

	if len(pids) != components() {
		t.Fatalf("%d processes, want %d", len(pids), components())
	}
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for _, pid := range pids {
		for alive(pid) {
			select {
			case <-deadline:
				t.Fatalf("process %d outlived its parent", pid)
			case <-tick.C:
			}
		}
	}

	// What the killed process could not remove, the next start does, and
	// nothing else.
	Start(t)
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there (%v)", dir, err)
	}
	if _, err := os.Stat(filepath.Join(living.Dir, "ca.crt")); err != nil {
		t.Errorf("the files of a living cluster are gone: %v", err)
	}
}

func (c *Cluster) pids() map[string]int {
	pids := map[string]int{}
	for _, p := range c.processes.list {
		pids[p.name] = p.cmd.Process.Pid
	}
	return pids
}

// alive reports whether a process runs: a zombie, which whoever inherited it
// has not reaped yet, does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return runtime.GOOS != "linux"
	}
	_, fields, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(fields, "Z")
}
