-- SPDX-License-Identifier: MIT
-- What tells a database that was put back from an older copy (tools/store/postgres/restored.py).

-- `echo` is drawn anew with each loss of the replay windows: a device that says what is made of it has spoken since.
CREATE TABLE generation (
  one BIGINT PRIMARY KEY CHECK (one=1), place TEXT COLLATE "C" NOT NULL, echo BYTEA NOT NULL, count BIGINT NOT NULL);
-- How far each node has counted: it keeps the same count itself.
CREATE TABLE generation_mark (
  node TEXT COLLATE "C" PRIMARY KEY, count BIGINT NOT NULL, at DOUBLE PRECISION NOT NULL);
