# SPDX-License-Identifier: MIT
"""What the server remembers of a message beside what it sends of it, in the store.

A message without a row here has priority NORMAL or LOW, and is known to its originator by the `msgId` that it is sent
with. A piece of an aggregated message is known by the IDs of its elements (`names`), and belongs to a `whole`.
"""

SCHEMA = """
CREATE TABLE IF NOT EXISTS trait (
  message INTEGER PRIMARY KEY REFERENCES message ON DELETE CASCADE, high INTEGER, whole TEXT, names TEXT);
CREATE INDEX IF NOT EXISTS trait_whole ON trait (whole) WHERE whole <> ''
"""


class TraitTables:
    """For Store, whose `_db` these methods use."""

    def set_traits(self, id_, high, whole, names):
        """`whole`: msgId of the aggregated message that it is a piece of, or ""; `names`: msgIds that its originator
        knows it by, where those are not the one that it is sent with."""
        if high or whole:
            self._db.execute(
                "INSERT OR REPLACE INTO trait VALUES (?,?,?,?)", (id_, high, whole.lower(), " ".join(names))
            )

    def is_high(self, id_):
        """Whether its priority type is HIGH."""
        return bool(self._one("SELECT high FROM trait WHERE message=?", id_))

    def whole_of(self, id_):
        """msgId of the aggregated message that it is a piece of, or ""."""
        return self._one("SELECT whole FROM trait WHERE message=?", id_) or ""

    def names(self, id_, msg_id):
        """The msgIds that its originator knows it by; `msg_id`: the one that it is sent with."""
        found = self._one("SELECT names FROM trait WHERE message=? AND whole<>''", id_)
        return found.split() if found else [msg_id]
