-- What became of each recipe's executions, by the hour in which they ended: a pane that shows a day of every recipe
-- counts no execution.

CREATE TABLE recipe_hours (
  hour    INTEGER NOT NULL,                -- when it begins
  recipe  TEXT    NOT NULL,
  outcome TEXT    NOT NULL,                -- created, updated, unchanged, skip, duplicate, error
  count   INTEGER NOT NULL,
  PRIMARY KEY (hour, recipe, outcome)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER executions_ended AFTER UPDATE OF status ON executions
WHEN NEW.status IN ('succeeded', 'skipped', 'failed') AND OLD.status <> NEW.status BEGIN
  INSERT INTO recipe_hours
    VALUES (NEW.updated_at - NEW.updated_at % 3600000, NEW.recipe, coalesce(NEW.outcome, NEW.status), 1)
    ON CONFLICT (hour, recipe, outcome) DO UPDATE SET count = count + 1;
END;

-- The day before this journal was brought up to date; the index knows it without the rest.
INSERT INTO recipe_hours
  SELECT updated_at - updated_at % 3600000, recipe, coalesce(outcome, status), count(*)
  FROM executions
  WHERE status IN ('succeeded', 'failed', 'skipped')
    AND updated_at >= (SELECT max(updated_at) - 86400000 FROM executions
                       WHERE status IN ('succeeded', 'failed', 'skipped'))
  GROUP BY 1, 2, 3;
