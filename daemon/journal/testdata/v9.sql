-- A journal of version 9: the finished job of v1.sql, on two cards. Never edited: later versions must open it.
PRAGMA foreign_keys=0;

CREATE TABLE attempts (
  job       TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  id        TEXT NOT NULL,
  step      TEXT NOT NULL,
  number    INTEGER NOT NULL,
  state     TEXT NOT NULL,
  dir       TEXT NOT NULL,
  boot      TEXT NOT NULL,
  started   INTEGER NOT NULL,
  ended     INTEGER,
  shim      TEXT,
  exit_code INTEGER,
  signal    TEXT NOT NULL DEFAULT '',
  error     TEXT,
  tracker   TEXT, cards TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (job, id)
) WITHOUT ROWID;
INSERT INTO "attempts" VALUES('01k0old','train.1','train',1,'succeeded','/old/runs/01k0old/train.1','boot',1750000002000000000,1750000009000000000,'{"pid":4241,"child":4242}',0,'',NULL,NULL,'0,1');
CREATE TABLE calls (
  job  TEXT NOT NULL,
  step TEXT NOT NULL,
  boot TEXT NOT NULL,
  PRIMARY KEY (job, step)
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
INSERT INTO "checkpoints" VALUES('01k0old','train.1','/old/c/2.ckpt',0,'ckpt',1000,10,1,2,1,'',1750000008000000000);
CREATE TABLE chunks (
  file  INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
  first INTEGER NOT NULL,
  last  INTEGER NOT NULL,
  data  BLOB NOT NULL,
  PRIMARY KEY (file, first)
) WITHOUT ROWID;
INSERT INTO "chunks" VALUES(1,100,250,X'010DC80180F8FAFBE2EE9FC93002020204029A99999999991B400000000000205E40F168E388B5F8E43E000000000000F0401FAC0280A8D6B9070000020002010000000000F87F0000000000A05B40F168E388B5F8E43E000000000000E040000000000000F07F');
CREATE TABLE crashes (
  job  TEXT NOT NULL,
  step TEXT NOT NULL,
  key  TEXT NOT NULL,
  time INTEGER NOT NULL,
  PRIMARY KEY (job, step)
) WITHOUT ROWID;
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
INSERT INTO "events" VALUES(17,1750000009000000000,'01k0old','','',0,'job','{"id":"01k0old"}');
CREATE TABLE files (
  id      INTEGER PRIMARY KEY,
  job     TEXT NOT NULL,
  attempt TEXT NOT NULL,
  rank    INTEGER NOT NULL,
  file    TEXT NOT NULL,
  path    TEXT NOT NULL,
  offset  INTEGER NOT NULL,
  parser  BLOB, told INTEGER NOT NULL DEFAULT 0,
  UNIQUE (job, attempt, rank, file),
  FOREIGN KEY (job, attempt) REFERENCES attempts (job, id) ON DELETE CASCADE
);
INSERT INTO "files" VALUES(1,'01k0old','train.1',0,'802:1f','/old/runs/01k0old/train.1/rank_0.log',400,X'7B7D',17);
CREATE TABLE jobs (
  id      TEXT PRIMARY KEY,
  name    TEXT NOT NULL,
  recipe  TEXT NOT NULL,
  state   TEXT NOT NULL,
  submit  TEXT NOT NULL,
  dir     TEXT NOT NULL,
  created INTEGER NOT NULL,
  started INTEGER,
  ended   INTEGER,
  error   TEXT
) WITHOUT ROWID;
INSERT INTO "jobs" VALUES('01k0old','old','tiny-llama','succeeded','{"recipe":"tiny-llama","vars":{"steps":"2"}}','/old/runs/01k0old',1750000000000000000,1750000001000000000,1750000009000000000,NULL);
CREATE TABLE problems (
  file    INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
  offset  INTEGER NOT NULL,
  code    TEXT NOT NULL,
  error   TEXT NOT NULL,
  PRIMARY KEY (file, offset, code)
) WITHOUT ROWID;
CREATE TABLE results (
  key     TEXT PRIMARY KEY,
  dir     TEXT NOT NULL,
  outputs TEXT NOT NULL,
  created INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO "results" VALUES('key-1','/old/results/key-1','{"model":"/old/tokenizer.model"}',1750000001000000000);
CREATE TABLE steps (
  job       TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  id        TEXT NOT NULL,
  position  INTEGER NOT NULL,
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
INSERT INTO "steps" VALUES('01k0old','tokenizer',0,'tokenizer','skipped','key-1','',NULL,1750000001000000000,'{"model":"/old/tokenizer.model"}',NULL);
INSERT INTO "steps" VALUES('01k0old','train',1,'train','succeeded','','',1750000002000000000,1750000009000000000,NULL,NULL);
CREATE INDEX jobs_state ON jobs (state);
CREATE INDEX jobs_name ON jobs (name);
CREATE INDEX events_job ON events (job, id);
ALTER TABLE checkpoints ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;
CREATE TABLE contents (
  path TEXT PRIMARY KEY,
  look TEXT NOT NULL,
  sum  TEXT NOT NULL,
  time INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO contents VALUES ('/data/a.json', '{1 2 3 4 5}', 'ab12', 1772000000000000000);

CREATE TABLE submissions (
  key  TEXT PRIMARY KEY,
  sum  TEXT NOT NULL,
  job  TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX submissions_job ON submissions (job);
INSERT INTO submissions VALUES ('key-of-a-client', 'ab12', '01k0old');

ALTER TABLE steps ADD COLUMN earlier INTEGER NOT NULL DEFAULT 0;
ALTER TABLE checkpoints ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
UPDATE checkpoints SET number = 1;
CREATE TABLE job_events (
  job   TEXT NOT NULL,
  event INTEGER NOT NULL,
  PRIMARY KEY (job, event)
) WITHOUT ROWID;
INSERT INTO job_events SELECT job, id FROM events ORDER BY job, id;
DROP INDEX events_job;
CREATE TRIGGER events_deleted AFTER DELETE ON events BEGIN
  DELETE FROM job_events WHERE job = old.job AND event = old.id;
END;

CREATE TABLE indexed (event INTEGER NOT NULL);
INSERT INTO indexed SELECT coalesce(max(id), 0) FROM events;

CREATE INDEX events_watchdog ON events (job, id) WHERE type = 'watchdog';
PRAGMA user_version=9;
