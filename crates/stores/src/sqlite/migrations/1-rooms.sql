-- Starts of nodes on this file. One that was ended well has kept everything that it has shown.
CREATE TABLE runs (
  run INTEGER PRIMARY KEY,
  ended_well INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Rooms, and where they stand: at `head`, or at the newest of their messages if that is further. A room that begins anew has another life.
CREATE TABLE rooms (
  life INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  name TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  head INTEGER NOT NULL,
  -- Former epochs with the last offset of each that lived on, the latest first: epoch:offset,…
  lineage TEXT NOT NULL,
  -- The start that has opened the room last; 0: others may have shown more of it than is here.
  run INTEGER NOT NULL,
  UNIQUE (kind, name)
) STRICT;

-- Lives whose messages are to be deleted.
CREATE TABLE ended_lives (
  life INTEGER PRIMARY KEY
) STRICT;

-- Messages. `sum` is what all messages of the life up to this one weigh; `form` says how payload and text are to be read.
CREATE TABLE messages (
  life INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  time INTEGER NOT NULL,
  sum INTEGER NOT NULL,
  form INTEGER NOT NULL,
  author TEXT,
  tag TEXT,
  payload BLOB NOT NULL,
  text TEXT,
  PRIMARY KEY (life, offset)
) STRICT, WITHOUT ROWID;
