package file

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// leftAfter is the age from which a temporary file is what a process left that was
// killed: writing one takes seconds.
const leftAfter = 10 * time.Minute

// clean removes the temporary files that killed processes of this user have left
// beside the target. They may hold what the target holds. What cannot be removed
// is in nobody's way.
func (s Snapshot) clean() {
	dir, pattern := filepath.Dir(s.Real), tempPattern(s.Real)
	list, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, entry := range list {
		drawn, ours := strings.CutPrefix(entry.Name(), strings.TrimSuffix(pattern, "*"))
		if !ours || drawn == "" || strings.Trim(drawn, "0123456789") != "" { // os.CreateTemp draws a number
			continue
		}
		info, err := entry.Info()
		if err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > leftAfter && mine(info) {
			_ = s.sys.remove(filepath.Join(dir, entry.Name()))
		}
	}
}
