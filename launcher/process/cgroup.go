package process

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Cgroup is the directory of a cgroup (version 2) that holds all processes of
// one run and nothing else. Only the kernel's own book-keeping cannot be
// escaped: neither by a new session nor by a changed environment. It takes a
// delegated cgroup, which an ordinary user in a container rarely has; empty
// means that there is none.
type Cgroup string

// OwnCgroup returns the cgroup of this process, if cgroups can be made in it.
func OwnCgroup() Cgroup {
	membership, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return ""
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	dir := cgroupDir(string(membership), string(mounts))
	if dir == "" {
		return ""
	}
	for _, path := range []string{dir, filepath.Join(dir, "cgroup.procs")} {
		if unix.Access(path, unix.W_OK) != nil {
			return ""
		}
	}
	return Cgroup(dir)
}

// cgroupDir finds the directory of a version 2 cgroup from the contents of
// /proc/PID/cgroup and /proc/PID/mountinfo.
func cgroupDir(membership, mounts string) string {
	own := ""
	for line := range strings.Lines(membership) {
		if path, ok := strings.CutPrefix(line, "0::"); ok {
			own = strings.TrimSuffix(path, "\n")
		}
	}
	if own == "" {
		return "" // version 1 only
	}
	for line := range strings.Lines(mounts) {
		mount, filesystem, ok := strings.Cut(line, " - ")
		if !ok || !strings.HasPrefix(filesystem, "cgroup2 ") {
			continue
		}
		f := strings.Fields(mount) // id parent major:minor root mountpoint ...
		if len(f) < 5 {
			continue
		}
		// A container may see a part of the tree only.
		if below, err := filepath.Rel(f[3], own); err == nil && below != ".." && !strings.HasPrefix(below, "../") {
			return filepath.Join(f[4], below)
		}
	}
	return ""
}

// Make makes the cgroup name in c.
func (c Cgroup) Make(name string) (Cgroup, error) {
	dir := filepath.Join(string(c), name)
	return Cgroup(dir), os.Mkdir(dir, 0o755)
}

// Remove removes the cgroup; it fails as long as there are processes in it.
func (c Cgroup) Remove() error { return os.Remove(string(c)) }

// Kill sends SIGKILL to all processes in the cgroup at once, those that are
// just being born included (Linux 5.14 and later).
func (c Cgroup) Kill() error {
	return os.WriteFile(filepath.Join(string(c), "cgroup.kill"), []byte("1"), 0)
}

// pids returns the processes in the cgroup.
func (c Cgroup) pids() map[int]bool {
	if c == "" {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(string(c), "cgroup.procs"))
	if err != nil {
		return nil
	}
	pids := map[int]bool{}
	for _, field := range strings.Fields(string(data)) {
		if pid, err := strconv.Atoi(field); err == nil && pid > 0 {
			pids[pid] = true
		}
	}
	return pids
}
