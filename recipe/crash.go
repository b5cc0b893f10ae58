package recipe

import (
	"context"
	"fmt"
	"time"

	"ftd/launcher/watchdog"
)

// Crash is the watchdog of a training that has crashed and has left processes
// that do not end by themselves. How it ended is known at once; that it is over,
// only when they are gone.
const Crash watchdog.Name = "crash"

// cleaning is how long it may take to end what is left before that is told: the
// end itself tells of it then.
const cleaning = 500 * time.Millisecond

// crash tells of a crash while what is left of the training is being ended.
func (w *watch) crash(ctx context.Context) {
	exit, left, err := w.run.WaitCommand(ctx)
	if err != nil || !left || exit.Code == 0 {
		return
	}
	soon, cancel := context.WithTimeout(ctx, cleaning)
	defer cancel()
	if _, err := w.run.Wait(soon); err == nil || ctx.Err() != nil {
		return
	}
	w.raise(ctx, Alarm{Action: watchdog.Notify, Verdict: watchdog.Verdict{Watchdog: Crash, Error: true, Since: exit.Ended,
		Message: fmt.Sprintf("%s; what it has left behind is being ended (processes: %d)", ending(exit), exit.Leftovers)}})
}
