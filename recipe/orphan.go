package recipe

import (
	"context"
	"time"

	"ftd/launcher"
	"ftd/launcher/watchdog"
)

// Orphan is the watchdog of a training that has lost its shim. It goes on, but
// how it ends nobody will know.
const Orphan watchdog.Name = "orphan"

// orphan tells when the training has lost its shim.
func (w *watch) orphan(ctx context.Context) {
	status, err := w.run.WaitOrphaned(ctx)
	if err != nil || status.State != launcher.StateOrphaned {
		return
	}
	w.raise(ctx, Alarm{Action: watchdog.Notify, Verdict: watchdog.Verdict{Watchdog: Orphan, Since: time.Now(), Message: status.Reason,
		Remedy: "let it come to its end: its log and its checkpoints are kept as ever. Was ftd-shim killed by hand, or because memory was short (dmesg)?"}})
}
