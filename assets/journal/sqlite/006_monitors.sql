-- Monitors: stored series, alerts, the channels they go to.

-- Counts and gauges by time, added to as things happen. A row belongs to one span only: rolling up moves it.
CREATE TABLE series (
  name  TEXT    NOT NULL,                  -- succeeded, failed, tries, latency, duplicates, and the monitors' gauges
  label TEXT    NOT NULL,                  -- a recipe, a connection; of latency the bucket
  span  INTEGER NOT NULL,                  -- milliseconds: a minute, a quarter of an hour, a day
  at    INTEGER NOT NULL,                  -- where the span begins
  count INTEGER NOT NULL,
  sum   INTEGER NOT NULL,
  most  INTEGER NOT NULL,
  PRIMARY KEY (name, label, span, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX series_by_age ON series (span, at);

-- From when the processing of an execution is timed, where that is not its event's arrival: a planned time, a retry.
CREATE TABLE timed_from (
  execution_id INTEGER PRIMARY KEY,
  at           INTEGER NOT NULL
) STRICT;
CREATE TRIGGER executions_planned AFTER INSERT ON executions WHEN NEW.due_at > NEW.created_at BEGIN
  INSERT OR REPLACE INTO timed_from VALUES (NEW.id, NEW.due_at);
END;
CREATE TRIGGER executions_asked_again AFTER UPDATE OF status ON executions
WHEN OLD.status IN ('succeeded', 'skipped', 'failed', 'discarded', 'held') AND NEW.status = 'pending' BEGIN
  INSERT OR REPLACE INTO timed_from VALUES (NEW.id, NEW.updated_at);
END;
CREATE TRIGGER executions_timed_no_more AFTER DELETE ON executions BEGIN
  DELETE FROM timed_from WHERE execution_id = OLD.id;
END;

-- Records that executions of ours made, so that one that turns out to have existed leads back to its maker.
CREATE TABLE created_records (
  record       TEXT    PRIMARY KEY,
  execution_id INTEGER NOT NULL,
  recipe       TEXT    NOT NULL,
  at           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE duplicate_incidents (
  duplicate_id INTEGER PRIMARY KEY,
  execution_id INTEGER NOT NULL,
  recipe       TEXT    NOT NULL,
  other_id     INTEGER,                    -- the execution that made the other record, where one of ours did
  at           INTEGER NOT NULL
) STRICT;
CREATE INDEX duplicate_incidents_at ON duplicate_incidents (at);
CREATE TRIGGER duplicates_of_our_making AFTER INSERT ON duplicates
WHEN EXISTS (SELECT 1 FROM created_records WHERE record IN (NEW.left_record, NEW.right_record)) BEGIN
  INSERT OR IGNORE INTO duplicate_incidents (duplicate_id, execution_id, recipe, other_id, at)
    SELECT NEW.id, newest.execution_id, newest.recipe,
           (SELECT other.execution_id FROM created_records AS other
            WHERE other.record IN (NEW.left_record, NEW.right_record) AND other.execution_id <> newest.execution_id),
           NEW.created_at
    FROM created_records AS newest WHERE newest.record IN (NEW.left_record, NEW.right_record)
    ORDER BY newest.at DESC, newest.execution_id DESC LIMIT 1;
  INSERT INTO series SELECT 'duplicates', recipe, 60000, at - at % 60000, 1, 1, 1
    FROM duplicate_incidents WHERE duplicate_id = NEW.id
    ON CONFLICT (name, label, span, at) DO UPDATE SET count = count + 1, sum = sum + 1;
END;
CREATE INDEX duplicates_by_age ON duplicates (state, created_at);
CREATE INDEX unlinked_by_age ON unlinked (state, created_at);

-- When each connection was last heard of, and how often: by webhook, by polling, by a look that found nothing.
CREATE TABLE heard (
  connection TEXT    NOT NULL,
  source     TEXT    NOT NULL,
  at         INTEGER NOT NULL,
  count      INTEGER NOT NULL,
  PRIMARY KEY (connection, source)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER events_heard AFTER INSERT ON events BEGIN
  INSERT INTO heard VALUES (NEW.connection, NEW.source, NEW.received_at, 1)
    ON CONFLICT (connection, source) DO UPDATE SET at = max(at, excluded.at), count = count + 1;
END;
INSERT INTO heard SELECT connection, source, max(received_at), count(*) FROM events GROUP BY connection, source;

-- Where each monitor stands for each of its subjects.
CREATE TABLE monitor_standings (
  monitor      TEXT    NOT NULL,
  subject      TEXT    NOT NULL,
  state        TEXT    NOT NULL,           -- ok, alerting
  since        INTEGER NOT NULL,
  value        REAL    NOT NULL,
  turning_at   INTEGER,                    -- since when the value asks for the other state
  told         TEXT    NOT NULL,           -- the state that was last told
  flapping     INTEGER NOT NULL,
  changes      TEXT    NOT NULL,           -- JSON: when the state changed lately
  sentence     TEXT    NOT NULL,
  evaluated_at INTEGER NOT NULL,
  PRIMARY KEY (monitor, subject)
) STRICT, WITHOUT ROWID;

-- What was to be told, once each; and to whom it went.
CREATE TABLE alerts (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  key          TEXT    NOT NULL UNIQUE,
  monitor      TEXT    NOT NULL,           -- empty: a message of a recipe
  subject      TEXT    NOT NULL,
  kind         TEXT    NOT NULL,           -- alert, recovered, flapping, test, message
  severity     TEXT    NOT NULL,
  sentence     TEXT    NOT NULL,
  value        REAL    NOT NULL,
  threshold    REAL    NOT NULL,
  execution_id INTEGER,
  at           INTEGER NOT NULL
) STRICT;
CREATE TABLE alert_deliveries (
  id          INTEGER PRIMARY KEY,
  alert_id    INTEGER NOT NULL REFERENCES alerts(id) ON DELETE CASCADE,
  channel     TEXT    NOT NULL,
  status      TEXT    NOT NULL,            -- pending, sending, sent, may_repeat, failed
  sends       INTEGER NOT NULL DEFAULT 0,  -- how often it may have arrived
  tries       INTEGER NOT NULL DEFAULT 0,  -- how often it surely did not
  next_at     INTEGER NOT NULL,
  lease_until INTEGER,
  words       TEXT    NOT NULL DEFAULT '', -- what came back, redacted
  done_at     INTEGER,
  UNIQUE (alert_id, channel)
) STRICT;
CREATE INDEX alert_deliveries_open ON alert_deliveries (channel, status, next_at) WHERE status IN ('pending', 'sending');
CREATE TABLE alert_channels (
  channel  TEXT    PRIMARY KEY,
  healthy  INTEGER NOT NULL,
  words    TEXT    NOT NULL,               -- what is wrong, redacted; never its address
  since    INTEGER NOT NULL,
  failures INTEGER NOT NULL,               -- in a row
  next_at  INTEGER NOT NULL                -- not before this time
) STRICT, WITHOUT ROWID;
