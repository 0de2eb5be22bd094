-- Calls to the vendors: what was granted, what they say is left, until when nobody calls.

-- Granted calls, until the window they count in has passed. One row is a block of calls taken at once by one process.
CREATE TABLE call_grants (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  connection TEXT    NOT NULL,
  family     TEXT    NOT NULL,
  at         INTEGER NOT NULL,             -- from when they count
  calls      INTEGER NOT NULL,
  ours       INTEGER NOT NULL              -- 0: calls of other apps, known from the vendor's answers
) STRICT;
CREATE INDEX call_grants_at ON call_grants (connection, family, at);

-- What holds for a family of endpoints, as the last process that asked knew it and as the vendor told.
CREATE TABLE call_families (
  connection       TEXT    NOT NULL,
  family           TEXT    NOT NULL,
  granted          INTEGER NOT NULL DEFAULT 0, -- since this table was made
  most             INTEGER,                    -- our setting for a window; null: no such limit
  window_ms        INTEGER NOT NULL DEFAULT 0,
  told_most        INTEGER,                    -- calls in a window by the vendor's answers
  day_most         INTEGER,                    -- calls in a day by the settings; null: no such limit
  day_from         INTEGER,                    -- the present day; null: always the last 24 hours
  day_until        INTEGER,
  budget_percent   INTEGER NOT NULL DEFAULT 100,
  told_day_used    INTEGER,                    -- the vendor's answers: calls of all apps in the day
  told_day_most    INTEGER,
  told_day_at      INTEGER,
  told_day_granted INTEGER,                    -- what `granted` was then
  closed_at        INTEGER,
  closed_until     INTEGER,
  closed_why       TEXT,
  PRIMARY KEY (connection, family)
) STRICT, WITHOUT ROWID;

-- Our calls by quarter of an hour (every time zone's midnight lies on one), for counters that survive a restart.
CREATE TABLE call_quarters (
  connection TEXT    NOT NULL,
  family     TEXT    NOT NULL,
  quarter    INTEGER NOT NULL,             -- quarters of an hour since 1970
  calls      INTEGER NOT NULL,
  PRIMARY KEY (connection, family, quarter)
) STRICT, WITHOUT ROWID;
