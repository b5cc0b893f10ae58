package launcher

import (
	"context"
	"time"

	"ftd/checkpoint"
	"ftd/logparse"
)

// FileID names the contents of a log file for as long as they last: device
// and inode, as "DEV:INO" in hexadecimal. A file that was replaced has another
// one, and so has a file that was emptied and written anew ("DEV:INO#1").
// FileID and the offset of a record in it are a key of that record.
type FileID string

// LauncherRank is the rank of the log of a launcher such as msrun, which is no
// rank itself. It repeats what its workers print, so only its problems are
// reported.
const LauncherRank = -1

// SchedulerRank is the rank of the log of msrun's scheduler, which lies beside
// those of the ranks. Only its problems are reported, too.
const SchedulerRank = -2

// Batch is what one read of a log gave. The observer must store all of it
// together or none of it: File, Offset and Parser are where the next read
// begins after a crash, so that no record is lost or doubled.
type Batch struct {
	Rank    int
	File    FileID
	Path    string
	Records []logparse.Record // in file order
	// Offset is the first byte that was not read into Records or Parser.
	Offset int64
	// Parser is all else that is needed to go on at Offset. It is opaque.
	Parser []byte
	// Read is when the bytes were read.
	Read time.Time
}

// Position is where following a log goes on: the last stored Batch's.
type Position struct {
	File   FileID
	Offset int64
	Parser []byte
}

// Observer is told what a run does. Its methods are called from one goroutine
// at a time; an error ends the following and is returned by it.
type Observer interface {
	// Position returns where to go on reading a rank's log; the zero Position
	// for a log that was not read yet.
	Position(ctx context.Context, rank int) (Position, error)
	// Batch stores what was read. Records and what they point to are the
	// observer's own from then on.
	Batch(ctx context.Context, b Batch) error
	// Checkpoint reports a checkpoint that is complete, or one that is broken
	// and will not change any more. After a restart of this program it is
	// called again for what was reported before, unless [WithSeen] is given.
	Checkpoint(ctx context.Context, v checkpoint.Verdict, rank int) error
}
