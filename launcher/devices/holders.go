package devices

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Holders returns who has the file of a chip open, by physical id. Files whose
// names begin with prefix ("" is [Files]) are looked for in /proc: the driver
// is not asked, so it works while npu-smi hangs. Of processes of other users,
// only root sees the files.
func Holders(prefix string) (map[int][]int, error) {
	if prefix == "" {
		prefix = Files
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	found := map[int][]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		dir := filepath.Join("/proc", e.Name(), "fd")
		files, err := os.ReadDir(dir)
		if err != nil {
			continue // gone meanwhile, or somebody else's
		}
		for _, f := range files {
			target, err := os.Readlink(filepath.Join(dir, f.Name()))
			if err != nil {
				continue
			}
			rest, ok := strings.CutPrefix(target, prefix)
			if n, isChip := integer(rest); ok && isChip && !slices.Contains(found[n], pid) {
				found[n] = append(found[n], pid)
			}
		}
	}
	return found, nil
}
