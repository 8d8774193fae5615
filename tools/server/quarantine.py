# SPDX-License-Identifier: MIT
"""What raised is set aside here, its originator is told, and it waits for somebody to say `retry` or `drop`.

The code that raised is not used for that: a message is moved by plain statements, and telling its originator is
tried separately. An entry that nobody looks at is dropped after `Settings.keep`, and the oldest where there are too
many.
"""

from dataclasses import dataclass

from tools.server.isolation import place_of, reason_of
from tools.store.engine.transactions import Unreadable
from tools.store.faults import store_stopped
from tools.store.states import ASIDE, MESSAGE, REGISTRATION, SEGMENT_SET
from tools.wire.bodies import Address
from tools.wire.outside import capped

MAX_ASIDE = 500  # set aside at a time
CAUSE = "set aside by the gateway after an error of its own"


@dataclass(frozen=True)
class _Message:
    """As much of a message as telling its originator needs."""

    origin: Address
    target: Address
    head: dict
    origin_set: str


class Quarantine:
    def __init__(self, store, settings, isolation, deliveries, confirm, emit):
        self._store = store
        self._settings = settings
        self._isolation = isolation
        self._deliveries = deliveries
        self._confirm = confirm  # (originator, segId, result, now)
        self._emit = emit
        isolation.movers |= {
            kind: lambda key, error, now, kind=kind: self._put(kind, key, error, now)
            for kind in (MESSAGE, SEGMENT_SET, REGISTRATION)
        }

    def _put(self, kind, key, error, now):
        """Moves one unit here; the row is out of the way of all others when this returns."""
        while self._store.count_aside() >= MAX_ASIDE:
            self._drop(self._store.most_aside(), now)
        unreadable = isinstance(error, Unreadable) and error.culprit == (kind, key)
        reason = str(error) if unreadable else reason_of(error)
        taken = getattr(error, "taken", False)
        if taken:
            reason = "taken by the recipient, then " + reason
        place = place_of(error)
        expires = capped(now + self._settings.keep)
        id_ = self._store.put_aside(kind, key, now, expires, reason, place, unreadable)
        if id_ is None:
            return
        self._deliveries.forget(kind, key)
        aside = self._store.aside(id_)
        if taken or self._inform(aside, now):
            self._store.was_told(id_)
        if kind == REGISTRATION:
            self._try(
                self._deliveries.ends.on_unavailable,
                Address("UE", key),
                now,
                "its registration was set aside",
            )
        self._emit("quarantined", id=id_, reason=reason, place=place, **about(aside))

    def _try(self, function, *arguments):
        """Whether it went well; if not, nothing of it stays."""
        try:
            self._isolation.wholly(function, *arguments)
        except Exception as error:
            if store_stopped(error):
                raise
            return False
        return True

    def _inform(self, aside, now):
        """Whether the originator of a message has been told, or needs not be."""
        if aside.origin is None or aside.kind == REGISTRATION or aside.what != "MSG":
            return True
        if aside.kind == SEGMENT_SET:
            return self._try(self._confirm, aside.origin.id, aside.origin_set, False, now)
        message = _Message(aside.origin, aside.target, {}, aside.origin_set)
        if self._store.is_copy(aside.key):  # the originator is not told about single copies of many
            return True
        names = self._store.names(aside.key, aside.msg_id)
        return self._try(self._deliveries.responses.notify, message, names, False, CAUSE, now)

    # ---- what becomes of them ----------------------------------------------------------------------------------------

    def expire(self, now):
        for id_ in self._store.overdue_aside(now):
            self._isolation.run(ASIDE, id_, now, self._drop, id_, now)

    def _drop(self, id_, now):
        aside = self._store.aside(id_)
        if aside is None:
            return None
        if not aside.told:
            self._inform(aside, now)
        self._store.throw_away(aside)
        self._emit("quarantine-dropped", id=id_, **about(aside))
        return aside

    def drop(self, id_, now):
        """The end of it: its originator is told now if that could not be done before. None where there is no such."""
        return self._drop(id_, now)

    def retry(self, id_, now):
        """It goes on where it was. None where there is no such."""
        aside = self._store.aside(id_)
        if aside is not None:
            self._store.take_back(aside, now)
            self._emit("quarantine-retried", id=id_, **about(aside))
        return aside

    def listed(self):
        """For people and programs."""
        return [
            {
                "id": aside.id,
                "at": aside.at,
                "reason": aside.reason,
                "place": aside.place,
                "told": bool(aside.told),
            }
            | about(aside)
            for aside in self._store.all_aside()
        ]


def about(aside):
    """What events say of it."""
    fields = {"kind": aside.kind if aside.kind != MESSAGE else aside.what, "what": aside.key}
    if aside.msg_id:
        fields["msgId"] = aside.msg_id
    if aside.origin:
        fields["from"] = aside.origin.id
    if aside.target:
        fields["to"] = aside.target.id
    if aside.kind == REGISTRATION:
        fields["ue"] = aside.key
    return fields
