package logparse

import (
	"fmt"
	"path/filepath"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// Wakeups tells any number of tailers at once that their files may have
// changed, so that they need not wait for their next look. One is enough for
// a process: the system allows each user few of them. It is a help only:
// what it misses (network mounts, an overflowing queue) polling finds.
type Wakeups struct {
	watcher *fsnotify.Watcher
	done    chan struct{}

	mu   sync.Mutex
	dirs map[string]map[string]map[chan struct{}]bool // directory, name, who waits
}

// NewWakeups starts listening; Close ends it.
func NewWakeups() (*Wakeups, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("file notifications are not available, files are looked at instead: %w", err)
	}
	u := &Wakeups{watcher: w, done: make(chan struct{}), dirs: map[string]map[string]map[chan struct{}]bool{}}
	go u.run()
	return u, nil
}

// Close ends the notifications; tailers go on by polling.
func (u *Wakeups) Close() error {
	err := u.watcher.Close()
	<-u.done
	return err
}

func (u *Wakeups) run() {
	defer close(u.done)
	for {
		select {
		case e, ok := <-u.watcher.Events:
			if !ok {
				return
			}
			u.wake(filepath.Dir(e.Name), filepath.Base(e.Name))
		case _, ok := <-u.watcher.Errors: // an overflow, say: polling makes up for it
			if !ok {
				return
			}
		}
	}
}

func (u *Wakeups) wake(dir, name string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for c := range u.dirs[dir][name] {
		select {
		case c <- struct{}{}:
		default: // it is going to look anyway
		}
	}
}

// add watches a file, by its directory: the file may not be there yet, and it
// may be replaced. It fails where the directory is not there; try again later.
func (u *Wakeups) add(path string, c chan struct{}) error {
	dir, name := filepath.Split(filepath.Clean(path))
	dir = filepath.Clean(dir)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.dirs[dir] == nil {
		if err := u.watcher.Add(dir); err != nil {
			return err
		}
		u.dirs[dir] = map[string]map[chan struct{}]bool{}
	}
	if u.dirs[dir][name] == nil {
		u.dirs[dir][name] = map[chan struct{}]bool{}
	}
	u.dirs[dir][name][c] = true
	return nil
}

func (u *Wakeups) remove(path string, c chan struct{}) {
	dir, name := filepath.Split(filepath.Clean(path))
	dir = filepath.Clean(dir)
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.dirs[dir][name], c)
	if len(u.dirs[dir][name]) == 0 {
		delete(u.dirs[dir], name)
	}
	if d, ok := u.dirs[dir]; ok && len(d) == 0 {
		delete(u.dirs, dir)
		_ = u.watcher.Remove(dir) // fails when the directory is gone, which is as good
	}
}
