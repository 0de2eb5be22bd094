-- Executions in the hands of people: failures by their cause, work that somebody holds or puts off, replays.

ALTER TABLE executions ADD COLUMN cause     TEXT;     -- the fingerprint of its last failure
ALTER TABLE executions ADD COLUMN replay_of INTEGER;  -- the execution whose plan or payload it repeats, edited
CREATE INDEX executions_replays ON executions (replay_of) WHERE replay_of IS NOT NULL;

-- When a cause was first and last met, and how often; what it says is read from one of its executions.
CREATE TABLE causes (
  cause    TEXT    PRIMARY KEY,
  class    TEXT    NOT NULL,
  code     INTEGER,
  system   TEXT,
  field    TEXT,
  first_at INTEGER NOT NULL,
  last_at  INTEGER NOT NULL,
  seen     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

UPDATE executions SET cause = 'old-' || error_class || coalesce('-' || error_code, '')
  WHERE status IN ('failed', 'retrying', 'in_doubt') AND error_class IS NOT NULL;
INSERT INTO causes SELECT cause, error_class, error_code, NULL, NULL, min(updated_at), max(updated_at), count(*)
  FROM executions WHERE status IN ('failed', 'retrying', 'in_doubt') AND cause IS NOT NULL GROUP BY cause;
CREATE INDEX executions_by_cause ON executions (cause, id, status)
  WHERE cause IS NOT NULL AND status IN ('failed', 'retrying', 'in_doubt');

-- What an operator holds until they let it go, or until a time: as it was before, to be put back so.
CREATE TABLE put_aside (
  execution_id INTEGER PRIMARY KEY,
  actor        TEXT    NOT NULL,
  at           INTEGER NOT NULL,
  until_at     INTEGER,                  -- null: until somebody lets it go
  status       TEXT    NOT NULL,
  due_at       INTEGER,
  sentence     TEXT    NOT NULL,
  held_by      TEXT,
  held_due     INTEGER
) STRICT;
CREATE INDEX put_aside_until ON put_aside (until_at) WHERE until_at IS NOT NULL;
