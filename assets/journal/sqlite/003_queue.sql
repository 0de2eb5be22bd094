-- The queue: what leases, order and starts need beyond the first format.

-- A lease ends when its beat has not been raised for its length, by the steady clock of whoever looks. Until here it
-- was a time on the wall, which may be set by anybody.
ALTER TABLE executions RENAME COLUMN lease_until TO lease_ms;
UPDATE executions SET lease_ms = 60000 WHERE lease_ms IS NOT NULL;
ALTER TABLE executions ADD COLUMN beat INTEGER NOT NULL DEFAULT 0;

-- Work whose last start ended in a death: it goes before all others, and by itself.
CREATE INDEX executions_suspects ON executions (starts, priority, due_at, id)
  WHERE starts > 0 AND status IN ('pending', 'retrying', 'in_doubt');

-- A beat is nothing to show: it must not wake every console.
DROP TRIGGER executions_counted_update;
CREATE TRIGGER executions_counted_update AFTER UPDATE OF event_id, decision_id, recipe, subject, record, lane, status,
  outcome, sentence, error_class, error_code, vendor_words, attempts, max_attempts, due_at, priority, created_at,
  lease_token, plan ON executions BEGIN
  INSERT INTO counters SELECT 'execution.' || OLD.status, -1 WHERE OLD.status <> NEW.status
    ON CONFLICT (name) DO UPDATE SET value = value - 1;
  INSERT INTO counters SELECT 'execution.' || NEW.status, 1 WHERE OLD.status <> NEW.status
    ON CONFLICT (name) DO UPDATE SET value = value + 1;
  INSERT INTO changes (kind, row_id) VALUES ('execution', NEW.id);
END;
