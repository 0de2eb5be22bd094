-- Decisions on conflicts that stand: rules, directions that are switched off, ignored until.

ALTER TABLE conflicts ADD COLUMN line          TEXT NOT NULL DEFAULT ''; -- 'contact.toml:47'
ALTER TABLE conflicts ADD COLUMN decides       TEXT NOT NULL DEFAULT ''; -- the role
ALTER TABLE conflicts ADD COLUMN left_by       TEXT;    -- JSON: who wrote that value, where known
ALTER TABLE conflicts ADD COLUMN right_by      TEXT;
ALTER TABLE conflicts ADD COLUMN ignored_until INTEGER; -- null: until a value changes
ALTER TABLE conflicts ADD COLUMN ruled_by      TEXT;    -- the rule that decided it

-- One that is ignored is the same conflict when it is found again.
DROP INDEX conflicts_open_once;
CREATE UNIQUE INDEX conflicts_open_once ON conflicts (left_record, right_record, field)
  WHERE state IN ('open', 'deciding', 'ignored');
CREATE INDEX conflicts_ignored  ON conflicts (ignored_until) WHERE state = 'ignored' AND ignored_until IS NOT NULL;
CREATE INDEX conflicts_by_shape ON conflicts (field, kind, id) WHERE state = 'open';
CREATE INDEX conflicts_by_left  ON conflicts (left_record, field);
CREATE INDEX conflicts_by_right ON conflicts (right_record, field);

CREATE TABLE field_holds (
  mapping   TEXT    NOT NULL,              -- '': every mapping that has such a field
  field     TEXT    NOT NULL,
  direction TEXT    NOT NULL,              -- to-crm, to-intercom
  actor     TEXT    NOT NULL,
  reason    TEXT    NOT NULL,
  since     INTEGER NOT NULL,
  PRIMARY KEY (mapping, field, direction)
) STRICT, WITHOUT ROWID;
