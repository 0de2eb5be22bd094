-- Erasure: keys of what is sealed, tombstones of erased people, and what stands open.

-- What rows say of a person is sealed under the key of their record; an erased one has no key any more. AUTOINCREMENT:
-- a number is never given twice, so nothing sealed long ago opens under somebody else's key. The record '' is for rows
-- that name none.
CREATE TABLE sealing_keys (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  record       TEXT    NOT NULL UNIQUE,
  key          BLOB,                       -- null once destroyed
  destroyed_at INTEGER
) STRICT;

-- Records that nobody may bring back: checked by every writer, poller and backfill.
CREATE TABLE tombstones (
  record     TEXT    PRIMARY KEY,
  at         INTEGER NOT NULL,
  erasure_id INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Addresses and external ids of erased people, as keyed hashes (the key: settings, 'erasure.key').
CREATE TABLE erased_marks (
  mark TEXT    PRIMARY KEY,
  at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE erasures (
  id        INTEGER PRIMARY KEY,
  state     TEXT    NOT NULL,              -- asked, open, done, dismissed
  asked_by  TEXT    NOT NULL,
  asked_at  INTEGER NOT NULL,
  closed_at INTEGER,
  event_id  INTEGER UNIQUE                 -- the deletion at a vendor that caused it
) STRICT;
CREATE INDEX erasures_by_state ON erasures (state, id);

-- The checklist.
CREATE TABLE erasure_parts (
  id           INTEGER PRIMARY KEY,
  erasure_id   INTEGER NOT NULL REFERENCES erasures(id),
  system       TEXT    NOT NULL,
  record       TEXT    NOT NULL,           -- '' for the journal, and for a system that does not know the person
  way          TEXT    NOT NULL,
  state        TEXT    NOT NULL,
  at           INTEGER,
  execution_id INTEGER,
  request_id   TEXT,
  note         TEXT    NOT NULL,
  UNIQUE (erasure_id, system, record)
) STRICT;
CREATE INDEX erasure_parts_of ON erasure_parts (execution_id) WHERE execution_id IS NOT NULL;

-- Whom records belonged to that were merged away or are gone: erasing a person destroys their keys too.
CREATE TABLE former_identities (
  record    TEXT    PRIMARY KEY,
  person_id INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX former_identities_of ON former_identities (person_id);
CREATE TRIGGER identities_remembered AFTER DELETE ON identities BEGIN
  INSERT OR REPLACE INTO former_identities VALUES (OLD.record, OLD.person_id);
END;
CREATE TRIGGER identities_followed AFTER UPDATE OF person_id ON identities BEGIN
  UPDATE former_identities SET person_id = NEW.person_id WHERE person_id = OLD.person_id;
END;

-- A journal from before has pages whose free space was never overwritten: its first erasure rewrites the file.
INSERT INTO settings SELECT 'erasure.rewrite', '1' WHERE EXISTS (SELECT 1 FROM events) OR EXISTS (SELECT 1 FROM mirror);
