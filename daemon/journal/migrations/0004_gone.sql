-- Whether the daemon has deleted a checkpoint; reason says why then.
ALTER TABLE checkpoints ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;
