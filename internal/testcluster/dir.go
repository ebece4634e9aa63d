package testcluster

import (
	"os"
	"path/filepath"
)

// dirPrefix is short because the path of a Unix socket has to fit into 104
// bytes; a directory from tb.TempDir, named after the test, would often be too
// long.
const dirPrefix = "testcluster-"

// newDir makes a cluster's directory. It is claimed until release is called or
// this process ends. Directories of processes that were killed, which nobody
// claims any more, are removed: each holds 130 MB of etcd's.
func newDir() (dir string, release func(), err error) {
	old, err := filepath.Glob(filepath.Join(os.TempDir(), dirPrefix+"*"))
	if err != nil {
		return "", nil, err
	}
	for _, dir := range old {
		removeUnclaimed(dir)
	}
	dir, err = os.MkdirTemp("", dirPrefix)
	if err != nil {
		return "", nil, err
	}
	release, err = claim(dir)
	if err != nil {
		os.RemoveAll(dir)
		return "", nil, err
	}
	return dir, release, nil
}
