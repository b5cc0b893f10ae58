-- Points that were stored together are one row; see chunk.go for data. first
-- and last are the offsets of the first and the last of them. What was in the
-- table points is moved by movePoints, which drops it.
CREATE TABLE chunks (
  file  INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
  first INTEGER NOT NULL,
  last  INTEGER NOT NULL,
  data  BLOB NOT NULL,
  PRIMARY KEY (file, first)
) WITHOUT ROWID;

-- The newest event of this file whose points are in chunks.
ALTER TABLE files ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
UPDATE files SET told = coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0);

-- Ids are in the order of time.
DROP INDEX events_time;
