-- What files contained when they had a certain look, so that large inputs are
-- not read again to know that they are the same.
CREATE TABLE contents (
  path TEXT PRIMARY KEY,
  look TEXT NOT NULL,
  sum  TEXT NOT NULL,
  time INTEGER NOT NULL
) WITHOUT ROWID;
