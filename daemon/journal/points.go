package journal

import (
	"context"
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
	if err := j.settle(ctx, job); err != nil {
		return nil, "", err
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
	// The first row may hold points of the page before.
	rows, err := j.reader.QueryContext(ctx, `SELECT data FROM chunks WHERE file = ?1
			AND first >= coalesce((SELECT max(first) FROM chunks WHERE file = ?1 AND first <= ?2), 0)
		ORDER BY first`, f.id, after)
	if err != nil {
		return nil, describe(err)
	}
	defer rows.Close()
	var page []api.Point
	for len(page) < limit && rows.Next() {
		var data []byte
		if err := rows.Scan(&data); err != nil {
			return nil, describe(err)
		}
		points, err := decodeChunk(data)
		if err != nil {
			return nil, err
		}
		for _, p := range points {
			if p.Offset <= after || len(page) == limit {
				continue
			}
			p.Attempt, p.Rank = f.attempt, f.rank
			p.Repeated = f.before > 0 && p.GlobalStep <= f.before
			page = append(page, p)
		}
	}
	return page, describe(rows.Err())
}
