// Package space says where large files fit.
//
//	for _, p := range space.Rank("/home/ma-user/work", "/dev/shm") { ... }
//
// A home directory is often small where /dev/shm is large; but what lies there
// is memory, which a conversion or a training needs as well.
package space

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Place is a directory and what its filesystem has free.
type Place struct {
	Path string
	Free int64 // bytes; what is in memory is bounded by the memory that is available
	// Memory says that files there are held in memory: they are gone after a
	// restart of the machine, and count as memory that is taken.
	Memory bool
	// Disk tells filesystems apart: places with the same share their room.
	Disk uint64
}

// Takes says whether so many bytes fit there while somebody needs so much
// memory: in a place that is memory, both come from the same.
func (p Place) Takes(bytes, memory int64) bool {
	if p.Memory && bytes > 0 {
		if all := Available(); all >= 0 && bytes+memory > all {
			return false
		}
	}
	return p.Free >= bytes
}

// Rank returns the places that can be looked at, the one with the most room
// first; of two with the same room, the one that is not memory. Places of one
// filesystem are all named. A directory that is yet to be made is looked at by
// the one that it will lie in.
func Rank(paths ...string) []Place {
	available := Available()
	var places []Place
	for _, path := range paths {
		var stat unix.Statfs_t
		var file unix.Stat_t
		there := path
		if path != "" && unix.Statfs(there, &stat) != nil {
			there = filepath.Dir(path)
		}
		if path == "" || unix.Statfs(there, &stat) != nil || unix.Stat(there, &file) != nil {
			continue
		}
		p := Place{Path: path, Free: int64(stat.Bavail) * stat.Bsize, Disk: file.Dev}
		p.Memory = stat.Type == unix.TMPFS_MAGIC || stat.Type == unix.RAMFS_MAGIC
		if p.Memory && available >= 0 {
			p.Free = min(p.Free, available)
		}
		places = append(places, p)
	}
	slices.SortStableFunc(places, func(a, b Place) int {
		switch {
		case a.Free > b.Free, a.Free == b.Free && !a.Memory && b.Memory:
			return -1
		case a.Free < b.Free, a.Memory && !b.Memory:
			return 1
		}
		return 0
	})
	return places
}

// For returns the first of the places, as they are ranked, that takes so many
// bytes beside so much memory; a place in memory only where no disk does.
func For(bytes, memory int64, ranked []Place) (Place, bool) {
	for _, inMemory := range []bool{false, true} {
		for _, p := range ranked {
			if p.Memory == inMemory && p.Takes(bytes, memory) {
				return p, true
			}
		}
	}
	return Place{}, false
}

// Available is the memory that can be had without swapping, in bytes; -1 if
// that cannot be known.
func Available() int64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return -1
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "MemAvailable:"); ok {
			kB, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err == nil {
				return kB << 10
			}
		}
	}
	return -1
}
