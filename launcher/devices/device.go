package devices

import "fmt"

// Device is one chip, which is what a training process uses.
type Device struct {
	// Card and Chip are how npu-smi names it; one card has one chip or several.
	Card, Chip int
	// Logical is its place among the chips that can be seen here, from 0: the
	// id for ASCEND_RT_VISIBLE_DEVICES.
	Logical int
	// Physical is the number of its file /dev/davinciN; -1 if not known.
	Physical int
	Name     string // such as 910B3
	// Health is the driver's word: OK, Warning, Alarm, Critical or UNKNOWN.
	Health string
	// Power is in watts, Temperature in degrees Celsius; nil where the chip
	// does not tell.
	Power, Temperature *float64
	// Memory is the memory that trainings allocate: HBM where the chip has
	// some.
	Memory Memory
	// Processes use it at the moment, as far as the driver shows them: those
	// of other containers it does not.
	Processes []Process
}

// Memory is in megabytes, as npu-smi counts. Total 0 means not known.
type Memory struct {
	Used, Total int64
	HBM         bool // the chip's own memory, not that of its control CPUs
}

// Process is one that uses a chip.
type Process struct {
	// PID is that of the host; Inside the one in its container, 0 if the
	// driver does not say.
	PID, Inside int
	Name        string // may be empty
	Memory      int64  // in megabytes; -1 if not known
}

// String names a process as a person would look for it.
func (p Process) String() string {
	if p.Name == "" {
		return fmt.Sprintf("process %d", p.PID)
	}
	return fmt.Sprintf("process %d (%s)", p.PID, p.Name)
}

// Healthy says whether work can be given to the chip. Warning is the driver's
// lowest level: the chip works, and its temperature or its ECC counters should
// be looked at.
func (d Device) Healthy() bool { return d.Health == "OK" || d.Health == "Warning" }

// busyShare is how much of its memory an idle chip may seem to use. Its own
// firmware takes 3 to 9 % of the HBM of a 910; a model takes far more than a
// fifth.
const busyShare = 0.2

// InUse says what uses the chip at the moment, and nothing if it is idle.
// Memory that nobody in sight uses belongs to another container, or to a
// process that has not quite ended.
func (d Device) InUse() string {
	switch n := len(d.Processes); {
	case n == 1:
		return d.Processes[0].String()
	case n > 1:
		return fmt.Sprintf("%s and %d more", d.Processes[0], n-1)
	case d.Memory.HBM && d.Memory.Total > 0 && float64(d.Memory.Used) > busyShare*float64(d.Memory.Total):
		return "a process that is not in sight: its memory is in use"
	}
	return ""
}

// Snapshot is what npu-smi shows at one moment.
type Snapshot struct {
	Version string // of npu-smi, such as 24.1.rc3; "" if it does not say
	// Devices are in the order of their logical ids.
	Devices []Device
	// Processes says whether there was a table of processes: older drivers
	// have none.
	Processes bool
}
