-- Sources of change: fetches, sweeps, backfills.

-- Work that reads a vendor page by page. What it found is stored with the place it has come to, in one transaction.
CREATE TABLE jobs (
  id              INTEGER PRIMARY KEY,
  kind            TEXT    NOT NULL,        -- fetch, sweep, backfill
  scope           TEXT    NOT NULL,        -- whose and what: 'intercom leads'
  request         TEXT    NOT NULL,        -- JSON: since, until
  state           TEXT    NOT NULL,        -- running, paused, stopped, finished, cancelled
  sentence        TEXT    NOT NULL,
  cursor          TEXT,                    -- the vendor's word for the next page; null = from the first
  total           INTEGER,                 -- records there are, where the vendor says so
  pages           INTEGER NOT NULL DEFAULT 0,
  records         INTEGER NOT NULL DEFAULT 0,
  events          INTEGER NOT NULL DEFAULT 0,
  skipped         INTEGER NOT NULL DEFAULT 0,
  calls           INTEGER NOT NULL DEFAULT 0,
  after_execution INTEGER NOT NULL,        -- executions it caused have higher numbers
  started_at      INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_of ON jobs (kind, scope, id);
CREATE UNIQUE INDEX jobs_open_once ON jobs (kind, scope) WHERE state IN ('running', 'paused');
