package journal

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"ftd/api"
	"ftd/api/secret"
	"ftd/recipe/nearest"
)

// active are the states of jobs, steps and attempts that have not ended.
const active = "('queued', 'running', 'stopping')"

// CreateJob stores a new job and its steps. When it returns nil, the job is
// remembered whatever happens.
func (j *Journal) CreateJob(ctx context.Context, job api.Job, submit api.Submit) error {
	return j.write(ctx, durable, func(t *tx) error { return t.createJob(job, submit) })
}

func (t *tx) createJob(job api.Job, submit api.Submit) error {
	asked, err := text(submit)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO jobs (id, name, recipe, state, submit, dir, created) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		job.ID, job.Name, job.Recipe, job.State, asked.String, job.Dir, job.Created.UnixNano())
	if err != nil {
		return err
	}
	for i, s := range job.Steps {
		_, err := t.exec(`INSERT INTO steps (job, id, position, uses, state, isolation) VALUES (?, ?, ?, ?, ?, ?)`,
			job.ID, s.ID, i, s.Uses, s.State, s.Isolation)
		if err != nil {
			return err
		}
	}
	return t.jobEvent(job.ID)
}

// SetJob moves a job to a state and reports whether it was moved: a job that
// has ended stays as it is, and one that is stopping does not run again.
func (j *Journal) SetJob(ctx context.Context, id string, state api.State, failure *api.Error) (moved bool, err error) {
	why, err := text(failure)
	if err != nil {
		return false, err
	}
	from := active
	if state == api.StateRunning {
		from = "('queued', 'running')"
	}
	err = j.write(ctx, durable, func(t *tx) error {
		now := t.now.UnixNano()
		n, err := t.exec(`UPDATE jobs SET state = ?1, error = ?2,
				started = CASE WHEN ?1 = 'running' THEN coalesce(started, ?3) ELSE started END,
				ended = CASE WHEN ?1 IN `+active+` THEN NULL ELSE ?3 END
			WHERE id = ?4 AND state IN `+from, state, why, now, id)
		if moved = n > 0; err != nil || !moved {
			return err
		}
		return t.jobEvent(id)
	})
	return moved, err
}

func (t *tx) jobEvent(id string) error {
	job, err := scanJob(t.QueryRowContext(t.ctx, `SELECT `+jobColumns+` FROM jobs WHERE id = ?`, id))
	if err != nil {
		return err
	}
	return t.event(api.Event{Job: id, Type: api.EventJob}, job)
}

// RemoveJob forgets a job with everything that belongs to it. Its events stay
// until they are too old.
func (j *Journal) RemoveJob(ctx context.Context, id string) error {
	return j.write(ctx, durable, func(t *tx) error {
		for _, at := range j.recents.known(id) {
			t.recents[at] = recent{}
		}
		return t.must("job "+id, `DELETE FROM jobs WHERE id = ?`, id)
	})
}

const jobColumns = `id, name, recipe, state, submit, dir, created, started, ended, error`

type row interface{ Scan(...any) error }

func scanJob(r row) (api.Job, error) {
	var (
		job            api.Job
		submit         api.Submit
		asked, why     sql.NullString
		created        int64
		started, ended sql.NullInt64
	)
	err := r.Scan(&job.ID, &job.Name, &job.Recipe, &job.State, &asked, &job.Dir, &created, &started, &ended, &why)
	if err != nil {
		return job, err
	}
	job.Created, job.Started, job.Ended = moment(created), optional(started), optional(ended)
	if err := fill(why, &job.Error); err != nil {
		return job, err
	}
	err = fill(asked, &submit)
	job.Vars, job.Priority = secret.Vars(submit.Vars), submit.Priority // [Journal.Submitted] has them as they are
	return job, err
}

// JobsQuery narrows down [Journal.Jobs].
type JobsQuery struct {
	Active bool
	Before string // older than this id
	Limit  int
}

// Jobs lists jobs without steps, the newest first.
func (j *Journal) Jobs(ctx context.Context, q JobsQuery) ([]api.Job, error) {
	where, args := []string{"1"}, []any{}
	if q.Active {
		where = append(where, "state IN "+active)
	}
	if q.Before != "" {
		where, args = append(where, "id < ?"), append(args, q.Before)
	}
	rows, err := j.reader.QueryContext(ctx, `SELECT `+jobColumns+` FROM jobs WHERE `+strings.Join(where, " AND ")+
		` ORDER BY id DESC LIMIT ?`, append(args, q.Limit)...)
	if err != nil {
		return nil, describe(err)
	}
	return collect(rows, func() (api.Job, error) { return scanJob(rows) })
}

// collect reads all rows and closes them.
func collect[T any](rows *sql.Rows, scan func() (T, error)) ([]T, error) {
	return collectWhile(rows, func(*T) bool { return true }, scan)
}

func collectWhile[T any](rows *sql.Rows, another func(*T) bool, scan func() (T, error)) ([]T, error) {
	defer rows.Close()
	list := []T{}
	for rows.Next() {
		v, err := scan()
		if err != nil {
			return nil, describe(err)
		}
		list = append(list, v)
		if !another(&v) {
			break
		}
	}
	return list, describe(rows.Err())
}

// Job returns a job with its steps and their attempts.
func (j *Journal) Job(ctx context.Context, id string) (api.Job, error) {
	last, _ := j.news.get()
	job, err := scanJob(j.reader.QueryRowContext(ctx, `SELECT `+jobColumns+` FROM jobs WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return job, notFound(id)
	}
	if err != nil {
		return job, describe(err)
	}
	job.Event = last
	if job.Steps, err = j.steps(ctx, id); err != nil {
		return job, err
	}
	attempts, err := j.Attempts(ctx, id)
	if err != nil {
		return job, err
	}
	for i := range job.Steps {
		for _, a := range attempts {
			if a.Step == job.Steps[i].ID {
				job.Steps[i].Attempts = append(job.Steps[i].Attempts, a)
			}
		}
	}
	return job, nil
}

// NewestJob returns the highest id of a job, "" if there is none.
func (j *Journal) NewestJob(ctx context.Context) (string, error) {
	var id sql.NullString
	err := j.reader.QueryRowContext(ctx, `SELECT max(id) FROM jobs`).Scan(&id)
	return id.String, describe(err)
}

// Submitted returns what was asked for when the job was made.
func (j *Journal) Submitted(ctx context.Context, id string) (api.Submit, error) {
	var submit api.Submit
	var asked sql.NullString
	err := j.reader.QueryRowContext(ctx, `SELECT submit FROM jobs WHERE id = ?`, id).Scan(&asked)
	if errors.Is(err, sql.ErrNoRows) {
		return submit, notFound(id)
	}
	if err != nil {
		return submit, describe(err)
	}
	return submit, fill(asked, &submit)
}

// Resolve turns what a person typed into a job's id: the id, a beginning of it
// that only one job has, or a name (of the newest job that bears it).
func (j *Journal) Resolve(ctx context.Context, ref string) (string, error) {
	if ref == "" {
		return "", notFound(ref)
	}
	ids, err := j.beginningWith(ctx, strings.ToLower(ref))
	if err != nil {
		return "", err
	}
	if len(ids) > 0 && ids[0] == strings.ToLower(ref) {
		return ids[0], nil
	}
	var named sql.NullString
	if err := j.reader.QueryRowContext(ctx, `SELECT max(id) FROM jobs WHERE name = ?`, ref).Scan(&named); err != nil {
		return "", describe(err)
	}
	switch {
	case named.Valid:
		return named.String, nil
	case len(ids) == 1:
		return ids[0], nil
	case len(ids) > 1:
		if len(ids) == candidates {
			ids[candidates-1] = "…"
		}
		return "", api.Errorf(api.CodeConflict, "several jobs begin with %q: %s", ref, strings.Join(ids, ", ")).
			WithRemedy("give more of the id")
	}
	return "", j.nearlyFound(ctx, ref)
}

// nearlyFound is notFound with the name that was meant, if there is such a job.
func (j *Journal) nearlyFound(ctx context.Context, ref string) *api.Error {
	e := notFound(ref)
	rows, err := j.reader.QueryContext(ctx, `SELECT DISTINCT name FROM (SELECT name FROM jobs ORDER BY id DESC LIMIT 1000)`)
	if err != nil {
		return e // it is worth no other error
	}
	names, err := collect(rows, func() (string, error) {
		var name string
		err := rows.Scan(&name)
		return name, err
	})
	if name := nearest.To(ref, names); err == nil && name != "" {
		return e.WithRemedy("did you mean %q? `ftctl ps -a` lists all jobs", name)
	}
	return e
}

// candidates is how many ids are told of those that were not told apart, and one
// more that says that there are others.
const candidates = 9

// beginningWith returns the first ids that begin so.
func (j *Journal) beginningWith(ctx context.Context, prefix string) ([]string, error) {
	// Ids are ASCII, so that is the upper end of the range.
	rows, err := j.reader.QueryContext(ctx, `SELECT id FROM jobs WHERE id >= ?1 AND id < ?1 || char(127) ORDER BY id LIMIT ?2`, prefix, candidates)
	if err != nil {
		return nil, describe(err)
	}
	return collect(rows, func() (string, error) {
		var id string
		err := rows.Scan(&id)
		return id, err
	})
}

func notFound(ref string) *api.Error {
	return api.Errorf(api.CodeNotFound, "there is no job %q", ref).WithRemedy("`ftctl ps -a` lists all jobs")
}

// CountJobs counts jobs by state.
func (j *Journal) CountJobs(ctx context.Context) (map[api.State]int, error) {
	rows, err := j.reader.QueryContext(ctx, `SELECT state, count(*) FROM jobs GROUP BY state`)
	if err != nil {
		return nil, describe(err)
	}
	defer rows.Close()
	counts := map[api.State]int{}
	for rows.Next() {
		var state api.State
		var n int
		if err := rows.Scan(&state, &n); err != nil {
			return nil, err
		}
		counts[state] = n
	}
	return counts, describe(rows.Err())
}
