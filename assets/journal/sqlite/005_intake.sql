-- Deliveries: what the vendors say of their own attempts; what was taken back; what a person was called before.

ALTER TABLE events ADD COLUMN first_sent_at     INTEGER; -- by the vendor's clock
ALTER TABLE events ADD COLUMN vendor_attempt    INTEGER; -- the highest of the vendor's attempts we have seen, from 1
ALTER TABLE events ADD COLUMN last_delivered_at INTEGER; -- null where it was delivered once

-- What a record told us, and what became of it.
CREATE INDEX events_of_record    ON events (record, id) WHERE record IS NOT NULL;
CREATE INDEX events_ignored      ON events (id) WHERE ignored IS NOT NULL;
CREATE INDEX executions_of_event ON executions (event_id) WHERE event_id IS NOT NULL;

-- Parts of conversations whose text was taken back: an older event that comes late must not bring it in again.
CREATE TABLE redacted_parts (
  record TEXT    NOT NULL,
  part   TEXT    NOT NULL,
  at     INTEGER NOT NULL,
  PRIMARY KEY (record, part)
) STRICT, WITHOUT ROWID;

-- E-mail addresses a record had before: whoever still knows the person by one is found.
CREATE TABLE aliases (
  record TEXT    NOT NULL,
  email  TEXT    NOT NULL,                 -- lower case
  until  INTEGER NOT NULL,                 -- when we saw that it had changed
  PRIMARY KEY (record, email)
) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_by_email ON aliases (email);
CREATE TRIGGER mirror_email_changed AFTER UPDATE OF email ON mirror
WHEN OLD.email IS NOT NULL AND OLD.email IS NOT NEW.email BEGIN
  INSERT INTO aliases VALUES (OLD.record, OLD.email, NEW.seen_at)
    ON CONFLICT (record, email) DO UPDATE SET until = excluded.until;
END;
