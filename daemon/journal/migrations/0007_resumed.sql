-- How many attempts a step had when its job was last resumed by a person: the
-- restarts that its recipe allows are counted from there.
ALTER TABLE steps ADD COLUMN earlier INTEGER NOT NULL DEFAULT 0;
