# SPDX-License-Identifier: MIT
"""How a message ends: delivered or failed, once. What a recipient's coming and going makes of those that wait for it
is store and forward, TS 24.538 clause 6.4.1.2.6."""

from tools.server.delivery.turns import ABREAST
from tools.store.states import HELD, MESSAGE, QUEUED, STORED
from tools.store.tables import DATA
from tools.wire import bodies


class Ends:
    """`forget(kind, key)` drops what is known in memory of a message that is gone; `went_with(recipient)`: ids of
    messages that were sent to it as one."""

    def __init__(self, store, isolation, turns, responses, forget, went_with):
        self._store = store
        self._isolation = isolation
        self._emit = isolation.emit
        self._turns = turns
        self._responses = responses
        self._forget = forget
        self._went_with = went_with
        # A UE that things may be stored for is not registered any more; whether a message whose time is over lives on.
        self.on_away = lambda target, now: None
        self.last_try = lambda row, now: False

    def remove(self, row):
        self._store.remove(row.id)
        self._forget(MESSAGE, row.id)

    def delivered(self, row, **more):
        self.remove(row)
        self._emit("delivered", **about(row), **more)

    def stored_there(self, row, now):
        """Another server took it, and will deliver it later."""
        self._responses.notify(row, self._names(row), True, "", now)

    def fail(self, row, cause, now):
        """The end of a message that will not arrive."""
        names = self._names(row)
        self.remove(row)
        if row.kind == "MSG":
            self._responses.notify(row, names, False, cause, now)
        self._emit("failed", **about(row), cause=cause)

    def _names(self, row):
        return self._store.names(row.id, row.head.get("msgId"))

    def on_reported(self, recipient, originator, msg_id):
        """The recipient's report shows that it has the message: only its answer to the message was lost, or its
        SEGCONFIR, as with a device whose power went in between."""
        # Order is kept: no other can have been sent, but what is out behind it.
        if recipient.type in ABREAST:
            first = self._store.next_of(recipient, DATA, originator)
            out = [each.row for each in self._turns.out(recipient) if each.origin == originator]
        else:
            first, out = self._store.next_id(recipient, DATA), ()
        held = self._store.held_for(recipient, msg_id) if recipient.type == "UE" else ()
        for id_ in {first, *out, *self._went_with(recipient), *held}:
            row = id_ and self._store.message(id_)
            if row is None or row.kind != "MSG" or row.origin != originator:
                continue
            ids = [row.head["msgId"], *(item["msgId"] for item in row.head.get("msgList", ()))]
            if bodies.same(msg_id) in map(bodies.same, ids):
                self.delivered(row, reported=True)

    # ---- store and forward -------------------------------------------------------------------------------------------

    def on_available(self, target, where):
        """What was stored for it is due, and nothing waits for an older address."""
        self._turns.on_moved(target, where)
        self._store.release(target)
        self._turns.on_registered(target)

    def on_window(self, target, now):
        """What was stored for it until its next window is due, if that has come."""
        if self._turns.windows.woke(target, now):
            self._store.release(target)

    def on_unavailable(self, target, now, cause):
        """Stores the messages that asked for it, and fails the others (clause 6.4.1.2.6)."""
        for id_ in self._store.ids(target, QUEUED):
            self._isolation.run(MESSAGE, id_, now, self._unavailable, id_, now, cause)
        self.on_away(target, now)

    def _unavailable(self, id_, now, cause):
        row = self._store.message(id_)
        if row.store_forward:
            self._store.set_state(row.id, STORED)
            self._responses.notify(row, self._names(row), True, "", now)
            self._emit("stored", **about(row))
        else:
            self.fail(row, cause, now)

    def fail_all(self, target, cause, now):
        """The recipient will not be back."""
        for id_ in self._store.ids(target, QUEUED):
            self._isolation.run(
                MESSAGE, id_, now, lambda id_: self.fail(self._store.message(id_), cause, now), id_
            )

    def overdue(self, now):
        """Ends the messages whose time is over."""
        for id_ in self._store.overdue(now):
            self._isolation.run(MESSAGE, id_, now, self._over, id_, now)

    def _over(self, id_, now):
        row = self._store.message(id_)
        if row.state == HELD:
            self.delivered(row, confirmed=False)
        elif not self.last_try(row, now):
            self.fail(row, "message expired", now)


def about(row):
    """What the events say of a message."""
    fields = {
        "kind": row.kind,
        "msgId": row.head.get("msgId", ""),
        "to": row.target.id,
        "octets": row.octets,
    }
    if row.origin:
        fields["from"] = row.origin.id
    return fields
