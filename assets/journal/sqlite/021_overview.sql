-- The first screen: counts by hour, when each person last looked, what batches saved, deliveries that were refused.

-- What happened in each hour, kept for two weeks: some dozen rows an hour however much happens, so that a trend costs the
-- same over five million executions as over fifty.
CREATE TABLE trends (
  name   TEXT    NOT NULL,                 -- succeeded, skipped, failed, lag, echoes; conflicts, duplicates, unlinked: found
  hour   INTEGER NOT NULL,                 -- where it begins, in milliseconds
  bucket INTEGER NOT NULL,                 -- of lag the histogram's bucket; else 0
  count  INTEGER NOT NULL,
  PRIMARY KEY (name, hour, bucket)
) STRICT, WITHOUT ROWID;

INSERT INTO trends SELECT name, at - at % 3600000 AS hour, 0, sum(count) FROM series
  WHERE name IN ('succeeded', 'failed') AND span < 86400000 GROUP BY 1, 2;
INSERT INTO trends SELECT 'lag', at - at % 3600000 AS hour, CAST(label AS INTEGER), sum(count) FROM series
  WHERE name = 'latency' AND span < 86400000 GROUP BY 2, 3;
INSERT INTO trends SELECT 'conflicts', created_at - created_at % 3600000 AS hour, 0, count(*) FROM conflicts GROUP BY 2;

CREATE TRIGGER conflicts_trended AFTER INSERT ON conflicts BEGIN
  INSERT INTO trends VALUES ('conflicts', NEW.created_at - NEW.created_at % 3600000, 0, 1)
    ON CONFLICT (name, hour, bucket) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER duplicates_trended AFTER INSERT ON duplicates BEGIN
  INSERT INTO trends VALUES ('duplicates', NEW.created_at - NEW.created_at % 3600000, 0, 1)
    ON CONFLICT (name, hour, bucket) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER unlinked_trended AFTER INSERT ON unlinked BEGIN
  INSERT INTO trends VALUES ('unlinked', NEW.created_at - NEW.created_at % 3600000, 0, 1)
    ON CONFLICT (name, hour, bucket) DO UPDATE SET count = count + 1;
END;

-- How many entries the echo ledger has, so that nobody has to count them.
INSERT INTO counters SELECT 'echoes.kept', count(*) FROM echoes WHERE true
  ON CONFLICT (name) DO UPDATE SET value = excluded.value;
CREATE TRIGGER echoes_counted_insert AFTER INSERT ON echoes BEGIN
  INSERT INTO counters VALUES ('echoes.kept', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1;
END;
CREATE TRIGGER echoes_counted_delete AFTER DELETE ON echoes BEGIN
  UPDATE counters SET value = value - 1 WHERE name = 'echoes.kept';
END;

-- When somebody last looked at the first screen, and what stood there then. A visit goes on while they come back within
-- half an hour; what it is compared with is the end of the one before.
CREATE TABLE visits (
  actor   TEXT    PRIMARY KEY,
  seen_at INTEGER NOT NULL,
  seen    TEXT    NOT NULL,                -- JSON: how many of each kind stood
  since   INTEGER,                         -- when the visit before ended; null: there was none
  base    TEXT                             -- JSON: how many stood then
) STRICT, WITHOUT ROWID;

-- Deliveries that were not stored because their signature was wrong.
CREATE TABLE refused_deliveries (
  connection TEXT    PRIMARY KEY,
  at         INTEGER NOT NULL,             -- when last
  count      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
