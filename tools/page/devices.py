# SPDX-License-Identifier: MIT
"""The devices that there are, as the page and programs see them: all that are provisioned, registered or not, and all
that were registered once."""

from tools.page.status import asleep
from tools.store.server.listedtables import STATES
from tools.wire.bodies import Address, Malformed

SIZE, MAX_SIZE = 50, 200
GROUPS = 50


class Devices:
    """`program`: what runs; what it does not know of a device is null."""

    def __init__(self, program, history):
        self._program, self._history = program, history

    @property
    def _store(self):
        return self._program.store

    def page(self, words="", state=None, page=1, size=SIZE):
        """{"total", "page", "size", "items"}: those whose UE Service ID has these words in it, in order. Raises
        Malformed."""
        if state is not None and state not in STATES:
            raise Malformed("state", "not one of " + ", ".join(STATES))
        if not 1 <= size <= MAX_SIZE:
            raise Malformed("size", "not 1 to %d" % MAX_SIZE)
        if not 1 <= page <= 10**6:
            raise Malformed("page", "not 1 to 1000000")
        skip = (page - 1) * size
        if words:
            found = self._store.found(words, state)
            total, found = len(found), found[skip : skip + size]
        else:
            counts = self._store.count_listed()
            total = sum(counts.values()) if state is None else counts[state]
            found = self._store.listed(state, skip, size) if skip < total else []
        now = self._program.clock()
        return {
            "total": total,
            "page": page,
            "size": size,
            "items": [self.item(ue, its_state, now) for ue, its_state in found],
        }

    def item(self, ue, state, now):
        """What a list shows of a device."""
        via = peer = expires = since = None
        try:
            registration = self._store.registration(ue)
        except Exception:  # its row cannot be read: the server sets it aside when it meets it
            registration = None
        if registration is not None:
            since = registration.since
            if state == "registered":
                now_there = self._store.registration(ue, now)
                via, expires = registration.via, registration.expires
                peer = now_there and now_there.peer
        elif state == "registered":
            peer, expires = self._store.way_until(ue) or (None, None)
        heard = self._history.known.heard_at.get(ue) or self._store.heard_at(ue) or since
        silent = self._history.known.silent.get(ue)
        sleeps = asleep(self._program.windows, ue, now) if state == "registered" else {}
        return {
            "ue": ue,
            "state": state,
            "via": via,
            "peer": None if peer is None else str(peer),
            "link": _link(via, peer),
            "lastHeard": heard,
            "silentSince": heard if silent is None and state == "away" else silent,
            "expires": expires,
            "waits": self._store.pending(Address("UE", ue)),
            "asleep": bool(sleeps),
            "asleepUntil": sleeps.get("asleepUntil"),
            "reportedAt": self._program.counters.at(ue),
        }

    def known(self, ue):
        """As `item`, None for a UE that is not known."""
        state = self._store.listed_state(ue)
        return None if state is None else self.item(ue, state, self._program.clock())

    def one(self, ue):
        """A device with its messages, the newest first; None for one that is not known."""
        state = self._store.listed_state(ue)
        if state is None:
            return None
        now, store, history = self._program.clock(), self._store, self._history
        topics = [
            {"topic": topic, "expires": expires}
            for topic, expires in sorted(store.topics_of(ue, now).items())
        ]
        groups = [store.group(document).id for document in store.groups_with(ue, GROUPS)]
        return self.item(ue, state, now) | {
            "stats": history.known.counts(ue),
            "reported": self._program.counters.of(ue),
            "keys": store.rekey_of(ue),
            "topics": topics,
            "groups": groups,
            "refusals": history.known.refusals(ue),
            "messages": history.messages_of(ue),
        }


def _link(via, peer):
    if via is not None:
        return "gateway"
    if peer is None:
        return None
    return "udp" if peer.port else "serial"
