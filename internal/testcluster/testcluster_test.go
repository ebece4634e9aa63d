package testcluster

import (
	"os"
	"testing"
	"time"
)

func TestMain(m *testing.M) { os.Exit(Run(m)) }

func TestX(t *testing.T) {
	t0 := time.Now()
	c := Shared(t)
	t.Log(time.Since(t0))
	t.Log(c.Namespace(t))
	t.Log(time.Since(t0))
	t0 = time.Now()
	c = Start(t)
	t.Log(time.Since(t0))
	t.Log(c.Namespace(t))
	t.Log(time.Since(t0))
}
