# SPDX-License-Identifier: MIT
"""What nodes tell each other: LISTEN and NOTIFY, on a connection of its own that the event loop watches.

A letter has at most 8000 octets (PostgreSQL, NOTIFY). What is more goes in several; what is too much for that is no
news of single things any more: who hears it looks at everything.
"""

import collections
import hashlib
import json

import psycopg

MOST_OCTETS = 7900
MOST_LETTERS = 20  # of one kind to one node, with one transaction
EVERYTHING = "changed"  # the kind that says: look at everything
MOST_HEARD = 10000  # letters that wait to be looked at
ALL = "msgin5g"


def channel(node):
    """The name of the channel of one node, or of all; an identifier has at most 63 octets."""
    return ALL if node is None else "%s_%s" % (ALL, hashlib.sha256(node.encode()).hexdigest()[:32])


def letters(kind, payload, sender):
    """The texts that say this. A payload that is a list may be cut."""
    text = _letter(kind, payload, sender)
    if len(text.encode()) <= MOST_OCTETS:
        return [text]
    if not isinstance(payload, list) or len(payload) < 2:
        return [_letter(EVERYTHING, None, sender)]
    half = len(payload) // 2
    texts = letters(kind, payload[:half], sender) + letters(kind, payload[half:], sender)
    whole = any(json.loads(each)[0] == EVERYTHING for each in texts)
    return [_letter(EVERYTHING, None, sender)] if whole or len(texts) > MOST_LETTERS else texts


def _letter(kind, payload, sender):
    return json.dumps([kind, payload, sender], separators=(",", ":"), ensure_ascii=False)


class Wake:
    """`connection`: a psycopg connection of its own, in autocommit. `take()` gives what has come. What is lost with the
    connection is made good by who then looks at everything."""

    def __init__(self, connection, node):
        self.connection = connection
        self.descriptor = connection.fileno()  # for the event loop, known also when the connection is lost
        self._node = node
        self._heard = collections.deque()
        self._too_many = False
        connection.add_notify_handler(self._hear)
        for name in (None, node):
            connection.execute('LISTEN "%s"' % channel(name))

    def read(self):
        """Something may have come. Raises psycopg.Error where the connection is lost."""
        link = self.connection.pgconn
        link.consume_input()
        while note := link.notifies():
            self._keep(note.extra)

    def _hear(self, note):
        self._keep(note.payload.encode())

    def _keep(self, octets):
        if len(self._heard) < MOST_HEARD:
            self._heard.append(octets)
        else:
            self._too_many = True

    @property
    def is_empty(self):
        """Whether nothing waits to be taken."""
        return not (self._heard or self._too_many)

    def take(self):
        """[(kind, payload, sender)] of what has come from others, in order."""
        taken = [(EVERYTHING, None, None)] if self._too_many else []
        self._too_many = False
        while self._heard:
            try:
                kind, payload, sender = json.loads(self._heard.popleft())
            except (ValueError, TypeError):
                continue  # some other program's
            if sender != self._node:
                taken.append((kind, payload, sender))
        return taken

    def tell(self, told):
        """[(channel, text)], at once."""
        names, texts = zip(*told, strict=True)
        query = "SELECT pg_notify(c, p) FROM unnest(%s::text[], %s::text[]) AS told (c, p)"
        self.connection.execute(query, (list(names), list(texts)))

    def close(self):
        try:
            self.connection.close()
        except psycopg.Error:
            pass
