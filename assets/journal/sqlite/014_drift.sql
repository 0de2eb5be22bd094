-- What the vendors' objects looked like when they were last read, and what changed since somebody accepted it.

CREATE TABLE schemas (
  connection TEXT    NOT NULL,
  object     TEXT    NOT NULL,
  accepted   TEXT    NOT NULL,             -- JSON: how it is expected to look
  seen       TEXT    NOT NULL,             -- JSON: how it looked when it was last read
  read_at    INTEGER NOT NULL,
  PRIMARY KEY (connection, object)
) STRICT, WITHOUT ROWID;

-- One row for each change that hits a rule.
CREATE TABLE drift (
  id         INTEGER PRIMARY KEY,
  key        TEXT    NOT NULL,             -- what makes it the same finding when it is seen again
  connection TEXT    NOT NULL,
  object     TEXT    NOT NULL,
  change     TEXT    NOT NULL,             -- JSON
  hits       TEXT    NOT NULL,             -- JSON: the recipes and mappings, each with file and line
  state      TEXT    NOT NULL,             -- open, accepted, mended
  holding    INTEGER NOT NULL,             -- 1 while what it hits is held back
  found_at   INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  resolution TEXT
) STRICT;
CREATE UNIQUE INDEX drift_open_once ON drift (key) WHERE state = 'open';

-- Records of which a held field was not carried over: looked at again once it may be.
CREATE TABLE drift_missed (
  record  TEXT    NOT NULL,
  mapping TEXT    NOT NULL,
  field   TEXT    NOT NULL,
  at      INTEGER NOT NULL,
  PRIMARY KEY (record, mapping, field)
) STRICT, WITHOUT ROWID;
