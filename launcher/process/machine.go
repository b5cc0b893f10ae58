package process

import (
	"os"
	"strconv"
	"strings"
)

// Machine is where pids mean something: one boot of a kernel and one pid
// namespace (a container has its own).
type Machine struct {
	BootID string
	// PIDNamespace is the namespace's inode number, followed by the start
	// time of its first process where that can be seen ("4026531836:27").
	// Inode numbers are used again, so the number alone does not tell a
	// restarted container from the one before.
	PIDNamespace string
}

// Here returns the machine that this process runs on.
func Here() (Machine, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Machine{}, err
	}
	link, err := os.Readlink("/proc/self/ns/pid") // "pid:[4026531836]"
	if err != nil {
		return Machine{}, err
	}
	namespace := strings.TrimSuffix(strings.TrimPrefix(link, "pid:["), "]")
	if first, err := ReadStat(1); err == nil {
		namespace += ":" + strconv.FormatUint(first.StartTicks, 10)
	}
	return Machine{BootID: strings.TrimSpace(string(boot)), PIDNamespace: namespace}, nil
}

// SameBoot reports whether both are the same boot of a kernel.
func (m Machine) SameBoot(o Machine) bool { return m.BootID == o.BootID }

// SameNamespace reports whether pids of both mean the same. Where one side
// could not see the first process (hidepid), the inode number decides.
func (m Machine) SameNamespace(o Machine) bool {
	inode, first, known := strings.Cut(m.PIDNamespace, ":")
	inode2, first2, known2 := strings.Cut(o.PIDNamespace, ":")
	if known && known2 && first != first2 {
		return false
	}
	return inode == inode2
}
