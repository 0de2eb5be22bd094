-- Duplicate candidates: verdicts that stand, groups, what a changed record is looked up by, and how incidents came about.

ALTER TABLE duplicates ADD COLUMN last_seen      INTEGER NOT NULL DEFAULT 0;
ALTER TABLE duplicates ADD COLUMN evidence_at    INTEGER NOT NULL DEFAULT 0; -- the compared fields changed last
ALTER TABLE duplicates ADD COLUMN seen_scan      INTEGER NOT NULL DEFAULT 0; -- the number of the look that found it last
ALTER TABLE duplicates ADD COLUMN verdict        TEXT;                       -- same, different, unsure, later
ALTER TABLE duplicates ADD COLUMN verdict_by     TEXT;
ALTER TABLE duplicates ADD COLUMN verdict_at     INTEGER;
ALTER TABLE duplicates ADD COLUMN verdict_reason TEXT;
ALTER TABLE duplicates ADD COLUMN verdict_until  INTEGER;                    -- later: null = until the fields change
ALTER TABLE duplicates ADD COLUMN reopened       TEXT;                       -- why a verdict holds no more
ALTER TABLE duplicates ADD COLUMN alarm          TEXT;                       -- what it contradicts
ALTER TABLE duplicates ADD COLUMN origin         TEXT;                       -- of our own making: why it came about
ALTER TABLE duplicates ADD COLUMN rank           REAL    NOT NULL DEFAULT 0; -- the order of the list: unsure ones low
ALTER TABLE duplicates ADD COLUMN cluster        TEXT;                       -- the group, by its first record
ALTER TABLE duplicates ADD COLUMN members        INTEGER NOT NULL DEFAULT 2; -- records in it
ALTER TABLE duplicates ADD COLUMN leads          INTEGER NOT NULL DEFAULT 1; -- the pair that stands for its group

UPDATE duplicates SET last_seen = created_at, evidence_at = created_at, rank = probability;
UPDATE duplicates SET verdict = 'different', verdict_at = created_at, verdict_reason = '',
  verdict_by = replace(coalesce(resolution, ''), ' says they are different.', '')
  WHERE state = 'dismissed';

DROP INDEX duplicates_by_state;
CREATE INDEX duplicates_by_state   ON duplicates (state, rank DESC, id);
CREATE INDEX duplicates_led        ON duplicates (rank DESC, id) WHERE leads = 1 AND state IN ('open', 'deciding');
CREATE INDEX duplicates_by_right   ON duplicates (right_record);
CREATE INDEX duplicates_by_cluster ON duplicates (cluster) WHERE cluster IS NOT NULL;
CREATE INDEX duplicates_later      ON duplicates (verdict_until) WHERE state = 'ignored' AND verdict_until IS NOT NULL;
CREATE INDEX duplicates_judged     ON duplicates (verdict, verdict_at) WHERE verdict IS NOT NULL;

-- That a look found a pair once more, or that it moved in its group, is no news to any screen by itself.
DROP TRIGGER duplicates_counted_update;
CREATE TRIGGER duplicates_counted_update AFTER UPDATE OF subject, left_record, left_fields, right_record, right_fields,
  probability, band, evidence, obstacle, state, resolution, verdict, reopened, alarm, members, leads ON duplicates BEGIN
  INSERT INTO counters SELECT 'duplicate.' || OLD.state, -1 WHERE OLD.state <> NEW.state
    ON CONFLICT (name) DO UPDATE SET value = value - 1;
  INSERT INTO counters SELECT 'duplicate.' || NEW.state, 1 WHERE OLD.state <> NEW.state
    ON CONFLICT (name) DO UPDATE SET value = value + 1;
  INSERT INTO changes (kind, row_id) VALUES ('duplicate', NEW.id);
END;

-- With the records of other systems that both of a pair are tied to.
CREATE VIEW duplicate_rows AS SELECT duplicates.*,
  (SELECT json_group_array(shared.record) FROM identities AS one JOIN identities AS other ON other.person_id = one.person_id
   JOIN identities AS shared ON shared.person_id = one.person_id
   WHERE one.record = left_record AND other.record = right_record
   AND substr(shared.record, 1, instr(shared.record, '/')) <> substr(left_record, 1, instr(left_record, '/'))) AS common
  FROM duplicates;

-- Every verdict there was; the one that stands is on the row itself.
CREATE TABLE duplicate_verdicts (
  id           INTEGER PRIMARY KEY,
  duplicate_id INTEGER NOT NULL,
  at           INTEGER NOT NULL,
  actor        TEXT    NOT NULL,
  verdict      TEXT    NOT NULL,
  reason       TEXT    NOT NULL,
  fingerprint  TEXT    NOT NULL,           -- of the compared fields it holds against
  until        INTEGER,
  ended_at     INTEGER,                    -- taken back, replaced, or overtaken by a change
  ended        TEXT                        -- how
) STRICT;
CREATE INDEX duplicate_verdicts_of ON duplicate_verdicts (duplicate_id, id);
INSERT INTO duplicate_verdicts (duplicate_id, at, actor, verdict, reason, fingerprint)
  SELECT id, verdict_at, verdict_by, verdict, '', fingerprint FROM duplicates WHERE verdict IS NOT NULL;

-- What a record is found by when another one changes: its keys as they were computed last, both ways.
CREATE TABLE match_rows (
  id     INTEGER PRIMARY KEY,
  record TEXT NOT NULL UNIQUE,
  keys   BLOB NOT NULL                     -- six bytes each
) STRICT;
CREATE TABLE match_keys (
  key    INTEGER NOT NULL,
  row_id INTEGER NOT NULL,
  PRIMARY KEY (key, row_id)
) STRICT, WITHOUT ROWID;
-- What a whole look learned of one system's people.
CREATE TABLE match_models (
  connection TEXT    PRIMARY KEY,
  learned_at INTEGER NOT NULL,
  records    INTEGER NOT NULL,
  changed    INTEGER NOT NULL DEFAULT 0,   -- records matched since
  settings   TEXT    NOT NULL,
  body       BLOB                          -- null: kept by the process that learned it
) STRICT, WITHOUT ROWID;
-- Records that changed and were not compared since.
CREATE TABLE match_queue (
  record TEXT    PRIMARY KEY,
  number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX match_queue_by_number ON match_queue (number);
CREATE TABLE match_numbers (last INTEGER NOT NULL) STRICT;
INSERT INTO match_numbers VALUES (0);
CREATE TRIGGER mirror_queued_insert AFTER INSERT ON mirror WHEN NEW.object IN ('contact', 'lead') BEGIN
  UPDATE match_numbers SET last = last + 1;
  INSERT INTO match_queue SELECT NEW.record, last FROM match_numbers
    WHERE true ON CONFLICT (record) DO UPDATE SET number = excluded.number;
END;
CREATE TRIGGER mirror_queued_update AFTER UPDATE OF fields, deleted ON mirror
WHEN NEW.object IN ('contact', 'lead') AND (NEW.fields <> OLD.fields OR NEW.deleted <> OLD.deleted) BEGIN
  UPDATE match_numbers SET last = last + 1;
  INSERT INTO match_queue SELECT NEW.record, last FROM match_numbers
    WHERE true ON CONFLICT (record) DO UPDATE SET number = excluded.number;
END;
CREATE TRIGGER mirror_queued_delete AFTER DELETE ON mirror WHEN OLD.object IN ('contact', 'lead') BEGIN
  UPDATE match_numbers SET last = last + 1;
  INSERT INTO match_queue SELECT OLD.record, last FROM match_numbers
    WHERE true ON CONFLICT (record) DO UPDATE SET number = excluded.number;
END;

ALTER TABLE duplicate_incidents ADD COLUMN cause    TEXT;  -- no_lookup, conflicting_identifiers, parallel_recipes, ...
ALTER TABLE duplicate_incidents ADD COLUMN sentence TEXT;  -- by what it is known
