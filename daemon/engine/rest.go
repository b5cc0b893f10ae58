package engine

// AtRest reports whether nothing is at work but trainings, which do not depend
// on this process, and jobs that wait in line.
func (e *Engine) AtRest() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.follows) == len(e.running)
}

// follow notes whether a job does nothing but follow its training.
func (e *Engine) follow(job string, on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, running := e.running[job]; on && running {
		e.follows[job] = true
		return
	}
	delete(e.follows, job)
}

// SetSlots changes how many jobs run at once. What runs goes on.
func (e *Engine) SetSlots(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.Slots = n
	e.schedule()
}
