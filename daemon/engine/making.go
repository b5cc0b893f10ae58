package engine

import (
	"context"
	"sync"
)

// making are the results that jobs are at work on, by key. Two jobs that run at
// once may want the same one.
type making struct {
	mu   sync.Mutex
	done map[string]chan struct{} // closed by who makes it
}

func newMaking() *making { return &making{done: map[string]chan struct{}{}} }

// Alone is [recipe.Results.Alone].
func (r results) Alone(ctx context.Context, key string, waiting func()) (release func(), err error) {
	for told := false; ; told = true {
		busy := r.making.begin(key)
		if busy == nil {
			return func() { r.making.end(key) }, nil
		}
		if !told {
			waiting()
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// begin returns nil if nobody else is at work on it, or else what is closed when
// they are not any more.
func (m *making) begin(key string) (busy <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if done, ok := m.done[key]; ok {
		return done
	}
	m.done[key] = make(chan struct{})
	return nil
}

func (m *making) end(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	close(m.done[key])
	delete(m.done, key)
}
