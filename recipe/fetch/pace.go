package fetch

import (
	"context"
	"io"
	"sync/atomic"
	"time"
)

// pace watches how fast a body arrives.
type pace struct {
	body io.Reader
	got  atomic.Int64
	stop context.CancelFunc
	over chan struct{}
}

// watch ends the request by stalled when less than least bytes come within
// patience. A server that keeps a connection open without sending would
// otherwise be waited for forever.
func watch(ctx context.Context, body io.Reader, patience time.Duration, least int64, stalled context.CancelCauseFunc) *pace {
	ctx, stop := context.WithCancel(ctx)
	p := &pace{body: body, stop: stop, over: make(chan struct{})}
	go func() {
		defer close(p.over)
		tick := time.NewTicker(patience)
		defer tick.Stop()
		for before := int64(0); ; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			now := p.got.Load()
			if now-before < least {
				stalled(errStalled)
				return
			}
			before = now
		}
	}()
	return p
}

func (p *pace) Read(b []byte) (int, error) {
	n, err := p.body.Read(b)
	p.got.Add(int64(n))
	return n, err
}

func (p *pace) end() {
	p.stop()
	<-p.over
}
