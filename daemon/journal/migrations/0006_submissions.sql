-- The keys that clients gave to their requests for a job, so that a request
-- that is sent again is the same job. A key is kept as long as its job.
CREATE TABLE submissions (
  key  TEXT PRIMARY KEY,
  sum  TEXT NOT NULL,              -- of what was asked for
  job  TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX submissions_job ON submissions (job);
