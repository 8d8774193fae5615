# SPDX-License-Identifier: MIT
"""Responses to UEs whose registration was held: REGRESP and DEREGRESP (TS 24.538 clauses 6.3.4.3.3 and 6.3.4.3.6).

Each is a request of the gateway's own, for what the UE asked was answered long ago. One that is silent gets it when it
is heard of again.
"""

from tools.server.delivery.pushes import DONE, LATER, REFUSED, Push
from tools.server.isolation import RESTS
from tools.store.engine.noticing import Touched
from tools.store.states import OWED
from tools.store.tables import CONTROL
from tools.wire import bodies
from tools.wire.bodies import Address
from tools.wire.outside import clean

KEPT = 1800  # s
RST = "RST"  # the detail of its Outcome


class FanOut:
    def __init__(self, core):
        self._store = core.store
        self._settings = core.settings
        self._isolation = core.isolation
        self._emit = core.isolation.emit
        self._binding = core.binding
        self._turns = core.turns
        self._silent = core.store.kept()  # ue: True, after a response that nobody answered
        self._touched = Touched(core.store, core.store.owing)  # UEs that may take something now
        core.turns.watched.append(self._touched)
        for number, change in enumerate(("INSERT", "UPDATE OF host, port")):
            core.store.notice("fanout_%d" % number, change + " ON gateway_response", self._noticed, "NEW.ue")

    def _noticed(self, ue):
        self._touched.touch(Address("UE", ue))

    def look_again(self):
        """Another process has changed nobody knows what."""
        self._touched.touch_all()

    def add(self, kind, ue, peer, now, result, cause="", lifetime=None):
        """Owes the UE a REGRESP or DEREGRESP from now on."""
        body = {
            "msgIden": self._settings.service,
            "msgType": kind,
            "oriAddr": bodies.origin(Address("UE", ue)),
            "result": result,
        }
        if result and lifetime:
            body["regExpTime"] = lifetime
        if cause and not result:
            body["cause"] = clean(cause)
        self._store.owe(ue, kind, body, peer, now + KEPT)
        self._silent.pop(ue, None)

    def heard(self, peer, ue, now):
        """The UE has said something: what it is owed goes to where it is now."""
        before = self._store.held_peer(ue)
        if before is None:
            return
        if peer != before:
            known = getattr(peer, "identity", None) is not None
            if ue not in self._binding.ues(peer, now) if known else not self._binding.same(peer, before):
                return
            self._store.move_held(ue, peer)
            self._turns.on_moved(Address("UE", ue), peer)
        self._silent.pop(ue, None)
        self._noticed(ue)
        self._turns.on_peer_alive(Address("UE", ue), now)

    # ---- what is sent, and what came of it ---------------------------------------------------------------------------

    def work(self, now, out):
        for id_, ue, kind in self._store.owed_over(now):
            self._drop(id_, ue, kind, "it was not taken in time")
        try:
            for target in self._touched.take(now):
                self._look(target, now, out)
        except Exception:
            self._touched.touch_all()
            raise

    def _look(self, target, now, out):
        """Whether the UE is owed something that it may take now."""
        id_ = self._store.owed_to(target.id)
        if id_ is None:
            if self._settings.apart:  # else other things may wait for it
                self._turns.unpark(target)
                self._turns.forget(target, now)
        elif target.id not in self._silent and self._turns.may_send(target, CONTROL, now):
            push = self._isolation.run(OWED, id_, now, self._push, id_)
            if isinstance(push, Push):
                out.append(push)
            elif push is RESTS:
                self._touched.at(target, OWED, self._isolation.until(OWED, id_) or now + 1)

    def _push(self, id_):
        owed = self._store.owed(id_)
        target = Address("UE", owed.ue)
        push = Push(target, owed.peer, owed.kind, CONTROL, owed.body, of=self, about=(OWED, id_))
        return self._turns.begin(push)

    def outcome(self, push, outcome, now):
        ue, (_, id_) = push.target.id, push.about
        if outcome.verdict == LATER and not outcome.answered:
            self._turns.release(push)
            if self._store.held_peer(ue) == push.where:  # else it has moved: sent anew to where it is
                self._silent[ue] = True
            return
        if outcome.detail == RST:
            outcome = outcome._replace(verdict=REFUSED)
        self._turns.finish(push, outcome, now)
        if outcome.verdict == DONE:
            self._silent.pop(ue, None)
            if self._store.drop_owed(id_):
                self._emit("responded", ue=ue, kind=push.kind, result=push.body["result"])
        elif outcome.verdict == REFUSED:
            self._drop(id_, ue, push.kind, clean(outcome.detail))

    def _drop(self, id_, ue, kind, cause):
        if self._store.drop_owed(id_):
            self._emit("response-dropped", ue=ue, kind=kind, cause=cause)
            self._silent.pop(ue, None)

    def deadline(self, now):
        """When the next pause is over; when a response is given up says `held`."""
        return self._touched.first()
