-- The outbox: what is told to channels and sinks beside the vendors.
CREATE TABLE notices (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  key          TEXT    NOT NULL,
  channel      TEXT    NOT NULL,           -- slack, webhook, or a sink of the settings
  execution_id INTEGER NOT NULL,
  body         TEXT    NOT NULL,           -- JSON: title and fields; sealed
  status       TEXT    NOT NULL,           -- pending, sending, sent, may_repeat, failed
  sends        INTEGER NOT NULL DEFAULT 0, -- how often it may have arrived
  tries        INTEGER NOT NULL DEFAULT 0, -- how often it surely did not
  next_at      INTEGER NOT NULL,
  lease_until  INTEGER,
  words        TEXT    NOT NULL DEFAULT '',-- what came back, redacted
  created_at   INTEGER NOT NULL,
  done_at      INTEGER,
  UNIQUE (key, channel)
) STRICT;
CREATE INDEX notices_open ON notices (channel, status, next_at) WHERE status IN ('pending', 'sending');
CREATE INDEX notices_of   ON notices (execution_id);
