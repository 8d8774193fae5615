# SPDX-License-Identifier: MIT
"""The server's own aggregating (TS 24.538 clause 6.4.1.2.7), where `--aggregate` asks for it: single messages of one
originator that wait for one recipient go out as one.

They stay what they are: each has its row, its end and its answers. The aggregated message is made when it goes out, and
its msgId of theirs, so that nothing of it has to be remembered: after a restart it is the same, or another one in which
the recipient knows each message again.
"""

from tools.server.settings import LARGEST_PAYLOAD
from tools.wire import aggregates, bodies

MOST = 8  # messages in one; the inbox of a small device may hold no more


class Joining:
    """`windows` is a Windows; `wait(recipient, until)`: has `choose` called again then."""

    def __init__(self, store, settings, windows, wait):
        self._store = store
        self._settings = settings
        self._windows = windows
        self._wait = wait
        self._arrived = store.kept()  # message id: when, of those that may wait for others
        self._alone = store.kept()  # message id: True for one that goes by itself
        self._together = store.kept()  # recipient: ids that went out as one, and were not answered yet

    def arrived(self, id_, now):
        """A message was queued for a recipient that is there."""
        if self._settings.aggregate:
            self._arrived[id_] = now

    @property
    def known(self):
        """Ids of the messages that something is known of."""
        return self._arrived.keys() | self._alone.keys()

    def forget(self, id_):
        self._arrived.pop(id_, None)
        self._alone.pop(id_, None)

    def choose(self, row, max_segment, now):
        """(Rows, the body that they go out in or None for one by itself); None while the first, `row`, waits for
        others."""
        if not self._may(row):
            return [row], None
        rows, pairs, body, closed = [row], [self._pair(row)], None, False
        limit = min(LARGEST_PAYLOAD, max_segment or LARGEST_PAYLOAD)
        if not self._fits(aggregates.joined(pairs), limit):
            return [row], None
        for id_ in self._store.ids_behind(row, MOST - 1):
            other = self._store.message(id_)
            closed = not (self._may(other) and _ends(other) == _ends(row))
            if not closed:
                more = aggregates.joined([*pairs, self._pair(other)])
                closed = not self._fits(more, limit)
            if closed:
                break
            rows.append(other)
            pairs.append(self._pair(other))
            body = more
        until = self._until(row, now)
        if not closed and len(rows) < MOST and until > now:
            self._wait(row.target, until)
            return None
        if body is not None:
            self._together[row.target] = [each.id for each in rows]
        return rows, body

    def _until(self, row, now):
        """How long it waits for others: not beyond its end, nor where its recipient will not listen later."""
        arrived = self._arrived.get(row.id)
        if arrived is None:  # it has waited for its recipient, or for this program
            return now
        until = arrived + self._settings.aggregate
        return now if until >= row.expires or self._windows.closes(row.target, now) is not None else until

    def _may(self, row):
        """Whether a message may be one of several. One without a payload may not: clause 6.4.1.1.3 requires one."""
        return (
            bool(self._settings.aggregate)
            and row.kind == "MSG"
            and "msgList" not in row.head
            and not (row.set_id or row.origin_set or row.id in self._alone)
            and self._store.count_parts(row.id) == 1
            and not self._store.is_high(row.id)
        )

    def _pair(self, row):
        return row.head, self._store.parts(row.id)[0]

    def _fits(self, body, limit):
        listed = len(bodies.encode(body["msgList"]))
        return listed <= limit and len(bodies.encode(body)) <= self._settings.room

    # ---- what came of it ---------------------------------------------------------------------------------------------

    def went_with(self, target):
        """Ids of what this recipient may have, since it was sent as one and not answered."""
        return self._together.get(target, ())

    def answered(self, target, ids, alone=False):
        """What went out as one was answered; `alone`: each goes by itself now."""
        self._together.pop(target, None)
        for id_ in ids if alone else ():
            self._alone[id_] = True

    def forget_gone(self):
        """What went out as one, and of which nothing is left."""
        there = self._store.is_there
        for target in [target for target, ids in self._together.items() if not any(map(there, ids))]:
            del self._together[target]

    def clock_set(self, seconds):
        for id_, arrived in list(self._arrived.items()):
            self._arrived[id_] = arrived + seconds


def _ends(row):
    """Whom a message is of and for, and what it says of that."""
    return row.origin, row.target, row.head["destAddr"], row.head.get("oriDestAddr")
