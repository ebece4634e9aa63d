package testcluster

import (
	"os"
	"os/exec"
	"testing"
)

func TestTL(t *testing.T) {
	c := Start(t)
	exec.Command("cp", "-r", c.Dir, "/tmp/tl").Run()
	os.Stdout.Sync()
}
