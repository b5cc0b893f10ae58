package devices

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

var version = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`npu-smi\s+(\S+)\s+Version:`) })

// Parse reads what `npu-smi info` prints. The devices get the logical ids of
// their order; [Mapping.Apply] corrects them. What is no table, or one that
// breaks off, is an [Error].
func Parse(text string) (Snapshot, error) {
	r := reader{}
	if m := version().FindStringSubmatch(text); m != nil {
		r.out.Version = m[1]
	}
	for line := range strings.Lines(text) {
		row := cells(line)
		var err error
		switch {
		case row != nil:
			err = r.row(row)
		case strings.HasPrefix(strings.TrimSpace(line), "+"):
			err = r.rule()
		}
		if err != nil {
			return Snapshot{}, err
		}
	}
	if err := r.rule(); err != nil {
		return Snapshot{}, err
	}
	if len(r.out.Devices) == 0 {
		return Snapshot{}, failure(text)
	}
	for _, p := range r.processes {
		if err := r.attribute(p); err != nil {
			return Snapshot{}, err
		}
	}
	for i := range r.out.Devices {
		r.out.Devices[i].Logical = i
	}
	return r.out, nil
}

// reader reads the table line by line. A device has as many lines as the
// header has.
type reader struct {
	out       Snapshot
	headers   []header
	in        section
	group     []map[string]string // lines of a device so far
	processes []map[string]string
}

// section is which part of the text is being read.
type section int

const (
	before section = iota
	head           // the header of the devices
	chips
	running // processes
)

func (r *reader) row(row []string) error {
	h := newHeader(row)
	title := h.begins("npu") || h.begins("npu id")
	switch {
	case title && h.has("process id"):
		err := r.rule()
		r.in, r.headers, r.out.Processes = running, []header{h}, true
		return err
	case title && h.has("health"):
		err := r.rule()
		r.in, r.headers = head, []header{h}
		return err
	case r.in == before:
		return nil // the title
	case r.in == head && (h.has("bus-id") || h.has("chip")):
		r.headers = append(r.headers, h)
		return nil
	case r.in == running:
		if !strings.Contains(strings.ToLower(strings.Join(row, " ")), "no running process") {
			r.processes = append(r.processes, r.headers[0].read(row))
		}
		return nil
	}
	r.in = chips
	r.group = append(r.group, r.headers[len(r.group)].read(row))
	if len(r.group) < len(r.headers) {
		return nil
	}
	all := map[string]string{}
	for _, line := range r.group {
		for name, v := range line {
			all[name] = v
		}
	}
	r.group = nil
	d, err := device(all)
	r.out.Devices = append(r.out.Devices, d)
	return err
}

// rule is a line between rows, or the end: what began must be complete.
func (r *reader) rule() error {
	if len(r.group) > 0 {
		return unreadable("its table breaks off below the card %q", firstOf(r.group[0], "npu", "npu id"))
	}
	return nil
}

// device makes a record of a device's values.
func device(row map[string]string) (Device, error) {
	d := Device{
		Physical: optionalInt(row["phy-id"], -1),
		Name:     row["name"],
		Health:   row["health"],
		Power:    number(row["power(w)"]), Temperature: number(row["temp(c)"]),
	}
	var ok bool
	if d.Card, ok = integer(firstOf(row, "npu", "npu id")); !ok {
		return d, unreadable("%q is not the number of a card", firstOf(row, "npu", "npu id"))
	}
	// Where a card is a chip there is no column for it.
	if chip, given := row["chip"]; given {
		if d.Chip, ok = integer(chip); !ok {
			return d, unreadable("the card %d has a chip %q", d.Card, chip)
		}
	}
	if d.Health == "" {
		return d, unreadable("it does not say how the card %d does", d.Card)
	}
	if used, total, ok := memory(row["hbm-usage(mb)"]); ok && total > 0 {
		d.Memory = Memory{Used: used, Total: total, HBM: true}
	} else if used, total, ok := memory(row["memory-usage(mb)"]); ok {
		d.Memory = Memory{Used: used, Total: total}
	}
	return d, nil
}

// attribute gives a process to its device.
func (r *reader) attribute(row map[string]string) error {
	card, ok := integer(firstOf(row, "npu", "npu id"))
	pid, pidOK := integer(row["process id"])
	if !ok || !pidOK {
		return unreadable("a line of its processes holds no card and pid: %v", row)
	}
	chip := optionalInt(row["chip"], 0)
	p := Process{PID: pid, Name: row["process name"], Memory: int64(optionalInt(row["process memory(mb)"], -1)),
		Inside: optionalInt(row["process id in container"], 0)}
	for i := range r.out.Devices {
		if d := &r.out.Devices[i]; d.Card == card && d.Chip == chip {
			d.Processes = append(d.Processes, p)
			return nil
		}
	}
	return unreadable("it shows a process on chip %d of card %d, and no such chip", chip, card)
}

func firstOf(row map[string]string, names ...string) string {
	for _, name := range names {
		if v, ok := row[name]; ok {
			return v
		}
	}
	return ""
}

func integer(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 0
}

func optionalInt(text string, otherwise int) int {
	if n, ok := integer(text); ok {
		return n
	}
	return otherwise
}

// number is a measured value; chips that do not measure it show NA or -.
func number(text string) *float64 {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return &f
}

func memory(text string) (used, total int64, ok bool) {
	a, b, _ := strings.Cut(text, "/")
	u, ok1 := integer(strings.TrimSpace(a))
	t, ok2 := integer(strings.TrimSpace(b))
	return int64(u), int64(t), ok1 && ok2
}
