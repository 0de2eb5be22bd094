-- What holds work back: breakers of connections, and pauses a human set.

CREATE TABLE breakers (
  connection  TEXT    PRIMARY KEY,
  state       TEXT    NOT NULL,            -- closed, open, half_open
  cause       TEXT    NOT NULL,
  since       INTEGER NOT NULL,            -- closed since, or not closed since
  look_at     INTEGER,                     -- when one call may try whether it goes again
  words       TEXT    NOT NULL,            -- the vendor's, redacted
  rests       INTEGER NOT NULL DEFAULT 0,  -- looks that failed in a row: each makes the next rest longer
  looked_at   INTEGER NOT NULL DEFAULT 0,  -- a time before it means that the clock went back
  probe       INTEGER,                     -- the token of who looks now
  probe_until INTEGER                      -- when another one may, because that one is dead
) STRICT, WITHOUT ROWID;

CREATE TABLE pauses (
  kind     TEXT    NOT NULL,               -- recipe, connection, direction
  name     TEXT    NOT NULL,
  actor    TEXT    NOT NULL,
  reason   TEXT    NOT NULL,
  since    INTEGER NOT NULL,
  until_at INTEGER,                        -- null: until somebody resumes it
  PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

-- An execution that is held has no due time, so no claim ever meets with it: a backlog that waits costs nothing.
ALTER TABLE executions ADD COLUMN held_by TEXT;       -- 'breaker/hubspot', 'pause/recipe/contact-to-crm'
ALTER TABLE executions ADD COLUMN held_due INTEGER;   -- its due time before, which it gets back: it keeps its place
ALTER TABLE executions ADD COLUMN held_sentence TEXT; -- its sentence before; null when there is a new one to be said
CREATE INDEX executions_held ON executions (held_by, id) WHERE held_by IS NOT NULL;
