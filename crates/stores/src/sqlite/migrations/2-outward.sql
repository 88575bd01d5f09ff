-- What waits to be told beyond the node, in its order. `lane` is the same for all of a room; `bytes` is what a row weighs; `lost` is how many others it
-- stands for that are not told.
CREATE TABLE outbox (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  lane INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  lost INTEGER NOT NULL,
  id TEXT NOT NULL,
  body TEXT NOT NULL
) STRICT;

-- Who is in which rooms on this node, while it is told beyond the node who comes and goes. Guests have no name, and are counted.
CREATE TABLE present (
  room TEXT NOT NULL,
  user TEXT NOT NULL,
  times INTEGER NOT NULL,
  PRIMARY KEY (room, user)
) STRICT, WITHOUT ROWID;
