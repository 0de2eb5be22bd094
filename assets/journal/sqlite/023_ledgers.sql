-- The audit log and the calls as lists: what people filter by is found without reading everything.

CREATE INDEX audit_by_object ON audit (object, number);
CREATE INDEX audit_by_verb   ON audit (verb, number);
-- What people did; the engine's own entries are most of the log and are found without an index.
CREATE INDEX audit_by_person ON audit (actor, number) WHERE actor <> 'engine';

CREATE INDEX attempts_by_status ON attempts (status, id);
