package devices

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// lookAgain is how long to wait between two looks at cards that are to become
// free. The driver takes a few seconds to give the memory back.
const lookAgain = 500 * time.Millisecond

// WaitFree waits until nobody uses the devices with these logical ids, or ctx
// ends: bound it. What is left then is an [Occupied]; any other error says
// that it could not be found out.
func WaitFree(ctx context.Context, look func(context.Context) (Snapshot, error), ids []int) error {
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	var last error // the newest that was learnt
	for {
		left, err := stillUsed(ctx, look, ids)
		switch {
		case err == nil && len(left) == 0:
			return nil
		case err == nil:
			last = &Occupied{Devices: left}
		case ctx.Err() == nil || last == nil:
			last = err
		}
		select {
		case <-ctx.Done():
			return last
		case <-tick.C:
		}
	}
}

func stillUsed(ctx context.Context, look func(context.Context) (Snapshot, error), ids []int) ([]Device, error) {
	shot, err := look(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(shot.Devices, func(d Device) bool {
		return !slices.Contains(ids, d.Logical) || d.InUse() == ""
	}), nil
}

// Occupied is the error of cards that did not become free in time.
type Occupied struct{ Devices []Device }

func (o *Occupied) Error() string {
	parts := make([]string, len(o.Devices))
	for i, d := range o.Devices {
		parts[i] = fmt.Sprintf("card %d is still used by %s (%d of %d MB)", d.Logical, d.InUse(), d.Memory.Used, d.Memory.Total)
	}
	return strings.Join(parts, "; ")
}
