package chart

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

// pretenders is where the helm of testdata is built; a directory of this run.
var pretenders = filepath.Join(os.TempDir(), fmt.Sprintf("chart-test-%d", os.Getpid()))

func TestMain(m *testing.M) {
	code := testcluster.Run(m)
	_ = os.RemoveAll(pretenders) // often not there
	os.Exit(code)
}
