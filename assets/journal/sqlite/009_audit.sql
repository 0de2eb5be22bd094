-- The audit log: what proves its end and its entries.

-- Format 2 binds object and note through a salted hash, so that both and the salt can be erased and the chain holds.
ALTER TABLE audit ADD COLUMN format INTEGER NOT NULL DEFAULT 1;
ALTER TABLE audit ADD COLUMN salt   TEXT;
ALTER TABLE audit ADD COLUMN seal   TEXT;
ALTER TABLE audit ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;

-- The only change there is: object, note and salt give way to "erased". What says so is never erased.
DROP TRIGGER audit_is_append_only_update;
CREATE TRIGGER audit_is_append_only_update BEFORE UPDATE ON audit
WHEN NOT (
  OLD.erased = 0 AND NEW.erased = 1 AND OLD.verb <> 'redact'
  AND NEW.object = 'erased' AND NEW.note = 'erased' AND NEW.salt IS NULL
  AND NEW.number IS OLD.number AND NEW.at IS OLD.at AND NEW.actor IS OLD.actor AND NEW.verb IS OLD.verb
  AND NEW.previous IS OLD.previous AND NEW.hash IS OLD.hash AND NEW.format IS OLD.format AND NEW.seal IS OLD.seal
)
BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END;

-- INSERT OR REPLACE deletes without asking the trigger for deletes.
CREATE TRIGGER audit_is_append_only_insert BEFORE INSERT ON audit
WHEN NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM audit)
BEGIN SELECT RAISE(ABORT, 'audit entries are only added at the end'); END;

-- How many commits there were: compared with the number kept outside, it shows commits that the file has lost.
INSERT INTO counters VALUES ('commits', 0) ON CONFLICT (name) DO NOTHING;
