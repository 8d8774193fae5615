# SPDX-License-Identifier: MIT
"""From a whole message to the queues, by its kind of target: one message in; none, one or many out.

TS 24.538 clause 6.4.1.2.6: whether it is queued, stored for a recipient that is away, or refused, and that its
originator hears of it. UEs and Application Servers are routed here; other targets by the procedure that has them in its
row of `procedures.TABLE`.
"""

from dataclasses import replace

from tools.server.delivery.availability import opted_out
from tools.store.server.peertables import SERVER
from tools.store.states import FAILED, QUEUED, STORED
from tools.store.tables import DATA
from tools.wire import aggregates, bodies, rest
from tools.wire import payload as payloads


class Routing:
    """`routes` by kind of target: called with (item, now), they give (state, cause)."""

    def __init__(self, store, settings, responses, windows, quotas, elsewhere, emit, arrived):
        self._store = store
        self._settings = settings
        self._responses = responses
        self._windows = windows
        self._quotas = quotas
        self._elsewhere = elsewhere
        self._emit = emit
        self._arrived = arrived
        self.on_stored = lambda id_, ue, now: None  # a message was stored for a UE that is not registered
        self.routes = {"UE": self.to_ue, "AS": self._to_as}
        # By the ID of a service that is in this program: called as those.
        self.within = {settings.own: self._to_own}

    def accept(self, item, now):
        """Routes a message; what it comes to is (state, cause): the originator hears of all but QUEUED."""
        route = self.routes.get(item.target.type)
        fields = {
            "kind": "MSG",
            "msgId": item.head["msgId"],
            "from": item.origin.id,
            "to": item.target.id,
            "octets": sum(map(payloads.content_size, item.parts)),
        }
        # What is told waits for the COMMIT. Most is of one part and of a UE: then no more than that part waits with it.
        alone = len(item.parts) == 1 and item.origin.type == "UE" and "msgList" not in item.head
        about = item.parts[0] if alone else item
        self._emit("accepted", item=about, **fields, **({"peer": item.peer} if item.peer else {}))
        if route is None:
            state, cause = FAILED, "%s targets are not supported by this server yet" % item.target.type
        elif item.expires is not None and item.expires <= now:
            state, cause = FAILED, "message expired"
        else:
            state, cause = route(item, now)
        if state == STORED:
            self._emit("stored", **fields)
        elif state == FAILED:
            self._emit("failed", **fields, cause=cause)
        if state != QUEUED and self._responses.is_told(item.origin):
            self._responses.notify(item, item.names, state == STORED, cause, now)
        return state, cause

    def to_ue(self, item, now):
        """Queues a message for a UE, or stores it for one that is away, or that has no window now, and takes what was
        stored. What is not to be stored waits for a window that was promised (clause 6.4.1.2.6, "will schedule"). Of
        one that is not served here it is not known whether it is away."""
        if self._elsewhere.find(item.target.id) is not None:
            return self._elsewhere_to(item, now)
        if not self._store.known(item.target.id):
            return FAILED, "unknown recipient"
        registration = self._store.registration(item.target.id)
        live = self._store.registration(item.target.id, now)
        store_forward = item.store_forward and not (registration and opted_out(registration.profile))
        if live is None and not store_forward:
            return FAILED, "the recipient is not registered"
        state = QUEUED if live else STORED
        opens = None if live is None else self._windows.opens(item.target, now)
        if opens is not None and store_forward:
            state = STORED
            self._windows.wake(item.target, now)
        elif opens is not None and opens >= self._end(item, now):
            return FAILED, "the recipient cannot be reached before the message expires"
        id_ = self.queue(item, state, store_forward, now)
        if live is None:
            self._store.contend(item.target.id)
            self.on_stored(id_, item.target.id, now)
        return state, ""

    def copies(self, item, targets, now):
        """A copy of the message to each of these Addresses, members of what its target stands for, as if it had been
        sent to that one: the originator is not told about single copies. {who has one: its state}"""
        taken = {}
        room = self._quotas.has_room(len(targets), item)
        for target in targets:
            head = dict(item.head, destAddr=bodies.destination(target))
            head["oriDestAddr"] = bodies.destination(item.target)
            if not room:
                state, cause = FAILED, "too many messages wait"
            elif self._store.pending(target) >= self._settings.pending_each:
                state, cause = FAILED, "too many messages wait for it"
            else:
                to = {"UE": self.to_ue, SERVER: self._elsewhere_to}.get(target.type, self._to_application)
                state, cause = to(replace(item, target=target, head=head), now)
            if state == FAILED:
                self._emit("discarded", kind="MSG", msgId=head["msgId"], to=target.id, cause=cause)
            else:
                taken[target] = state
        return taken

    def _to_as(self, item, now):
        if item.target.id in self.within:
            return self.within[item.target.id](item, now)
        if item.origin.type == "AS" and item.origin.id != self._settings.own:
            return FAILED, "an application server may not send to an application server"
        return self._to_application(item, now)

    def _to_own(self, item, now):
        """For the page, which shows what is accepted."""
        octets = sum(map(payloads.content_size, item.parts))
        fields = {"kind": "MSG", "msgId": item.head["msgId"], "from": item.origin.id, "to": item.target.id}
        self._emit("delivered", **fields, octets=octets)
        return QUEUED, ""

    def _to_application(self, item, now):
        server = self._store.application_server(item.target.id)
        if server is None:
            known = self._elsewhere.way_to(item.target) is not None
            return self._elsewhere_to(item, now) if known else (FAILED, "unknown recipient")
        if not server.target_uri:
            return FAILED, rest.UNREACHABLE
        return self.singly(item, now)

    def _elsewhere_to(self, item, now):
        """To who is not served here; but not from one server to another, which would have to say so itself."""
        way = self._elsewhere.way_to(item.target)
        if item.through is not None and item.through.type == way.through.type == SERVER:
            return FAILED, "unknown recipient"
        return self.singly(item, now)

    def singly(self, item, now):
        """Queues a message for who is reached over HTTP: TS 29.538 has no aggregated message."""
        if "msgList" in item.head:
            for head, value in aggregates.singles(item.head, item.head["msgList"]):
                parts = [] if value is None else [value]
                single = replace(item, head=head, parts=parts, whole=item.whole or item.head["msgId"])
                self.queue(single, QUEUED, item.store_forward, now)
        else:
            self.queue(item, QUEUED, item.store_forward, now)
        return QUEUED, ""

    def _end(self, item, now):
        longest = now + self._settings.keep
        return min(longest, item.expires or longest)

    def queue(self, item, state, store_forward, now):
        """Puts a message in the queue of its target, in this state; returns its id."""
        id_ = self._store.add(
            DATA,
            "MSG",
            item.target,
            item.origin,
            item.head,
            item.parts,
            state,
            self._end(item, now),
            origin_set=item.origin_set,
            store_forward=store_forward,
            high=item.priority == "HIGH",
            whole=item.whole,
        )
        if state == QUEUED:
            self._arrived(id_, now)
        return id_
