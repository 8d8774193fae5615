# SPDX-License-Identifier: MIT
"""What the families of tables say otherwise on PostgreSQL, and what they do in one statement there.

Everything else is said in the words that both engines know.
"""

import contextlib

from tools.store import uetables
from tools.store.states import IS_QUEUED
from tools.wire.bodies import Address

# Each recipient once, however much waits for it: from one to the next through the index. A UE that another node has
# heard is that one's; behind a Gateway UE, that which has heard this. Of the others, what nobody has a lease of or this
# node has.
_WAITING = f"""
WITH RECURSIVE waits (type, id) AS (
  (SELECT target_type, target FROM message WHERE {IS_QUEUED} ORDER BY target_type, target LIMIT 1)
  UNION ALL
  SELECT more.target_type, more.target FROM waits, LATERAL (
    SELECT target_type, target FROM message WHERE {IS_QUEUED} AND (target_type, target) > (waits.type, waits.id)
    ORDER BY target_type, target LIMIT 1) AS more)
SELECT type, id FROM waits WHERE NOT EXISTS (
    SELECT 1 FROM registration AS one LEFT JOIN registration_via AS via ON via.ue=one.ue
    LEFT JOIN registration AS its ON its.ue=via.gateway AND its.live
    WHERE waits.type='UE' AND one.ue=waits.id AND one.live
    AND CASE WHEN via.gateway IS NULL THEN one.node ELSE its.node END<>msgin5g_node())
  AND NOT EXISTS (SELECT 1 FROM lease WHERE lease.kind=waits.type AND lease.id=waits.id AND lease.node<>msgin5g_node())
"""

# Where those of all nodes come to nothing: what another node adds meanwhile is in another row, or this is undone.
_FOLD_LOAD = (
    "DELETE FROM load WHERE (lane, type, id) IN (SELECT lane, type, id FROM load"
    " GROUP BY lane, type, id HAVING sum(messages)=0 AND sum(octets)=0)"
)


class Dialect:
    """For PostgresStore, before the families."""

    NEXT_ID = "SELECT nextval('message_id') AS id"
    NEXT_NUMBER = "SELECT nextval('seen_number')"
    CLOCK = "msgin5g_shard()"
    OCTETS = "%s"  # its text is text
    REGISTRATION = uetables.OF_NODES
    SIZE = "SELECT pg_database_size(current_database()), CAST(0 AS BIGINT)"

    @staticmethod
    def _list(values):
        return list(values)

    def waiting_targets(self):
        """Of those that something is queued for: what this node serves, or nobody does."""
        return [Address(*row) for row in self._db.execute(_WAITING).fetchall()]

    def tidy(self, now):
        super().tidy(now)
        self._db.execute(_FOLD_LOAD)

    def shift_times(self, seconds):
        """Not by one of several nodes, whose clock alone was set: the times are those of all."""

    def erasing(self):
        """What is taken out here stays in the database's files until it is vacuumed."""
        return contextlib.nullcontext()

    # ---- generations: of a store that is one file --------------------------------------------------------------------

    def count_generation(self, number):
        pass

    def note_generation(self):
        pass
