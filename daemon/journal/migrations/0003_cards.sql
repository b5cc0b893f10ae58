-- The logical ids of the accelerator cards an attempt was given, such as 0,1.
-- It holds them until it has ended.
ALTER TABLE attempts ADD COLUMN cards TEXT NOT NULL DEFAULT '';
