# SPDX-License-Identifier: MIT
"""Brings devices their new OSCORE keys, under the old ones: `ue rekey` has put them into the store. They are a device's
keys once it has used them (transport/security.py); until then it is spoken to under the old ones, and asked again.
"""

import json
from collections import Counter, deque

from tools.gateway.keys import section_of
from tools.store.engine.noticing import Touched
from tools.store.gateway.rekeytables import BROUGHT, REFUSED, WAITING
from tools.transport.coap import Unanswered
from tools.wire.answers import Request

PATH = ("keys",)
_JSON = 50
_AT_ONCE = 8  # devices
_USED = 3600  # s that a device has for it: longer than it keeps keys that do not prove good
_PASSING = ("4.01", "4.08", "4.13", "4.29")  # all other 4.xx, and 5.01, are final
_OLD = "its firmware knows no new keys (4.04): msgin5g provision --force changes them by cable"


class Rekeying:
    """Decisions of a Running that devices speak to. `where(ue, now)`: the Peer where it can be reached now, or None;
    `relay(peer, request, ue)` and `note_down` are those of CoapTransport and Running. `settings`: how long one is left
    alone that did not answer, unless it is heard."""

    def __init__(self, store, settings, emit, where, relay, note_down):
        self._store, self._emit, self._where = store, emit, where
        self._first, self._longest = settings.retry_min, settings.retry_max
        self._relay, self._note_down = relay, note_down
        self.refusals = Counter()  # of requests, as other decisions have them: none come here
        self._ues = {}  # UE Service ID: digest of its keys, of those with new ones on their way
        self._touched = Touched(store, self._everything)
        self._waiting = deque()
        self._tried = {}  # digest: when it was last asked
        self._heard = set()  # digests of those that were heard since
        self._busy = set()

    def _everything(self):
        self._ues = self._store.rekeyed_ues()
        return set(self._ues.values())

    def start(self, now):
        pass

    def spoke(self, target, now):
        """A device has been heard: it can be reached now."""
        old = self._ues.get(target.id)
        if old is not None and now - self._tried.get(old, -self._first) >= self._first:
            self._heard.add(old)
            self._touched.touch(old)

    def work(self, now):
        """(digest, UE Service ID, Peer, section) of each device to ask now."""
        self._waiting.extend(old for old in self._touched.take(now) if old not in self._waiting)
        out = []
        while self._waiting and len(self._busy) < _AT_ONCE:
            old = self._waiting.popleft()
            if old not in self._busy:
                item = self._item(old, now)
                if item is not None:
                    self._busy.add(old)
                    self._tried[old] = now
                    self._heard.discard(old)
                    self._touched.at(old, "again", now + self._first)  # where nothing can be noted
                    out.append(item)
        return out

    def _item(self, old, now):
        rekey = self._store.rekey(old)
        if rekey is None or rekey.state == REFUSED:
            return None
        if rekey.due > now and not (rekey.state == WAITING and old in self._heard):
            self._touched.at(old, "due", rekey.due)
            return None
        for ue in sorted(self._store.ues_of_keys(old)):
            peer = self._where(ue, now)
            if peer is not None:
                return old, ue, peer, section_of(rekey.keys)
        return None  # it is away: `spoke` says when it comes

    def deadline(self, now):
        return self._touched.first()

    def changed(self):
        self._touched.touch_all()

    def clock_set(self, seconds):
        self._touched.clock_set(seconds)

    async def begin(self, item):
        """Brings one device its keys, and notes what it said."""
        old, ue, peer, section = item
        request = Request("POST", PATH, payload=json.dumps(section).encode(), content_format=_JSON)
        try:
            answer = await self._relay(peer, request, ue)
            code, cause = answer.code, answer.diagnostic
        except Unanswered as failure:
            code, cause = None, failure.answer.diagnostic
        finally:
            self._busy.discard(old)
        await self._note_down(self.answered, old, ue, code, cause)

    def answered(self, old, ue, code, cause, now):
        rekey = self._store.rekey(old)
        if rekey is None or rekey.state == REFUSED:
            return  # used already
        if code == "2.04":
            self._store.put_rekey(old, BROUGHT, now + _USED, 0, None)
            self._emit("keys-brought", ue=ue)
        elif code is None or code in _PASSING or code[0] == "5" and code != "5.01":
            wait = min(self._first * 2 ** min(rekey.tries, 20), self._longest)
            self._store.put_rekey(old, WAITING, now + wait, rekey.tries + 1, cause or code)
        else:
            cause = _OLD if code == "4.04" else ("%s %s" % (code, cause)).strip()
            self._store.refuse_rekey(old, cause)
            self._emit("keys-refused", ue=ue, cause=cause)
            return
        self._touched.touch(old)
