# SPDX-License-Identifier: MIT
"""A message that waits here is updated or discarded by its originator: TS 23.554 V19 clause 8.3.6.1.

That release has no public stage 3. The form is this project's proposal for it (docs/wire-profile.md): MSGUPD with the
`msgId` of the message, and `sfParam` with its new end; without `sfParam` the message is discarded.
"""

from tools.server.delivery.ends import about
from tools.server.procedures.messages import segments_of
from tools.server.procedures.procedure import Procedure
from tools.wire import bodies
from tools.wire.answers import Refusal
from tools.wire.bodies import Malformed

SOON = 5  # s, when what is on its way just now is worth another try


class Stored(Procedure):
    def receive(self, kind, peer, body, now):
        origin = bodies.address(body, "oriAddr", ("UE",))
        msg_id = bodies.same(bodies.message_id(body))
        expires = self._end(body, now)
        self._speakers.speaks_for(peer, origin.id, now)
        named = self._named(origin, msg_id)
        if not named:
            if self._store.waits(msg_id):
                raise Refusal("4.03", "msgId: not a message of %s" % origin.id)
            raise Refusal("4.04", "msgId: nothing is held of this message")
        carries, discarding = self._deliveries.turns.carries, expires is None
        # What is on the air may arrive, whatever is said about it here. Its new end counts if it does not.
        free = [
            (row, element)
            for row, element in named
            if not (discarding or element) or not carries(row.target, row.id)
        ]
        if not free:
            raise Refusal("5.03", "the message is on its way just now", max_age=SOON)
        for row, element in free:
            if discarding:
                self._discard(row, element)
            else:
                self._update(row, element, expires, now)

    def _end(self, body, now):
        """When the message shall end; None where it is to be discarded. A number is seconds, from a device without a
        clock."""
        if body.get("sfParam") is None:
            return None
        params = bodies.record(body, "sfParam")
        if not isinstance(params.get("appSpecSf", {}), dict):
            raise Malformed("sfParam.appSpecSf", "not an object")
        latest, until = now + self._settings.keep, params.get("expireTime")
        if until is None:
            return latest
        try:
            seconds = bodies.number(params, "expireTime", 1, 2**31)
            return min(now + seconds, latest)
        except Malformed:
            if not isinstance(until, str):
                raise Malformed("sfParam.expireTime", "neither a date-time nor seconds from 1") from None
        until = bodies.moment(until, "sfParam.expireTime")
        if until <= now:
            raise Malformed("sfParam.expireTime", "is over: leave sfParam out to discard the message")
        return min(until, latest)

    def _named(self, origin, msg_id):
        """[(Row, None, or this msgId where that is one of its elements)]: a message, or all copies of one to many; an
        aggregated message, or all pieces of one; a message that came in segments, by any of them."""
        store = self._store
        ids = store.waiting_of(origin, msg_id)
        if not ids:
            set_id = store.seen(segments_of(origin), msg_id)
            ids = store.waiting_of_set(origin, set_id) if set_id else []
        if ids:
            return [(store.message(id_), None) for id_ in ids]
        rows = [store.message(id_) for id_ in store.waiting_with(origin, msg_id)]
        return [(row, msg_id) for row in rows if msg_id in _names(row)]

    # ---- what becomes of it ------------------------------------------------------------------------------------------

    def _discard(self, row, element):
        if element is None:
            self._deliveries.ends.remove(row)
        else:
            place, listed = _names(row).index(element), row.head["msgList"]
            self._split(row, [listed[:place] + listed[place + 1 :]])
        self._emit("discarded", **_about(row, element), cause="its sender discarded it")

    def _update(self, row, element, expires, now):
        id_ = row.id
        if element is not None:  # from now on it is a message of its own, in its place among the others
            place, listed = _names(row).index(element), row.head["msgList"]
            ids = self._split(row, [listed[:place], [listed[place]], listed[place + 1 :]])
            id_ = ids[1 if place else 0]
        self._store.set_expiry(id_, expires)
        self._store.trigger_last_again(id_)
        self._emit("updated", **_about(row, element), seconds=round(expires - now))

    def _split(self, row, pieces):
        return self._deliveries.split(row, [piece for piece in pieces if piece])


def _names(row):
    return [bodies.same(each["msgId"]) for each in row.head.get("msgList", ())]


def _about(row, element):
    return about(row) | ({} if element is None else {"msgId": element})
