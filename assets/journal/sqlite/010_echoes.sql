-- The loop guard: which of our writes still stands, and how often a change has gone to and fro.

-- 1 while the record, as far as we know, still holds the value. A value that somebody changed since is no longer our
-- echo when it comes again: then a human went back to it.
ALTER TABLE echoes ADD COLUMN current INTEGER NOT NULL DEFAULT 1;

-- Our last write to each field, and the length of the chain of changes that answer each other.
CREATE TABLE field_writes (
  record       TEXT    NOT NULL,
  field        TEXT    NOT NULL,
  value_hash   TEXT    NOT NULL,
  at           INTEGER NOT NULL,
  execution_id INTEGER NOT NULL,
  hops         INTEGER NOT NULL,
  PRIMARY KEY (record, field)
) STRICT, WITHOUT ROWID;
