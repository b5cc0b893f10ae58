package daemon

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"ftd/api"
	"ftd/pybridge"
)

// atRest reports whether no call runs or waits, here or in a worker. A lost
// interpreter rests for good.
func (p *python) atRest() bool {
	in := p.bridge.Load()
	if in == nil {
		return true
	}
	info := in.Info()
	resting := info.State == pybridge.StateIdle || info.State == pybridge.StateLost
	return resting && len(info.Queue) == 0 && info.Workers == 0
}

// view is what the interpreter does, for people; nil before the first call. It
// comes from memory and never waits for Python.
func (p *python) view() *api.Calls {
	in := p.bridge.Load()
	if in == nil {
		return nil
	}
	info := in.Info()
	calls := &api.Calls{State: string(info.State), Waiting: []api.CallStatus{}, Workers: info.Workers}
	if c := info.Current; c != nil {
		calls.Running = &api.CallStatus{What: c.What, Since: c.Started}
	}
	for _, c := range info.Queue {
		calls.Waiting = append(calls.Waiting, api.CallStatus{What: c.What, Since: c.Queued})
	}
	return calls
}

// mustGo says why this process should end when it is at rest, "" if it may
// stay. megabytes is what it may hold, 0 any amount.
func (p *python) mustGo(megabytes int) string {
	in := p.bridge.Load()
	if in == nil {
		return "" // the next one would hold as much
	}
	switch info := in.Info(); {
	case info.State == pybridge.StateLost:
		return "a library tried to exit, and the interpreter is lost"
	case info.HoldsDevice:
		return "a library keeps a card open"
	}
	if held := resident(); megabytes > 0 && held > int64(megabytes)<<20 {
		return fmt.Sprintf("it holds %d MB, more than restart_above (%d)", held>>20, megabytes)
	}
	return ""
}

// resident is the memory that this process holds, in bytes; 0 if the kernel
// does not say.
func resident() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text)) // in pages: size, resident, …
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
