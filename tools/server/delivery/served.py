# SPDX-License-Identifier: MIT
"""Which recipients this node serves, where several nodes share a store (`store.alone`), and what happens where a UE is
heard by another one than before: what is on its way from there is given up, and goes from here.

A store that one program has for itself answers all of it at once.
"""

from tools.wire.bodies import Address

_AGAIN = 5  # s, in which the node that serves somebody is told no second time that it is there
_MOST = 1000  # of whom that is known


class Served:
    """`turns` is told what comes from here and what does not any more. Other nodes tell it what is `told` of the
    store: "moved" and "alive"."""

    def __init__(self, store, elsewhere, turns):
        self._store = store
        self._elsewhere = elsewhere
        self._turns = turns
        self._alive = {}  # Address: when the node that serves it was told so last
        self.on_came = []  # called with a UE Service ID that is heard here from now on
        store.told["moved"] = self._went
        store.told["alive"] = self._is_alive
        store.told["touch"] = self._touched
        store.may_give_back(self._is_out)

    @property
    def _alone(self):
        return self._store.node is None

    def holder(self, target):
        """The Address whose node serves this one: who takes what is for it, or itself."""
        way = self._elsewhere.way_to(target)
        return target if way is None else way.through

    def here(self, target, now):
        """Whether what goes to this Address leaves from here."""
        return self._alone or self._store.serves(self.holder(target), now)

    def leave(self, target):
        """Another node serves it: what is out to it is given up, whatever comes of that."""
        if self._turns.out(target) or self._turns.knows(target):
            self._turns.leave(target)

    def _is_out(self, holder):
        """Whether something is out to this Address, or to somebody behind it."""
        return bool(self._turns.out(holder)) or self._turns.is_through(holder)

    # ---- UEs ---------------------------------------------------------------------------------------------------------

    def is_elsewhere(self, registration):
        """Whether another node has heard its UE last, or its gateway."""
        return not self._alone and registration.node != self._store.node

    def node_of(self, ue, now):
        """The node that serves a registered UE until it is heard here, None where none does or there are none."""
        registration = None if self._alone else self._store.registration(ue, now)
        return registration and registration.node

    def came(self, ue, former):
        """A UE was heard here, and by another node before, or by none: `former` says which."""
        store = self._store
        if self._alone or former == store.node:
            return
        if former is not None:
            store.tell("moved", [ue], former)
        self._turns.touch(Address("UE", ue))
        for each in store.waiting_behind(ue):
            self._turns.touch(Address("UE", each))
        for hear in self.on_came:
            hear(ue)

    def _went(self, ues, node):
        for ue in ues:
            self._turns.leave(Address("UE", ue))

    def _touched(self, addresses, node):
        for address in addresses:
            self._turns.touch(Address(*address))

    # ---- who is there again ------------------------------------------------------------------------------------------

    def heard(self, target, now):
        """It is there: what waited because it was silent is due again, wherever that is known."""
        if self.here(target, now):
            self._turns.on_peer_alive(target, now)
        else:
            self._tell_alive(target, now)

    def is_back(self, target, now):
        """The same, where what is known here was said already."""
        if not self.here(target, now):
            self._tell_alive(target, now)

    def _tell_alive(self, target, now):
        if now - self._alive.get(target, 0) < _AGAIN:
            return
        self._alive.pop(target, None)
        if len(self._alive) >= _MOST:
            del self._alive[next(iter(self._alive))]
        self._alive[target] = now
        self._store.tell("alive", [target.type, target.id], self._store.node_of(target, now))

    def _is_alive(self, address, node):
        self._turns.is_alive(Address(*address))
