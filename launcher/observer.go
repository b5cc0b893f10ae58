package launcher

import (
	"context"
	"time"

	"ftd/checkpoint"
	"ftd/logparse"
)

// FileID names a log file for as long as it exists: device and inode, as
// "DEV:INO" in hexadecimal. A file that was replaced has another one.
type FileID string

// Batch is what one read of a log gave. The observer must store all of it
// together or none of it: Offset and Parser are where the next read begins
// after a crash, so that no record is lost or doubled.
type Batch struct {
	Rank    int
	File    FileID
	Path    string
	Records []logparse.Record // in file order
	// Offset is the first byte that was not read into Records or Parser.
	Offset int64
	// Parser is the parser's state at Offset, see logparse.Parser.State.
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
	// Batch stores what was read.
	Batch(ctx context.Context, b Batch) error
	// Checkpoint reports a checkpoint that is complete, or one that is broken
	// and will not change any more.
	Checkpoint(ctx context.Context, v checkpoint.Verdict, rank int) error
}
