package e2e_test

import (
	"os"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

func TestMain(m *testing.M) { os.Exit(testcluster.Run(m)) }
