package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"ftd/api"
)

// Attempt is an attempt with what only the daemon needs to know.
type Attempt struct {
	api.Attempt
	// Boot is the boot of the machine during which it began.
	Boot string
	// Shim is launcher.Shim as JSON once a process runs; nil before.
	Shim json.RawMessage
	// Tracker is what a training's records amount to, as JSON; nil without any.
	Tracker json.RawMessage
}

const attemptColumns = `id, step, number, state, dir, started, ended, exit_code, signal, error, boot, shim, tracker, cards`

// BeginAttempt stores a new attempt at a step. dir says where attempt ID works.
func (j *Journal) BeginAttempt(ctx context.Context, job, step, boot string, dir func(id string) string) (Attempt, error) {
	var a Attempt
	err := j.write(ctx, durable, func(t *tx) error {
		var number int
		err := t.QueryRowContext(t.ctx, `SELECT coalesce(max(number), 0) + 1 FROM attempts WHERE job = ? AND step = ?`, job, step).Scan(&number)
		if err != nil {
			return err
		}
		started := t.now.UTC()
		id := fmt.Sprintf("%s.%d", step, number)
		a = Attempt{Boot: boot, Attempt: api.Attempt{
			ID: id, Step: step, Number: number, State: api.StateRunning, Dir: dir(id), Started: &started}}
		_, err = t.exec(`INSERT INTO attempts (job, id, step, number, state, dir, boot, started) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			job, id, step, number, a.State, a.Dir, boot, started.UnixNano())
		if err != nil {
			return err
		}
		return t.attemptEvent(job, id)
	})
	return a, err
}

// SetShim stores the process of an attempt: launcher.Shim, of which the pid of
// the child is shown. tracker is what is known of the training so far.
func (j *Journal) SetShim(ctx context.Context, job, attempt string, shim any, tracker []byte) error {
	data, err := text(shim)
	if err != nil {
		return err
	}
	return j.write(ctx, durable, func(t *tx) error {
		if err := t.must("attempt "+attempt, `UPDATE attempts SET shim = ?, tracker = coalesce(tracker, ?) WHERE job = ? AND id = ?`,
			data, string(tracker), job, attempt); err != nil {
			return err
		}
		return t.attemptEvent(job, attempt)
	})
}

// EndAttempt stores how an attempt ended.
func (j *Journal) EndAttempt(ctx context.Context, job string, a api.Attempt) error {
	why, err := text(a.Error)
	if err != nil {
		return err
	}
	code := sql.NullInt64{}
	if a.ExitCode != nil {
		code = sql.NullInt64{Int64: int64(*a.ExitCode), Valid: true}
	}
	return j.write(ctx, durable, func(t *tx) error {
		err := t.must("attempt "+a.ID, `UPDATE attempts SET state = ?, ended = coalesce(?, ?), exit_code = ?, signal = ?, error = ? WHERE job = ? AND id = ?`,
			a.State, nanos(a.Ended), t.now.UnixNano(), code, a.Signal, why, job, a.ID)
		if err != nil {
			return err
		}
		if err := t.end(place{job, a.ID}); err != nil {
			return err
		}
		return t.attemptEvent(job, a.ID)
	})
}

func (t *tx) attemptEvent(job, id string) error {
	a, err := scanAttempt(t.QueryRowContext(t.ctx, `SELECT `+attemptColumns+` FROM attempts WHERE job = ? AND id = ?`, job, id))
	if err != nil {
		return err
	}
	return t.event(api.Event{Job: job, Step: a.Step, Attempt: id, Type: api.EventAttempt}, a.Attempt)
}

func scanAttempt(r row) (Attempt, error) {
	var (
		a                  Attempt
		started            int64
		ended, code        sql.NullInt64
		why, shim, tracker sql.NullString
		cards              string
	)
	err := r.Scan(&a.ID, &a.Step, &a.Number, &a.State, &a.Dir, &started, &ended, &code, &a.Signal, &why,
		&a.Boot, &shim, &tracker, &cards)
	if err != nil {
		return a, err
	}
	if a.Cards, err = cardList(cards); err != nil {
		return a, err
	}
	begun := moment(started)
	a.Started, a.Ended = &begun, optional(ended)
	if code.Valid {
		n := int(code.Int64)
		a.ExitCode = &n
	}
	if tracker.Valid {
		a.Tracker = json.RawMessage(tracker.String)
	}
	if shim.Valid {
		a.Shim = json.RawMessage(shim.String)
		var process struct {
			Child int `json:"child"`
		}
		if err := json.Unmarshal(a.Shim, &process); err != nil {
			return a, err
		}
		a.PID = process.Child
	}
	return a, fill(why, &a.Error)
}

// Attempts lists a job's attempts in the order in which they began.
func (j *Journal) Attempts(ctx context.Context, job string) ([]api.Attempt, error) {
	full, err := j.attempts(ctx, `job = ?`, job)
	list := make([]api.Attempt, len(full))
	for i, a := range full {
		list[i] = a.Attempt
	}
	return list, err
}

// Unfinished returns the newest attempt at a step if it has not ended.
func (j *Journal) Unfinished(ctx context.Context, job, step string) (Attempt, bool, error) {
	list, err := j.attempts(ctx, `job = ? AND step = ? AND state IN `+active, job, step)
	if err != nil || len(list) == 0 {
		return Attempt{}, false, err
	}
	return list[len(list)-1], true, nil
}

// Undecided returns the newest attempt at a step if its training has ended, and
// nothing has come of that yet: a daemon that is killed at that moment leaves
// the step at work. What a person has resumed since is decided.
func (j *Journal) Undecided(ctx context.Context, job, step string) (Attempt, bool, error) {
	list, err := j.attempts(ctx, `job = ?1 AND step = ?2 AND number = (SELECT max(number) FROM attempts WHERE job = ?1 AND step = ?2)
		AND number > (SELECT earlier FROM steps WHERE job = ?1 AND id = ?2)
		AND shim IS NOT NULL AND state NOT IN `+active+` AND state <> ?3`, job, step, api.StateStopped)
	if err != nil || len(list) == 0 {
		return Attempt{}, false, err
	}
	return list[0], true, nil
}

// inOrder sorts attempts as they were made. Their times do not say so: the
// clock may have been set back in between.
const inOrder = ` ORDER BY (SELECT position FROM steps WHERE steps.job = attempts.job AND steps.id = attempts.step), number`

// Trainings returns the newest attempt with a tracker of each job from one id
// to another, both included.
func (j *Journal) Trainings(ctx context.Context, from, to string) (map[string]Attempt, error) {
	rows, err := j.reader.QueryContext(ctx, `SELECT `+attemptColumns+`, job FROM attempts
		WHERE job BETWEEN ? AND ? AND tracker IS NOT NULL`+inOrder, from, to)
	if err != nil {
		return nil, describe(err)
	}
	newest := map[string]Attempt{}
	_, err = collect(rows, func() (Attempt, error) {
		var job string
		a, err := scanAttempt(also{rows, &job})
		if err != nil {
			return a, err
		}
		if t, err := j.recents.tracker(place{job, a.ID}); err != nil {
			return a, err
		} else if t != nil {
			a.Tracker = t
		}
		newest[job] = a
		return a, nil
	})
	return newest, err
}

// also scans one column more than its caller knows of.
type also struct {
	row
	dest any
}

func (a also) Scan(dest ...any) error { return a.row.Scan(append(dest, a.dest)...) }

func (j *Journal) attempts(ctx context.Context, where string, args ...any) ([]Attempt, error) {
	rows, err := j.reader.QueryContext(ctx, `SELECT `+attemptColumns+` FROM attempts WHERE `+where+inOrder, args...)
	if err != nil {
		return nil, describe(err)
	}
	return collect(rows, func() (Attempt, error) { return scanAttempt(rows) })
}
