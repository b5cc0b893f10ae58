package daemon

import (
	"context"
	"syscall"
	"time"
)

// lookEvery is how often the daemon looks at itself: is it to restart, does
// its journal answer, are its doors open.
const lookEvery = time.Second

// attend returns when the daemon is to end, or to become the next one.
func (d *daemon) attend(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	alive, stop := context.WithCancel(ctx)
	defer stop()
	go d.notify.keep(alive, d.journal)
	for {
		select {
		case <-ctx.Done():
			d.log.Info().Msg("shutting down; trainings go on")
			return nil
		case err := <-d.failed:
			d.log.Error().Err(err).Msg("shutting down")
			return err
		case err := <-d.metrics.endings():
			d.metrics.lost(err)
		case wish := <-d.wishes:
			if wish == syscall.SIGHUP {
				_, _ = d.Reload() // it has said what is wrong
			} else if err := d.Restart(ctx); err != nil {
				d.log.Error().Err(err).Msg("no restart")
			}
		case <-d.restart.asked:
		case <-tick.C:
			d.metrics.again(ctx)
			d.keepSocket(ctx)
		}
		if why := d.restart.due(ctx); why != "" {
			d.log.Info().Str("because", why).Msg("restarting in place")
			d.notify.reloading()
			next, err := d.prepareNext()
			if err == nil {
				d.next = next
				return nil
			}
			d.log.Error().Err(err).Msg("no restart")
			d.notify.ready()
		}
	}
}
