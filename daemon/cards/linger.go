package cards

import (
	"context"
	"errors"
	"slices"

	"ftd/launcher/devices"
)

// watch waits until the cards of a lease that is over are free, and tells if
// they do not become so.
func (p *Pool) watch(l Lease) {
	ctx, cancel := context.WithTimeout(p.ctx, p.Linger)
	defer cancel()
	look := func(ctx context.Context) (devices.Snapshot, error) {
		shot, err := p.Look(ctx)
		shot.Devices = slices.DeleteFunc(shot.Devices, func(d devices.Device) bool { return p.holder(d.Logical) != "" })
		return shot, err // without those that were handed out again
	}
	var left *devices.Occupied
	if err := devices.WaitFree(ctx, look, l.Cards); errors.As(err, &left) && p.ctx.Err() == nil {
		p.Log.Warn().Str("job", l.Job).Str("attempt", l.Attempt).Err(err).Msg("cards did not become free after the training")
		p.Left(l, left)
	}
}

// AwaitFree waits until nobody uses the cards that a job holds, whose
// processes should be gone, or ctx ends: what is left then is a
// [devices.Occupied]. Where strangers are ignored nothing can be known of that.
func (p *Pool) AwaitFree(ctx context.Context, job string) error {
	ids := p.HeldBy(job)
	if p.Look == nil || p.Ignore || len(ids) == 0 {
		return nil
	}
	return devices.WaitFree(ctx, p.Look, ids)
}

func (p *Pool) holder(id int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.leases {
		if slices.Contains(l.Cards, id) {
			return l.Job
		}
	}
	return ""
}
