-- Erasure: tombstones of erased people, and what stands open.

-- Records that nobody may bring back: checked by every writer, poller and backfill.
CREATE TABLE tombstones (
  record TEXT    PRIMARY KEY,
  at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
