-- What holds work back: breakers of connections, and pauses a human set.

CREATE TABLE breakers (
  connection TEXT    PRIMARY KEY,
  state      TEXT    NOT NULL,             -- closed, open, half_open
  cause      TEXT    NOT NULL,
  since      INTEGER NOT NULL,
  look_at    INTEGER,                      -- when one call may try whether it goes again
  words      TEXT    NOT NULL              -- the vendor's, redacted
) STRICT, WITHOUT ROWID;
