# SPDX-License-Identifier: MIT
"""Which nodes live: each holds a lock of the session that it writes with (PostgreSQL, advisory locks).

That lock is the fence. Who holds it, lives; a process that is killed loses it with its connection. One that says
nothing for SILENT seconds, because it hangs or its network is cut, has its sessions ended by another node, and so loses
it, too: what it would still write comes to nothing, before anybody else goes on with its work.
"""

import time
from dataclasses import dataclass

from tools.store.faults import StoreError
from tools.store.postgres.several.leases import LOCKED

CLASS = 0x4D35  # of our locks; the second number is that of a node, or one of these
LEADER, ALLOTTING = 0, -1
BEAT = 1.0  # s, from one sign of life to the next
SILENT = 5.0  # s without one: it does not live any more
LONGEST_START = 60.0  # s, the same of one that has not begun to serve
_POLL = 0.2  # s
STARTING, UP, DRAINING, DOWN = "starting", "up", "draining", "down"

_CLOCK = "extract(epoch FROM clock_timestamp())"
_HELD = LOCKED % {"class": CLASS}
_LEADS = _HELD.replace("objid=node.shard", "objid=%d" % LEADER)
# Of each node, and whether its session is that which holds the leader's lock.
_LOOK = (
    "SELECT name, shard, state, coap, http, %s - beat, started, %s AND state IN ('%s', '%s', '%s'),"
    " EXISTS (SELECT 1 FROM pg_locks AS its JOIN pg_locks AS first ON first.pid=its.pid WHERE"
    " its.locktype='advisory' AND its.classid=%d AND its.objid=node.shard AND its.objsubid=2 AND its.granted AND"
    " first.locktype='advisory' AND first.classid=%d AND first.objid=%d AND first.objsubid=2 AND first.granted)"
    " FROM node" % (_CLOCK, _HELD, STARTING, UP, DRAINING, CLASS, CLASS, LEADER)
)
_ALLOT = (
    "INSERT INTO node (name, shard, beat, state, started) SELECT %s, (SELECT min(s) FROM"
    " generate_series(1, (SELECT count(*) + 1 FROM node)) AS s WHERE s NOT IN (SELECT shard FROM node)),"
    " 0, 'starting', 0 ON CONFLICT (name) DO NOTHING"
)
_END = (
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype='advisory' AND classid=%s AND objid=%s"
    " AND objsubid=2 AND granted AND pid<>pg_backend_pid()"
)


@dataclass(frozen=True)
class Member:
    """One node, as others see it. `silent`: seconds since its last sign of life."""

    name: str
    shard: int
    state: str
    coap: str | None
    http: str | None
    silent: float
    started: float
    lives: bool
    leads: bool

    @property
    def is_silent(self):
        """Whether it has said nothing for too long."""
        return self.silent > (LONGEST_START if self.state == STARTING else SILENT)

    @property
    def serves(self):
        """Whether it takes new work."""
        return self.lives and self.state == UP


def join(link, name):
    """Makes the session of this psycopg connection that of the node; its number. Raises StoreError where another
    process is that node."""
    link.execute("SELECT pg_advisory_lock(%s, %s)", (CLASS, ALLOTTING))
    try:
        link.execute(_ALLOT, (name,))
    finally:
        link.execute("SELECT pg_advisory_unlock(%s, %s)", (CLASS, ALLOTTING))
    first = None
    while True:
        shard, beat, silent = link.execute(
            "SELECT shard, beat, %s - beat FROM node WHERE name=%%s" % _CLOCK, (name,)
        ).fetchone()
        (taken,) = link.execute("SELECT pg_try_advisory_lock(%s, %s)", (CLASS, shard)).fetchone()
        if taken:
            break
        if silent > SILENT:
            link.execute(_END, (CLASS, shard))
        first = beat if first is None else first
        if beat != first:
            raise StoreError("a node named %s serves already: give this one another name, --node NAME" % name)
        time.sleep(_POLL)
    link.execute(
        "SELECT set_config('msgin5g.node', %s, false), set_config('msgin5g.shard', %s, false)",
        (name, str(shard)),
    )
    link.execute(
        "UPDATE node SET beat=%s, started=%s, state='%s' WHERE name=%%s" % (_CLOCK, _CLOCK, STARTING), (name,)
    )
    return shard


def beat(link, name, state, coap, http):
    """A sign of life."""
    link.execute(
        "UPDATE node SET beat=%s, state=%%s, coap=%%s, http=%%s WHERE name=%%s" % _CLOCK,
        (state, coap, http, name),
    )


def look(link, suspected, now):
    """The Members. Ends the sessions of those that hold their lock and are silent, and were so a BEAT before: who has
    taken the lock just now may not have said yet that it is there. `suspected`: {name: since when}, by the clock of
    `now`, kept from one look to the next."""
    members = [Member(*row) for row in link.execute(_LOOK)]
    silent = [each for each in members if each.lives and each.is_silent]
    for name in suspected.keys() - {each.name for each in silent}:
        del suspected[name]
    for each in silent:
        if now - suspected.setdefault(each.name, now) >= BEAT:
            link.execute(_END, (CLASS, each.shard))
    return members


def try_to_lead(execute):
    """Whether this session leads from now on; `execute` is the main connection's."""
    (taken,) = execute("SELECT pg_try_advisory_lock(%d, %d)" % (CLASS, LEADER)).fetchone()
    return taken


def lead_no_more(execute):
    execute("SELECT pg_advisory_unlock(%d, %d)" % (CLASS, LEADER)).fetchone()
