package process

import (
	"bytes"
	"os"
	"strconv"
)

// Tree finds the processes of one run. msrun gives each of its workers a
// session of its own, and processes whose parent dies get another one, so
// neither group, session nor parent is enough alone: a process belongs to the
// tree if it descends from Holder or Main or from another member, if it is in
// Cgroup, or if it carries Mark in its environment.
type Tree struct {
	// Holder is the subreaper that holds the tree; it is not part of it.
	Holder Identity
	// Main is the tree's first process.
	Main Identity
	// Mark is an environment entry, NAME=VALUE, that all of the tree inherit
	// and nobody else has; empty to go by descent alone.
	Mark string
	// Cgroup is the cgroup of the tree, if it has one of its own.
	Cgroup Cgroup
}

// Members returns the processes of the tree that are alive, parents before
// their children where both are known.
func (t Tree) Members() ([]Stat, error) {
	all, err := List()
	if err != nil {
		return nil, err
	}
	children := map[int][]Stat{}
	for _, s := range all {
		children[s.Parent] = append(children[s.Parent], s)
	}
	seen := map[int]bool{os.Getpid(): true} // whoever asks is no member
	var members, queue []Stat
	add := func(s Stat) {
		if !seen[s.PID] {
			seen[s.PID] = true
			queue = append(queue, s)
		}
	}
	descend := func() {
		for len(queue) > 0 {
			s := queue[0]
			queue = queue[1:]
			if !s.Zombie() {
				members = append(members, s)
			}
			for _, c := range children[s.PID] {
				add(c)
			}
		}
	}
	inCgroup := t.Cgroup.pids()
	for _, s := range all {
		switch id := s.Identity(); {
		case id == t.Holder:
			seen[s.PID] = true
			for _, c := range children[s.PID] {
				add(c)
			}
		case id == t.Main, inCgroup[s.PID]:
			add(s)
		}
	}
	descend()
	if t.Mark == "" {
		return members, nil
	}
	for _, s := range all {
		if !seen[s.PID] && !s.Zombie() && carries(s.PID, t.Mark) {
			add(s)
			descend()
		}
	}
	return members, nil
}

// List returns all processes that can be seen, zombies included.
func List() ([]Stat, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var all []Stat
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if s, err := ReadStat(pid); err == nil { // it may have ended meanwhile
			all = append(all, s)
		}
	}
	return all, nil
}

// Marked returns the living processes whose environment holds the entry mark.
func Marked(mark string) ([]Stat, error) {
	return Tree{Mark: mark}.Members()
}

// carries reports whether pid was started with the environment entry mark.
// The environment of other users' processes cannot be read: they are none of
// ours.
func carries(pid int, mark string) bool {
	environ, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return false
	}
	for entry := range bytes.SplitSeq(environ, []byte{0}) {
		if string(entry) == mark {
			return true
		}
	}
	return false
}
