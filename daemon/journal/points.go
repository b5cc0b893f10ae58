package journal

import (
	"context"
	"database/sql"
	"fmt"

	"ftd/api"
)

// Points returns up to limit training points of a job (of one attempt, if it
// is named) in the order of the log files. next, if not empty, is the after of
// the following page.
func (j *Journal) Points(ctx context.Context, job, attempt, after string, limit int) (points []api.Point, next string, err error) {
	var fromFile, fromOffset int64 = 0, -1
	if after != "" {
		if _, err := fmt.Sscanf(after, "%d:%d", &fromFile, &fromOffset); err != nil {
			return nil, "", api.Errorf(api.CodeBadRequest, "after=%s is not the `next` of a page of points", after)
		}
	}
	files, err := j.logFiles(ctx, job, attempt, fromFile)
	if err != nil {
		return nil, "", err
	}
	points = []api.Point{}
	for _, f := range files {
		offset := int64(-1)
		if f.id == fromFile {
			offset = fromOffset
		}
		page, err := j.filePoints(ctx, f, offset, limit-len(points))
		if err != nil {
			return nil, "", err
		}
		points = append(points, page...)
		if len(points) == limit {
			return points, fmt.Sprintf("%d:%d", f.id, points[limit-1].Offset), nil
		}
	}
	return points, "", nil
}

type logFile struct {
	id      int64
	attempt string
	rank    int
	before  int64 // the step that earlier attempts had come to
}

func (j *Journal) logFiles(ctx context.Context, job, attempt string, from int64) ([]logFile, error) {
	rows, err := j.reader.QueryContext(ctx, `SELECT f.id, f.attempt, f.rank, coalesce(json_extract(a.tracker, '$.before'), 0)
		FROM files f JOIN attempts a ON a.job = f.job AND a.id = f.attempt
		WHERE f.job = ?1 AND (?2 = '' OR f.attempt = ?2) AND f.id >= ?3 ORDER BY f.id`, job, attempt, from)
	if err != nil {
		return nil, describe(err)
	}
	return collect(rows, func() (f logFile, err error) { return f, rows.Scan(&f.id, &f.attempt, &f.rank, &f.before) })
}

func (j *Journal) filePoints(ctx context.Context, f logFile, after int64, limit int) ([]api.Point, error) {
	rows, err := j.reader.QueryContext(ctx, `SELECT offset, time, epoch, epochs, step, total, global_step, loss, lr, step_ms, overflow, loss_scale, global_norm
		FROM points WHERE file = ? AND offset > ? ORDER BY offset LIMIT ?`, f.id, after, limit)
	if err != nil {
		return nil, describe(err)
	}
	return collect(rows, func() (api.Point, error) {
		p := api.Point{Attempt: f.attempt, Rank: f.rank}
		var at int64
		var loss, lr, stepMS, scale, norm number
		var overflow sql.NullBool
		err := rows.Scan(&p.Offset, &at, &p.Epoch, &p.Epochs, &p.Step, &p.Total, &p.GlobalStep, &loss, &lr, &stepMS, &overflow, &scale, &norm)
		p.Time, p.Loss, p.StepMS = moment(at), loss.must(), stepMS.must()
		p.Repeated = f.before > 0 && p.GlobalStep <= f.before
		p.LR, p.LossScale, p.GlobalNorm = lr.f, scale.f, norm.f
		if overflow.Valid {
			p.Overflow = &overflow.Bool
		}
		return p, err
	})
}
