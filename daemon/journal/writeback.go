package journal

import (
	"context"
	"time"
)

// SQLite commits to a log of its own, journal.db-wal, and copies it into the
// file now and then, which it calls a checkpoint. Left to itself the connection
// that writes does so when 4 MB have come together, after a commit: a twentieth
// to a tenth of a second for which all trainings wait to be recorded. So it is
// done beside the writer.

const (
	// writeBackEvery is how often: often enough that little has to be read after
	// a crash, and seldom enough that pages that change again and again are
	// copied once for many changes.
	writeBackEvery = 5 * time.Second
	// writeBackPages is how long the log may become before the writer does it
	// all the same: 128 MB.
	writeBackPages = "32000"
)

// writeBacks calls writeBack from time to time if anything was written.
func (j *Journal) writeBacks(ctx context.Context) {
	defer close(j.writtenBack)
	tick := time.NewTicker(writeBackEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if j.dirty.Swap(false) {
			// Where it fails there is another try, and in the end the writer's own.
			_ = j.writeBack(ctx)
		}
	}
}

// writeBack copies what was committed into the file. Most of it is copied while
// others write; the rest in between, so that the log begins anew.
func (j *Journal) writeBack(ctx context.Context) error {
	const passive = "PRAGMA wal_checkpoint(PASSIVE)"
	if _, err := j.reader.ExecContext(ctx, passive); err != nil {
		return err
	}
	if err := j.takeTurn(ctx); err != nil {
		return err
	}
	defer j.endTurn()
	_, err := j.writer.ExecContext(ctx, passive)
	return err
}
