# SPDX-License-Identifier: MIT
"""Which node an address that is reached over HTTP leaves from: a lease of that address, a row, held by one node that
lives.

Whose it should be is known without a word: the same node wins for all who know the same nodes (rendezvous hashing), and
where one comes or goes, only its own share moves. Whose it is says the row alone: a lease is given on only by who has
it and has nothing of it out, or taken from a node that lives no more.
"""

import hashlib

# Whether a node holds its lock: it lives. A lock of two numbers has the 2 in `objsubid`.
LOCKED = (
    "EXISTS (SELECT 1 FROM pg_locks WHERE locktype='advisory' AND classid=%(class)s AND objid=node.shard"
    " AND objsubid=2 AND granted AND database=(SELECT oid FROM pg_database WHERE datname=current_database()))"
)
_CLAIM = (
    "INSERT INTO lease (kind, id, node) SELECT kind, id, %(me)s FROM unnest(%(kinds)s::text[], %(ids)s::text[])"
    " AS wanted (kind, id) ORDER BY kind, id ON CONFLICT (kind, id) DO UPDATE SET node=excluded.node"
    " WHERE lease.node=excluded.node OR NOT EXISTS (SELECT 1 FROM node WHERE node.name=lease.node AND "
    + LOCKED
    + ")"
)
_GIVE = "UPDATE lease SET node=%(to)s WHERE kind=%(kind)s AND id=%(id)s AND node=%(me)s"
ALL = "SELECT kind, id, node FROM lease"
MOST = 1000  # that are claimed at once; the others with the next look


def preferred(key, nodes):
    """Of these names the one whose this key, (kind, id), should be; None of none."""

    def weight(node):
        words = "\0".join((node, *key)).encode()
        return hashlib.blake2b(words, digest_size=8).digest(), node

    return max(nodes, key=weight, default=None)


class Leases:
    """What a node knows of all leases. `view` is what the table said last: {(kind, id): node}."""

    def __init__(self, me):
        self._me = me
        self.view = {}
        self.living = frozenset()  # names of the nodes whose leases count
        self.serving = frozenset()  # of those, the ones that take more
        self.wanted = {}  # what would be ours, and is nobody's
        self._preferred = {}

    def members(self, living, serving):
        """These nodes live, and these of them take new work; whether that is news."""
        if (living, serving) == (self.living, self.serving):
            return False
        self.living, self.serving = living, serving
        self._preferred.clear()
        for key, holder in self.view.items():
            if holder not in living and self.should_be(key) == self._me:
                self.wanted[key] = True
        return True

    def should_be(self, key):
        """The node that this one should be of, or None."""
        if key not in self._preferred:
            if len(self._preferred) >= MOST:
                self._preferred.clear()
            self._preferred[key] = preferred(key, self.serving)
        return self._preferred[key]

    def of(self, key):
        """Who has it, or should have it."""
        holder = self.view.get(key)
        return holder if holder in self.living else self.should_be(key)

    def is_mine(self, key):
        """Whether it is this node's, and was so before the round began. Where it should be, it is wanted from now
        on."""
        holder = self.view.get(key)
        if holder == self._me:
            return True
        if holder not in self.living and self.should_be(key) == self._me:
            self.wanted[key] = True
        return False

    def claim(self, connection, class_):
        """Takes what is wanted and is nobody's; whether something is this node's that was not. Between two rounds: what
        a round has read may be older than what the holder before has done."""
        if not self.wanted:
            return False
        keys = sorted(self.wanted)[:MOST]
        for key in keys:
            del self.wanted[key]
        kinds, ids = zip(*keys, strict=True)
        connection.execute(_CLAIM, {"class": class_, "me": self._me, "kinds": list(kinds), "ids": list(ids)})
        before = self.mine()
        self.read(connection)
        return bool(self.mine() - before)

    def read(self, connection):
        """What the table says now."""
        self.view = {(kind, id_): node for kind, id_, node in connection.execute(ALL)}

    def mine(self):
        """Those of this node."""
        return {key for key, node in self.view.items() if node == self._me}

    def give(self, connection, is_out):
        """Gives on what should be another node's and of which nothing is out: {node: keys}."""
        given = {}
        for key in self.mine():
            to = self.should_be(key)
            if to not in (None, self._me) and not is_out(key):
                values = {"to": to, "kind": key[0], "id": key[1], "me": self._me}
                if connection.execute(_GIVE, values).rowcount:
                    self.view[key] = to
                    given.setdefault(to, []).append(key)
        return given
