-- Editions of mappings and recipes, what ran once, the people behind records that are nobody's own.

-- Every text of a recipe or mapping that was ever in force, numbered by name in the order of their coming.
CREATE TABLE editions (
  id        INTEGER PRIMARY KEY,
  kind      TEXT    NOT NULL,              -- recipe, mapping
  name      TEXT    NOT NULL,
  number    INTEGER NOT NULL,              -- from 1
  sha256    TEXT    NOT NULL,
  text      TEXT    NOT NULL,
  loaded_at INTEGER NOT NULL,              -- when it was first in force
  UNIQUE (kind, name, number),
  UNIQUE (kind, name, sha256)
) STRICT;

-- The editions that planned it ('contact-to-crm 3, contact 2'), and the person it is about where the record is not
-- the person's own: a conversation, a deal.
ALTER TABLE executions ADD COLUMN editions TEXT;
ALTER TABLE executions ADD COLUMN person   TEXT;
CREATE INDEX executions_by_person ON executions (person) WHERE person IS NOT NULL;

-- What a recipe does once for each key. Reserved before its first step, done with its success.
CREATE TABLE ran_once (
  recipe       TEXT    NOT NULL,
  key_hash     TEXT    NOT NULL,
  execution_id INTEGER NOT NULL,
  done         INTEGER NOT NULL,
  at           INTEGER NOT NULL,
  PRIMARY KEY (recipe, key_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX ran_once_by ON ran_once (execution_id);

-- Whose deal or ticket it is, as far as an execution found out: the lane of what happens to it next.
CREATE TABLE people_behind (
  record TEXT    PRIMARY KEY,
  person TEXT    NOT NULL,
  at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX people_behind_of ON people_behind (person);

-- Recipes that were on when this journal was made: they plan and write nothing until somebody switches them on.
CREATE TABLE first_run (
  recipe TEXT    PRIMARY KEY,
  at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- When a recipe was switched, for the rule of two at once.
CREATE TABLE recipe_switches (
  id     INTEGER PRIMARY KEY,
  recipe TEXT    NOT NULL,
  state  TEXT    NOT NULL,                 -- off, shadow, on
  actor  TEXT    NOT NULL,
  at     INTEGER NOT NULL
) STRICT;
CREATE INDEX recipe_switches_at ON recipe_switches (at);
