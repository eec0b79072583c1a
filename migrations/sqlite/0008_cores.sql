-- The cores that serve this database, each with a row of its own, which it writes every few seconds: so it also finds out
-- whether the database can be written. A core of an older release has no row.
CREATE TABLE aurareels_cores (
  token TEXT PRIMARY KEY,                      -- random, of one process
  name TEXT NOT NULL,                          -- for people: host and process
  key_id TEXT NOT NULL,                        -- the encryption key that it seals with
  seen_at INTEGER NOT NULL,
  asked_at INTEGER,                            -- when a rotation asked it to read its keys anew
  answered_at INTEGER                          -- when it last did
) STRICT, WITHOUT ROWID;
