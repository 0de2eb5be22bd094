-- The rollout checklist: who has looked at what.

CREATE TABLE rollout (
  step     TEXT    PRIMARY KEY,
  good     INTEGER NOT NULL,               -- 1 when it was found or said to be right
  by       TEXT    NOT NULL,               -- who said so
  at       INTEGER NOT NULL,
  evidence TEXT    NOT NULL                -- what was seen
) STRICT, WITHOUT ROWID;
