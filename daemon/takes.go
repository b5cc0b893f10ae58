package daemon

import (
	"os"

	"ftd/checkpoint"
	"ftd/daemon/metrics"
)

// takes is what the daemon takes and has, for the metrics.
func (d *daemon) takes() metrics.Daemon {
	t := metrics.Daemon{Streams: d.server.Streams(), Journal: -1, Free: -1}
	if info, err := os.Stat(d.state.Journal()); err == nil {
		t.Journal = info.Size()
	}
	if free, err := checkpoint.FreeSpace(d.settings().StateDir); err == nil {
		t.Free = free
	}
	return t
}
