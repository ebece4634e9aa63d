//go:build !unix

package file

import (
	"io/fs"
	"os"
)

// keepOwner: a new file gets its owner from the directory and the process.
func keepOwner(*os.File, fs.FileInfo) error { return nil }

// syncDir: directories cannot be synced on Windows; NTFS journals the rename.
func syncDir(string) error { return nil }

// mine: who may remove a file is a matter of its access control list.
func mine(fs.FileInfo) bool { return true }
