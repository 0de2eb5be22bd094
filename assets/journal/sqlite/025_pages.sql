-- Lists that answer at once, however long they are: what executions have in common, what they are ordered by, the words
-- in what lists show.

-- One row for each combination of the small fields that executions have had, with how many have it now. A filter over
-- these fields picks some of the combinations, and their sum is its exact count.
CREATE TABLE execution_facets (
  id          INTEGER PRIMARY KEY,
  status      TEXT    NOT NULL,
  recipe      TEXT    NOT NULL,
  system      TEXT    NOT NULL,            -- the record's connection: 'hubspot', 'hubspot:emea'; '' without a record
  kind        TEXT    NOT NULL,            -- the record's object: 'contact'
  outcome     TEXT    NOT NULL,            -- here and below '' stands for null
  error       TEXT    NOT NULL,
  code        INTEGER NOT NULL,            -- 0 stands for null
  cause       TEXT    NOT NULL,            -- while something waits for it
  attempts    INTEGER NOT NULL,
  priority    INTEGER NOT NULL,
  number      INTEGER NOT NULL,            -- executions that are so now
  UNIQUE (status, recipe, system, kind, outcome, error, code, cause, attempts, priority)
) STRICT;

-- The narrow side of each execution: lists walk these rows and read only the wide ones they show.
CREATE TABLE execution_keys (
  id         INTEGER PRIMARY KEY,
  facet      INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

-- Words in what lists show. Without content of their own: a row that changes takes its old words out with it, and
-- 'secure-delete' leaves nothing of them behind, or erasing a person would be a word.
CREATE VIRTUAL TABLE execution_words USING fts5(subject, sentence, content='', detail=column, columnsize=0,
  tokenize="unicode61 remove_diacritics 2");
CREATE VIRTUAL TABLE conflict_words USING fts5(subject, field, left_value, right_value, content='', detail=column,
  columnsize=0, tokenize="unicode61 remove_diacritics 2");
CREATE VIRTUAL TABLE duplicate_words USING fts5(subject, left_fields, right_fields, content='', detail=column,
  columnsize=0, tokenize="unicode61 remove_diacritics 2");
CREATE VIRTUAL TABLE unlinked_words USING fts5(subject, domain, hint, candidates, content='', detail=column,
  columnsize=0, tokenize="unicode61 remove_diacritics 2");
-- Executions whose words are not in the index as they are now, with the words that are there instead (null: none yet).
-- Most executions come, begin and end within the time of a few hundred others, and are indexed once, in a batch.
CREATE TABLE execution_words_due (
  number   INTEGER PRIMARY KEY,
  id       INTEGER NOT NULL UNIQUE,
  subject  TEXT,
  sentence TEXT
) STRICT;
CREATE TRIGGER execution_words_batch AFTER INSERT ON execution_words_due WHEN NEW.number % 256 = 0 BEGIN
  INSERT INTO execution_words (execution_words, rowid, subject, sentence)
    SELECT 'delete', id, subject, sentence FROM execution_words_due
    WHERE number <= NEW.number - 256 AND subject IS NOT NULL;
  INSERT INTO execution_words (rowid, subject, sentence)
    SELECT executions.id, executions.subject, substr(executions.sentence, 1, 500) FROM execution_words_due
    CROSS JOIN executions ON executions.id = execution_words_due.id WHERE number <= NEW.number - 256;
  DELETE FROM execution_words_due WHERE number <= NEW.number - 256;
END;
INSERT INTO execution_words (execution_words, rank) VALUES ('secure-delete', 1);
INSERT INTO conflict_words (conflict_words, rank) VALUES ('secure-delete', 1);
INSERT INTO duplicate_words (duplicate_words, rank) VALUES ('secure-delete', 1);
INSERT INTO unlinked_words (unlinked_words, rank) VALUES ('secure-delete', 1);

-- What is there already.
INSERT INTO execution_facets (status, recipe, system, kind, outcome, error, code, cause, attempts, priority, number)
  SELECT status, recipe, coalesce(substr(record, 1, instr(record, '/') - 1), ''),
    coalesce(substr(substr(record, instr(record, '/') + 1), 1, instr(substr(record, instr(record, '/') + 1), '/') - 1), ''),
    coalesce(outcome, ''), coalesce(error_class, ''), coalesce(error_code, 0),
    CASE WHEN executions.status IN ('failed', 'retrying', 'in_doubt') THEN coalesce(executions.cause, '') ELSE '' END, attempts, priority, count(*)
  FROM executions GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10;
INSERT INTO execution_keys
  SELECT executions.id, execution_facets.id, executions.updated_at FROM executions CROSS JOIN execution_facets
  ON execution_facets.status = executions.status AND execution_facets.recipe = executions.recipe
  AND execution_facets.system = coalesce(substr(record, 1, instr(record, '/') - 1), '')
  AND execution_facets.kind = coalesce(substr(substr(record, instr(record, '/') + 1), 1,
    instr(substr(record, instr(record, '/') + 1), '/') - 1), '')
  AND execution_facets.outcome = coalesce(executions.outcome, '') AND error = coalesce(error_class, '')
  AND code = coalesce(error_code, 0) AND execution_facets.cause =
    CASE WHEN executions.status IN ('failed', 'retrying', 'in_doubt') THEN coalesce(executions.cause, '') ELSE '' END
  AND execution_facets.attempts = executions.attempts AND execution_facets.priority = executions.priority;
INSERT INTO execution_words (rowid, subject, sentence) SELECT id, subject, substr(sentence, 1, 500) FROM executions;
INSERT INTO conflict_words (rowid, subject, field, left_value, right_value)
  SELECT id, subject, field, substr(left_value, 1, 500), substr(right_value, 1, 500) FROM conflicts;
INSERT INTO duplicate_words (rowid, subject, left_fields, right_fields)
  SELECT id, subject, substr(left_fields, 1, 4000), substr(right_fields, 1, 4000) FROM duplicates;
INSERT INTO unlinked_words (rowid, subject, domain, hint, candidates)
  SELECT id, subject, domain, substr(hint, 1, 500), substr(candidates, 1, 4000) FROM unlinked;

CREATE INDEX execution_keys_by_facet ON execution_keys (facet);
CREATE INDEX execution_keys_by_age   ON execution_keys (updated_at, facet);
DROP INDEX IF EXISTS executions_recent;
CREATE INDEX executions_by_subject   ON executions (subject COLLATE NOCASE);
CREATE INDEX executions_by_next      ON executions (due_at) WHERE due_at IS NOT NULL;

CREATE TRIGGER executions_keyed_insert AFTER INSERT ON executions BEGIN
  INSERT INTO execution_facets (status, recipe, system, kind, outcome, error, code, cause, attempts, priority, number)
    VALUES (NEW.status, NEW.recipe, coalesce(substr(NEW.record, 1, instr(NEW.record, '/') - 1), ''),
    coalesce(substr(substr(NEW.record, instr(NEW.record, '/') + 1), 1,
      instr(substr(NEW.record, instr(NEW.record, '/') + 1), '/') - 1), ''),
    coalesce(NEW.outcome, ''), coalesce(NEW.error_class, ''), coalesce(NEW.error_code, 0), CASE WHEN NEW.status IN ('failed', 'retrying', 'in_doubt') THEN coalesce(NEW.cause, '') ELSE '' END,
    NEW.attempts, NEW.priority, 1)
    ON CONFLICT (status, recipe, system, kind, outcome, error, code, cause, attempts, priority)
    DO UPDATE SET number = number + 1;
  INSERT INTO execution_keys SELECT NEW.id, id, NEW.updated_at FROM execution_facets
    WHERE status = NEW.status AND recipe = NEW.recipe
    AND system = coalesce(substr(NEW.record, 1, instr(NEW.record, '/') - 1), '')
    AND kind = coalesce(substr(substr(NEW.record, instr(NEW.record, '/') + 1), 1,
      instr(substr(NEW.record, instr(NEW.record, '/') + 1), '/') - 1), '')
    AND outcome = coalesce(NEW.outcome, '') AND error = coalesce(NEW.error_class, '')
    AND code = coalesce(NEW.error_code, 0) AND cause = CASE WHEN NEW.status IN ('failed', 'retrying', 'in_doubt') THEN coalesce(NEW.cause, '') ELSE '' END
    AND attempts = NEW.attempts AND priority = NEW.priority;
  INSERT INTO execution_words_due (id) VALUES (NEW.id);
END;

CREATE TRIGGER executions_keyed_update AFTER UPDATE OF status, recipe, record, outcome, error_class, error_code,
  cause, attempts, priority ON executions
WHEN (OLD.status, OLD.recipe, OLD.record, OLD.outcome, OLD.error_class, OLD.error_code, OLD.cause, OLD.attempts,
  OLD.priority) IS NOT (NEW.status, NEW.recipe, NEW.record, NEW.outcome, NEW.error_class, NEW.error_code, NEW.cause,
  NEW.attempts, NEW.priority) BEGIN
  UPDATE execution_facets SET number = number - 1 WHERE id = (SELECT facet FROM execution_keys WHERE id = OLD.id);
  INSERT INTO execution_facets (status, recipe, system, kind, outcome, error, code, cause, attempts, priority, number)
    VALUES (NEW.status, NEW.recipe, coalesce(substr(NEW.record, 1, instr(NEW.record, '/') - 1), ''),
    coalesce(substr(substr(NEW.record, instr(NEW.record, '/') + 1), 1,
      instr(substr(NEW.record, instr(NEW.record, '/') + 1), '/') - 1), ''),
    coalesce(NEW.outcome, ''), coalesce(NEW.error_class, ''), coalesce(NEW.error_code, 0), CASE WHEN NEW.status IN ('failed', 'retrying', 'in_doubt') THEN coalesce(NEW.cause, '') ELSE '' END,
    NEW.attempts, NEW.priority, 1)
    ON CONFLICT (status, recipe, system, kind, outcome, error, code, cause, attempts, priority)
    DO UPDATE SET number = number + 1;
  UPDATE execution_keys SET facet = (SELECT id FROM execution_facets
    WHERE status = NEW.status AND recipe = NEW.recipe
    AND system = coalesce(substr(NEW.record, 1, instr(NEW.record, '/') - 1), '')
    AND kind = coalesce(substr(substr(NEW.record, instr(NEW.record, '/') + 1), 1,
      instr(substr(NEW.record, instr(NEW.record, '/') + 1), '/') - 1), '')
    AND outcome = coalesce(NEW.outcome, '') AND error = coalesce(NEW.error_class, '')
    AND code = coalesce(NEW.error_code, 0) AND cause = CASE WHEN NEW.status IN ('failed', 'retrying', 'in_doubt') THEN coalesce(NEW.cause, '') ELSE '' END
    AND attempts = NEW.attempts AND priority = NEW.priority)
    WHERE id = NEW.id;
END;

CREATE TRIGGER executions_keyed_time AFTER UPDATE OF updated_at ON executions WHEN OLD.updated_at <> NEW.updated_at BEGIN
  UPDATE execution_keys SET updated_at = NEW.updated_at WHERE id = NEW.id;
END;

CREATE TRIGGER executions_worded_update AFTER UPDATE OF subject, sentence ON executions
WHEN OLD.subject <> NEW.subject OR OLD.sentence <> NEW.sentence BEGIN
  INSERT INTO execution_words_due (id, subject, sentence) VALUES (OLD.id, OLD.subject, substr(OLD.sentence, 1, 500))
    ON CONFLICT (id) DO NOTHING;
END;

CREATE TRIGGER executions_keyed_delete AFTER DELETE ON executions BEGIN
  UPDATE execution_facets SET number = number - 1 WHERE id = (SELECT facet FROM execution_keys WHERE id = OLD.id);
  DELETE FROM execution_keys WHERE id = OLD.id;
  INSERT INTO execution_words_due (id, subject, sentence) VALUES (OLD.id, OLD.subject, substr(OLD.sentence, 1, 500))
    ON CONFLICT (id) DO NOTHING;
END;

CREATE TRIGGER conflicts_worded_insert AFTER INSERT ON conflicts BEGIN
  INSERT INTO conflict_words (rowid, subject, field, left_value, right_value)
    VALUES (NEW.id, NEW.subject, NEW.field, substr(NEW.left_value, 1, 500), substr(NEW.right_value, 1, 500));
END;
CREATE TRIGGER conflicts_worded_update AFTER UPDATE OF subject, field, left_value, right_value ON conflicts BEGIN
  INSERT INTO conflict_words (conflict_words, rowid, subject, field, left_value, right_value)
    VALUES ('delete', OLD.id, OLD.subject, OLD.field, substr(OLD.left_value, 1, 500), substr(OLD.right_value, 1, 500));
  INSERT INTO conflict_words (rowid, subject, field, left_value, right_value)
    VALUES (NEW.id, NEW.subject, NEW.field, substr(NEW.left_value, 1, 500), substr(NEW.right_value, 1, 500));
END;
CREATE TRIGGER conflicts_worded_delete AFTER DELETE ON conflicts BEGIN
  INSERT INTO conflict_words (conflict_words, rowid, subject, field, left_value, right_value)
    VALUES ('delete', OLD.id, OLD.subject, OLD.field, substr(OLD.left_value, 1, 500), substr(OLD.right_value, 1, 500));
END;

CREATE TRIGGER duplicates_worded_insert AFTER INSERT ON duplicates BEGIN
  INSERT INTO duplicate_words (rowid, subject, left_fields, right_fields)
    VALUES (NEW.id, NEW.subject, substr(NEW.left_fields, 1, 4000), substr(NEW.right_fields, 1, 4000));
END;
CREATE TRIGGER duplicates_worded_update AFTER UPDATE OF subject, left_fields, right_fields ON duplicates
WHEN OLD.subject <> NEW.subject OR OLD.left_fields <> NEW.left_fields OR OLD.right_fields <> NEW.right_fields BEGIN
  INSERT INTO duplicate_words (duplicate_words, rowid, subject, left_fields, right_fields)
    VALUES ('delete', OLD.id, OLD.subject, substr(OLD.left_fields, 1, 4000), substr(OLD.right_fields, 1, 4000));
  INSERT INTO duplicate_words (rowid, subject, left_fields, right_fields)
    VALUES (NEW.id, NEW.subject, substr(NEW.left_fields, 1, 4000), substr(NEW.right_fields, 1, 4000));
END;
CREATE TRIGGER duplicates_worded_delete AFTER DELETE ON duplicates BEGIN
  INSERT INTO duplicate_words (duplicate_words, rowid, subject, left_fields, right_fields)
    VALUES ('delete', OLD.id, OLD.subject, substr(OLD.left_fields, 1, 4000), substr(OLD.right_fields, 1, 4000));
END;

CREATE TRIGGER unlinked_worded_insert AFTER INSERT ON unlinked BEGIN
  INSERT INTO unlinked_words (rowid, subject, domain, hint, candidates)
    VALUES (NEW.id, NEW.subject, NEW.domain, substr(NEW.hint, 1, 500), substr(NEW.candidates, 1, 4000));
END;
CREATE TRIGGER unlinked_worded_update AFTER UPDATE OF subject, domain, hint, candidates ON unlinked
WHEN OLD.subject <> NEW.subject OR OLD.domain <> NEW.domain OR OLD.hint <> NEW.hint OR OLD.candidates <> NEW.candidates BEGIN
  INSERT INTO unlinked_words (unlinked_words, rowid, subject, domain, hint, candidates)
    VALUES ('delete', OLD.id, OLD.subject, OLD.domain, substr(OLD.hint, 1, 500), substr(OLD.candidates, 1, 4000));
  INSERT INTO unlinked_words (rowid, subject, domain, hint, candidates)
    VALUES (NEW.id, NEW.subject, NEW.domain, substr(NEW.hint, 1, 500), substr(NEW.candidates, 1, 4000));
END;
CREATE TRIGGER unlinked_worded_delete AFTER DELETE ON unlinked BEGIN
  INSERT INTO unlinked_words (unlinked_words, rowid, subject, domain, hint, candidates)
    VALUES ('delete', OLD.id, OLD.subject, OLD.domain, substr(OLD.hint, 1, 500), substr(OLD.candidates, 1, 4000));
END;

-- Orders of what stands open.
CREATE INDEX conflicts_by_person   ON conflicts  (subject COLLATE NOCASE) WHERE state IN ('open', 'deciding');
CREATE INDEX conflicts_by_field    ON conflicts  (field)                  WHERE state IN ('open', 'deciding');
CREATE INDEX conflicts_by_kind     ON conflicts  (kind)                   WHERE state IN ('open', 'deciding');
CREATE INDEX conflicts_by_role     ON conflicts  (decides)                WHERE state IN ('open', 'deciding');
CREATE INDEX conflicts_by_found   ON conflicts  (created_at)             WHERE state IN ('open', 'deciding');
CREATE INDEX duplicates_by_number ON duplicates (id) WHERE leads = 1 AND state IN ('open', 'deciding');
CREATE INDEX unlinked_by_number   ON unlinked   (id)                     WHERE state IN ('open', 'deciding');
CREATE INDEX conflicts_by_age     ON conflicts  (state, created_at);
CREATE INDEX duplicates_by_person  ON duplicates (subject COLLATE NOCASE) WHERE leads = 1 AND state IN ('open', 'deciding');
CREATE INDEX duplicates_by_members ON duplicates (members)                WHERE leads = 1 AND state IN ('open', 'deciding');
CREATE INDEX duplicates_by_found   ON duplicates (created_at)             WHERE leads = 1 AND state IN ('open', 'deciding');
CREATE INDEX duplicates_by_band    ON duplicates (band)                   WHERE state = 'open';
CREATE INDEX conflicts_standing   ON conflicts  (id)                     WHERE state IN ('open', 'deciding');
CREATE INDEX unlinked_standing    ON unlinked   (best DESC, id)          WHERE state IN ('open', 'deciding');
CREATE INDEX unlinked_by_person    ON unlinked   (subject COLLATE NOCASE) WHERE state IN ('open', 'deciding');
CREATE INDEX unlinked_in_domain    ON unlinked   (domain)                 WHERE state IN ('open', 'deciding');
CREATE INDEX unlinked_by_found     ON unlinked   (created_at)             WHERE state IN ('open', 'deciding');
CREATE INDEX unlinked_by_owner     ON unlinked   (owner)                  WHERE state IN ('open', 'deciding');
