-- Who works on what: hints on executions and review items, so that two people do not decide the same thing twice.

CREATE TABLE team_hints (
  item          TEXT    PRIMARY KEY,       -- public id: ex_12, cf_3, du_7, un_4
  assignee      TEXT,
  assigned_by   TEXT,
  assigned_at   INTEGER,
  claimed_by    TEXT,
  claimed_at    INTEGER,
  claimed_until INTEGER,                   -- a claim ends by itself
  comments      INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX team_hints_claimed  ON team_hints (claimed_until) WHERE claimed_until IS NOT NULL;
CREATE INDEX team_hints_assigned ON team_hints (assignee, item) WHERE assignee IS NOT NULL;

CREATE TABLE team_comments (
  id     INTEGER PRIMARY KEY,
  item   TEXT    NOT NULL,
  at     INTEGER NOT NULL,
  actor  TEXT    NOT NULL,
  text   TEXT    NOT NULL,
  erased INTEGER NOT NULL DEFAULT 0        -- 1: it spoke of somebody who was erased
) STRICT;
CREATE INDEX team_comments_of ON team_comments (item, id);
