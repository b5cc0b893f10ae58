-- The order in which the checkpoints of an attempt were seen, the newest with the
-- highest number. Their times do not say so: clocks are set.
ALTER TABLE checkpoints ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
UPDATE checkpoints SET number = (SELECT count(*) FROM checkpoints AS c
  WHERE c.job = checkpoints.job AND c.attempt = checkpoints.attempt AND (c.seen, c.path) <= (checkpoints.seen, checkpoints.path));
