-- What was merged into what: ids only, the values stand in the capsules and in the plan.

CREATE TABLE merges (
  execution_id INTEGER NOT NULL,
  step         INTEGER NOT NULL,               -- its place in the plan
  absorbed     TEXT    NOT NULL,               -- the record that went away
  survivor     TEXT    NOT NULL,               -- the record it went into, as it was named before the call
  result       TEXT,                           -- what both are now; NULL until the vendor said so
  duplicate_id INTEGER,                        -- the candidate that named the two, or the one that was decided
  capsule_id   INTEGER,                        -- what was there before
  state        TEXT    NOT NULL,               -- begun | done | refused
  at           INTEGER NOT NULL,               -- when it was begun
  undone_at    INTEGER,
  undone_by    TEXT,
  undoing_id   INTEGER,                        -- the execution that took it back
  PRIMARY KEY (execution_id, absorbed)
) STRICT, WITHOUT ROWID;
CREATE INDEX merges_of_duplicate ON merges (duplicate_id, execution_id);
CREATE INDEX merges_of_absorbed ON merges (absorbed);
