-- Relations of people to companies: verdicts and their reasons, rules about domains, links made, how many people have
-- an account.

ALTER TABLE unlinked ADD COLUMN owner         TEXT NOT NULL DEFAULT ''; -- the CRM's id of whose person it is
ALTER TABLE unlinked ADD COLUMN ruled_by      TEXT;                     -- the domain whose rule names the first candidate
ALTER TABLE unlinked ADD COLUMN ignored_until INTEGER;                  -- null: until the evidence changes
ALTER TABLE unlinked ADD COLUMN evidence_hash TEXT NOT NULL DEFAULT ''; -- of what a verdict was given on
CREATE INDEX unlinked_by_domain ON unlinked (domain, id) WHERE state = 'open';
CREATE INDEX unlinked_ignored   ON unlinked (ignored_until) WHERE state = 'ignored' AND ignored_until IS NOT NULL;

-- Where people of a domain belong, by a human's word.
CREATE TABLE domain_rules (
  domain  TEXT    PRIMARY KEY,             -- registrable, lower case
  company TEXT,                            -- null: never ask about it
  actor   TEXT    NOT NULL,
  reason  TEXT    NOT NULL,
  since   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Links that were decided, so that they can be taken back; a person who was unlinked by a human is not linked to the same
-- company by a rule.
CREATE TABLE links (
  execution_id INTEGER PRIMARY KEY,
  unlinked_id  INTEGER NOT NULL,
  contact      TEXT    NOT NULL,
  company      TEXT,                       -- null: made with the link
  undone_by    INTEGER
) STRICT;
CREATE INDEX links_of       ON links (unlinked_id, execution_id);
CREATE INDEX links_undone   ON links (undone_by) WHERE undone_by IS NOT NULL;

-- People without a company whose conversation was closed.
CREATE TABLE closings (
  record TEXT    PRIMARY KEY,              -- Intercom's contact
  at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE coverage (
  day        INTEGER NOT NULL,             -- since 1970-01-01
  connection TEXT    NOT NULL,
  owner      TEXT    NOT NULL,             -- the CRM's id; '': nobody's
  people     INTEGER NOT NULL,
  linked     INTEGER NOT NULL,
  PRIMARY KEY (day, connection, owner)
) STRICT, WITHOUT ROWID;
