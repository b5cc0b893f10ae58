-- Times are nanoseconds since 1970 in UTC. Texts named error, outputs,
-- progress, submit, shim, data and tracker are JSON.

CREATE TABLE jobs (
  id      TEXT PRIMARY KEY,          -- sorts by time of creation
  name    TEXT NOT NULL,
  recipe  TEXT NOT NULL,
  state   TEXT NOT NULL,
  submit  TEXT NOT NULL,             -- api.Submit: what was asked for
  dir     TEXT NOT NULL,
  created INTEGER NOT NULL,
  started INTEGER,
  ended   INTEGER,
  error   TEXT
) WITHOUT ROWID;
CREATE INDEX jobs_state ON jobs (state);
CREATE INDEX jobs_name ON jobs (name);

CREATE TABLE steps (
  job       TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  id        TEXT NOT NULL,
  position  INTEGER NOT NULL,        -- in the recipe, from 0
  uses      TEXT NOT NULL,
  state     TEXT NOT NULL,
  key       TEXT NOT NULL DEFAULT '',
  isolation TEXT NOT NULL DEFAULT '',
  started   INTEGER,
  ended     INTEGER,
  outputs   TEXT,
  error     TEXT,
  PRIMARY KEY (job, id)
) WITHOUT ROWID;

CREATE TABLE attempts (
  job       TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  id        TEXT NOT NULL,           -- "train.1"
  step      TEXT NOT NULL,
  number    INTEGER NOT NULL,
  state     TEXT NOT NULL,
  dir       TEXT NOT NULL,
  boot      TEXT NOT NULL,           -- the boot during which it began
  started   INTEGER NOT NULL,
  ended     INTEGER,
  shim      TEXT,                    -- launcher.Shim, once the process runs
  exit_code INTEGER,
  signal    TEXT NOT NULL DEFAULT '',
  error     TEXT,
  tracker   TEXT,                    -- what a training's records amount to
  PRIMARY KEY (job, id)
) WITHOUT ROWID;

-- How far each log file was read. A log that was replaced is another file.
CREATE TABLE files (
  id      INTEGER PRIMARY KEY,
  job     TEXT NOT NULL,
  attempt TEXT NOT NULL,
  rank    INTEGER NOT NULL,
  file    TEXT NOT NULL,             -- launcher.FileID
  path    TEXT NOT NULL,
  offset  INTEGER NOT NULL,
  parser  BLOB,
  UNIQUE (job, attempt, rank, file),
  FOREIGN KEY (job, attempt) REFERENCES attempts (job, id) ON DELETE CASCADE
);

-- A point's key is (job, attempt, rank, file id, offset); the first four are
-- the row of files. A number that is not finite is the text that JSON has for
-- it, since SQLite turns NaN into NULL, and NULL means that the log had none.
CREATE TABLE points (
  file        INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
  offset      INTEGER NOT NULL,
  time        INTEGER NOT NULL,
  epoch       INTEGER NOT NULL,
  epochs      INTEGER NOT NULL,
  step        INTEGER NOT NULL,
  total       INTEGER NOT NULL,
  global_step INTEGER NOT NULL,
  loss        REAL NOT NULL,
  lr          REAL,
  step_ms     REAL NOT NULL,
  overflow    INTEGER,
  loss_scale  REAL,
  global_norm REAL,
  PRIMARY KEY (file, offset)
) WITHOUT ROWID;

CREATE TABLE problems (
  file    INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
  offset  INTEGER NOT NULL,
  code    TEXT NOT NULL,
  error   TEXT NOT NULL,
  PRIMARY KEY (file, offset, code)
) WITHOUT ROWID;

CREATE TABLE checkpoints (
  job      TEXT NOT NULL,
  attempt  TEXT NOT NULL,
  path     TEXT NOT NULL,
  rank     INTEGER NOT NULL,
  format   TEXT NOT NULL,
  bytes    INTEGER NOT NULL,
  tensors  INTEGER NOT NULL,
  epoch    INTEGER NOT NULL,
  step     INTEGER NOT NULL,
  complete INTEGER NOT NULL,
  reason   TEXT NOT NULL,
  seen     INTEGER NOT NULL,
  PRIMARY KEY (job, attempt, path),
  FOREIGN KEY (job, attempt) REFERENCES attempts (job, id) ON DELETE CASCADE
) WITHOUT ROWID;

-- AUTOINCREMENT: an id is never used twice, even after the newest events were
-- deleted, so a reader that was cut off can go on from the last one it saw.
CREATE TABLE events (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  time    INTEGER NOT NULL,
  job     TEXT NOT NULL,
  step    TEXT NOT NULL,
  attempt TEXT NOT NULL,
  rank    INTEGER NOT NULL,
  type    TEXT NOT NULL,
  data    TEXT
);
CREATE INDEX events_job ON events (job, id);
CREATE INDEX events_time ON events (time);

-- What steps made, by the hash of what went into them.
CREATE TABLE results (
  key     TEXT PRIMARY KEY,
  dir     TEXT NOT NULL,
  outputs TEXT NOT NULL,
  created INTEGER NOT NULL
) WITHOUT ROWID;

-- Calls into the daemon's own interpreter that have not returned. What is found
-- here at the start took the daemon down, if the machine is still the same boot.
CREATE TABLE calls (
  job  TEXT NOT NULL,
  step TEXT NOT NULL,
  boot TEXT NOT NULL,
  PRIMARY KEY (job, step)
) WITHOUT ROWID;

-- Steps that took the daemon down: they run in a process of their own.
CREATE TABLE crashes (
  job  TEXT NOT NULL,
  step TEXT NOT NULL,
  key  TEXT NOT NULL,
  time INTEGER NOT NULL,
  PRIMARY KEY (job, step)
) WITHOUT ROWID;
