-- The journal as of Reknit 0.1. Never edited once released: later changes are later files.
-- Times are milliseconds since 1970 UTC. Records are text, 'hubspot/contact/151'. JSON columns hold text.

CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  id           INTEGER PRIMARY KEY,
  connection   TEXT    NOT NULL,
  source       TEXT    NOT NULL,
  delivery_key TEXT    NOT NULL,
  topic        TEXT    NOT NULL,
  kind         TEXT    NOT NULL,
  record       TEXT,
  occurred_at  INTEGER,
  received_at  INTEGER NOT NULL,
  deliveries   INTEGER NOT NULL DEFAULT 1,
  ignored      TEXT,                       -- why no recipe ran, where none did
  body         TEXT    NOT NULL,
  body_sha256  TEXT    NOT NULL,           -- checked on use: integrity_check does not see flipped bits in a body
  UNIQUE (connection, delivery_key)
) STRICT;

CREATE TABLE decisions (
  id       INTEGER PRIMARY KEY,
  at       INTEGER NOT NULL,
  actor    TEXT    NOT NULL,
  decision TEXT    NOT NULL
) STRICT;

CREATE TABLE executions (
  id           INTEGER PRIMARY KEY,
  event_id     INTEGER REFERENCES events(id),
  decision_id  INTEGER REFERENCES decisions(id),
  recipe       TEXT    NOT NULL,
  subject      TEXT    NOT NULL,
  record       TEXT,
  lane         TEXT    NOT NULL,           -- one in flight per lane: the person
  status       TEXT    NOT NULL,
  outcome      TEXT,
  sentence     TEXT    NOT NULL,
  error_class  TEXT,
  error_code   INTEGER,
  vendor_words TEXT,
  attempts     INTEGER NOT NULL DEFAULT 0,
  max_attempts INTEGER NOT NULL,
  due_at       INTEGER,                    -- null once finished
  priority     INTEGER NOT NULL,           -- 0 operator, 1 live, 2 background
  created_at   INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL,
  lease_token  INTEGER,
  lease_until  INTEGER,
  starts       INTEGER NOT NULL DEFAULT 0, -- claims without a settlement: a payload that kills us is quarantined
  plan         TEXT
) STRICT;

CREATE INDEX executions_by_status ON executions (status, id);
CREATE INDEX executions_by_recipe ON executions (recipe, id);
CREATE INDEX executions_by_record ON executions (record) WHERE record IS NOT NULL;
CREATE INDEX executions_due       ON executions (priority, due_at, id) WHERE status IN ('pending', 'retrying', 'in_doubt');
CREATE INDEX executions_active    ON executions (lane, id) WHERE status IN ('running', 'retrying', 'in_doubt');
CREATE INDEX executions_failures  ON executions (error_class, error_code, id) WHERE status IN ('failed', 'retrying');
CREATE INDEX executions_recent    ON executions (updated_at) WHERE status IN ('succeeded', 'failed', 'skipped');

CREATE TABLE attempts (
  id           INTEGER PRIMARY KEY,
  execution_id INTEGER NOT NULL REFERENCES executions(id),
  number       INTEGER NOT NULL,
  step         INTEGER,
  purpose      TEXT    NOT NULL,
  started_at   INTEGER NOT NULL,
  duration_ms  INTEGER NOT NULL,
  method       TEXT    NOT NULL,
  url          TEXT    NOT NULL,
  request      TEXT    NOT NULL,
  status       INTEGER,
  response     TEXT    NOT NULL,
  request_id   TEXT,
  class        TEXT
) STRICT;
CREATE INDEX attempts_of ON attempts (execution_id, id);

CREATE TABLE mirror (
  record            TEXT    PRIMARY KEY,
  connection        TEXT    NOT NULL,
  object            TEXT    NOT NULL,
  fields            TEXT    NOT NULL,
  companies         TEXT    NOT NULL,      -- JSON list of company ids, the primary one first
  email             TEXT,                  -- lower case, for lookups
  vendor_updated_at INTEGER,
  seen_at           INTEGER NOT NULL,
  deleted           INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX mirror_by_kind  ON mirror (connection, object, record);
CREATE INDEX mirror_by_email ON mirror (email) WHERE email IS NOT NULL;

CREATE TABLE people (id INTEGER PRIMARY KEY) STRICT;
CREATE TABLE identities (
  record    TEXT    PRIMARY KEY,
  person_id INTEGER NOT NULL REFERENCES people(id)
) STRICT, WITHOUT ROWID;
CREATE INDEX identities_of ON identities (person_id);

-- What both sides held when a field last agreed, each in its own terms.
CREATE TABLE agreements (
  person_id   INTEGER NOT NULL,
  field       TEXT    NOT NULL,
  left_value  TEXT    NOT NULL,
  right_value TEXT    NOT NULL,
  at          INTEGER NOT NULL,
  PRIMARY KEY (person_id, field)
) STRICT, WITHOUT ROWID;

-- Every value we wrote, so that its coming back as an event is recognised.
CREATE TABLE echoes (
  record     TEXT    NOT NULL,
  field      TEXT    NOT NULL,
  value_hash TEXT    NOT NULL,
  at         INTEGER NOT NULL,
  PRIMARY KEY (record, field, value_hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE conflicts (
  id               INTEGER PRIMARY KEY,
  kind             TEXT    NOT NULL,
  subject          TEXT    NOT NULL,
  field            TEXT    NOT NULL,
  left_record      TEXT    NOT NULL,
  left_field       TEXT    NOT NULL,
  left_value       TEXT    NOT NULL,
  left_changed_at  INTEGER,
  right_record     TEXT    NOT NULL,
  right_field      TEXT    NOT NULL,
  right_value      TEXT    NOT NULL,
  right_changed_at INTEGER,
  base             TEXT,
  rule             TEXT    NOT NULL,
  allowed          TEXT    NOT NULL,
  state            TEXT    NOT NULL,
  execution_id     INTEGER,
  deciding_id      INTEGER,
  created_at       INTEGER NOT NULL,
  resolution       TEXT
) STRICT;
CREATE INDEX conflicts_by_state ON conflicts (state, id);
CREATE UNIQUE INDEX conflicts_open_once ON conflicts (left_record, right_record, field) WHERE state IN ('open', 'deciding');
CREATE INDEX conflicts_of_execution ON conflicts (execution_id);

CREATE TABLE duplicates (
  id           INTEGER PRIMARY KEY,
  subject      TEXT    NOT NULL,
  left_record  TEXT    NOT NULL,
  left_fields  TEXT    NOT NULL,
  right_record TEXT    NOT NULL,
  right_fields TEXT    NOT NULL,
  probability  REAL    NOT NULL,
  band         TEXT    NOT NULL,
  evidence     TEXT    NOT NULL,
  fingerprint  TEXT    NOT NULL,
  obstacle     TEXT,
  state        TEXT    NOT NULL,
  deciding_id  INTEGER,
  created_at   INTEGER NOT NULL,
  resolution   TEXT,
  UNIQUE (left_record, right_record)
) STRICT;
CREATE INDEX duplicates_by_state ON duplicates (state, probability DESC, id);

CREATE TABLE unlinked (
  id          INTEGER PRIMARY KEY,
  subject     TEXT    NOT NULL,
  contact     TEXT    NOT NULL UNIQUE,
  domain      TEXT    NOT NULL,
  hint        TEXT    NOT NULL,
  candidates  TEXT    NOT NULL,
  best        REAL    NOT NULL,            -- probability of the first candidate, 0 without one
  state       TEXT    NOT NULL,
  deciding_id INTEGER,
  created_at  INTEGER NOT NULL,
  resolution  TEXT
) STRICT;
CREATE INDEX unlinked_by_state ON unlinked (state, best DESC, id);

-- The full pre-image of every record a merge touches, taken before it.
CREATE TABLE capsules (
  id           INTEGER PRIMARY KEY,
  execution_id INTEGER NOT NULL,
  at           INTEGER NOT NULL,
  records      TEXT    NOT NULL
) STRICT;
CREATE INDEX capsules_of ON capsules (execution_id);

CREATE TABLE audit (
  number   INTEGER PRIMARY KEY,
  at       INTEGER NOT NULL,
  actor    TEXT    NOT NULL,
  verb     TEXT    NOT NULL,
  object   TEXT    NOT NULL,
  note     TEXT    NOT NULL,
  previous TEXT    NOT NULL,
  hash     TEXT    NOT NULL
) STRICT;
CREATE TRIGGER audit_is_append_only_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END;
CREATE TRIGGER audit_is_append_only_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'audit entries are never deleted'); END;

CREATE TABLE connections (
  connection     TEXT    PRIMARY KEY,
  health         TEXT    NOT NULL,
  since          INTEGER NOT NULL,
  latency_ms     INTEGER NOT NULL,
  used           INTEGER NOT NULL,
  allowed        INTEGER NOT NULL,
  window_seconds INTEGER NOT NULL,
  note           TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- Counters are maintained with the rows they count, in the same transaction.
CREATE TABLE counters (
  name  TEXT    PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What changed, for whoever shows it: consoles here and in other processes.
CREATE TABLE changes (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  kind   TEXT    NOT NULL,
  row_id INTEGER NOT NULL
) STRICT;

CREATE TRIGGER executions_counted_insert AFTER INSERT ON executions BEGIN
  INSERT INTO counters VALUES ('execution.' || NEW.status, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1;
  INSERT INTO changes (kind, row_id) VALUES ('execution', NEW.id);
END;
CREATE TRIGGER executions_counted_update AFTER UPDATE ON executions BEGIN
  INSERT INTO counters SELECT 'execution.' || OLD.status, -1 WHERE OLD.status <> NEW.status
    ON CONFLICT (name) DO UPDATE SET value = value - 1;
  INSERT INTO counters SELECT 'execution.' || NEW.status, 1 WHERE OLD.status <> NEW.status
    ON CONFLICT (name) DO UPDATE SET value = value + 1;
  INSERT INTO changes (kind, row_id) VALUES ('execution', NEW.id);
END;
CREATE TRIGGER executions_counted_delete AFTER DELETE ON executions BEGIN
  UPDATE counters SET value = value - 1 WHERE name = 'execution.' || OLD.status;
END;

CREATE TRIGGER conflicts_counted_insert AFTER INSERT ON conflicts BEGIN
  INSERT INTO counters VALUES ('conflict.' || NEW.state, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1;
  INSERT INTO changes (kind, row_id) VALUES ('conflict', NEW.id);
END;
CREATE TRIGGER conflicts_counted_update AFTER UPDATE ON conflicts BEGIN
  INSERT INTO counters SELECT 'conflict.' || OLD.state, -1 WHERE OLD.state <> NEW.state
    ON CONFLICT (name) DO UPDATE SET value = value - 1;
  INSERT INTO counters SELECT 'conflict.' || NEW.state, 1 WHERE OLD.state <> NEW.state
    ON CONFLICT (name) DO UPDATE SET value = value + 1;
  INSERT INTO changes (kind, row_id) VALUES ('conflict', NEW.id);
END;

CREATE TRIGGER duplicates_counted_insert AFTER INSERT ON duplicates BEGIN
  INSERT INTO counters VALUES ('duplicate.' || NEW.state, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1;
  INSERT INTO changes (kind, row_id) VALUES ('duplicate', NEW.id);
END;
CREATE TRIGGER duplicates_counted_update AFTER UPDATE ON duplicates BEGIN
  INSERT INTO counters SELECT 'duplicate.' || OLD.state, -1 WHERE OLD.state <> NEW.state
    ON CONFLICT (name) DO UPDATE SET value = value - 1;
  INSERT INTO counters SELECT 'duplicate.' || NEW.state, 1 WHERE OLD.state <> NEW.state
    ON CONFLICT (name) DO UPDATE SET value = value + 1;
  INSERT INTO changes (kind, row_id) VALUES ('duplicate', NEW.id);
END;

CREATE TRIGGER unlinked_counted_insert AFTER INSERT ON unlinked BEGIN
  INSERT INTO counters VALUES ('unlinked.' || NEW.state, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1;
  INSERT INTO changes (kind, row_id) VALUES ('unlinked', NEW.id);
END;
CREATE TRIGGER unlinked_counted_update AFTER UPDATE ON unlinked BEGIN
  INSERT INTO counters SELECT 'unlinked.' || OLD.state, -1 WHERE OLD.state <> NEW.state
    ON CONFLICT (name) DO UPDATE SET value = value - 1;
  INSERT INTO counters SELECT 'unlinked.' || NEW.state, 1 WHERE OLD.state <> NEW.state
    ON CONFLICT (name) DO UPDATE SET value = value + 1;
  INSERT INTO changes (kind, row_id) VALUES ('unlinked', NEW.id);
END;
