-- Which events belong to a job. An index of the table itself costs a page for
-- each job and commit; this one is brought up to date about once a second.
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

-- One row: the newest event that job_events may know. Those after it are few
-- enough to be looked through.
CREATE TABLE indexed (event INTEGER NOT NULL);
INSERT INTO indexed SELECT coalesce(max(id), 0) FROM events;

-- What watchdogs found is rare, and asked for with each job.
CREATE INDEX events_watchdog ON events (job, id) WHERE type = 'watchdog';
