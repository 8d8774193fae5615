# SPDX-License-Identifier: MIT
"""Which UE a request of the server is for, and where that UE is.

MSG and IMDN name their recipient, responses the UE that they answer; SEGREC and SEGCONFIR name nobody but a segId. All
of it is in the store: after a restart the server asks for a missing segment of yesterday's message, too.
"""

from tools.wire import bodies
from tools.wire.answers import Refusal
from tools.wire.bodies import Malformed

REGISTERED = 3600  # s, where an answer does not say for how long (clause 7.3.3.4 has no lifetime)
MOST = 10000  # ways that are kept
_SETS, _SETS_EACH = 1024, 64  # segment sets, of all UEs and of one
_SET_KEPT = 3600  # s after the last segment
_SET_NOTED = 30  # s: as fresh as a set is kept in the store
_SET_OWNED = 120  # s after the last segment noted, in which no other UE takes a segId over
TO_DESTINATION = ("MSG", "IMDN")
TO_ORIGIN = ("MSGRESP", "REGRESP", "DEREGRESP")
OF_SEGMENTS = ("SEGREC", "SEGCONFIR", "SEGCOFIR")  # SEGCOFIR: a misprint of clause 6.5.3.5


class Ways:
    def __init__(self, core):
        self._core = core
        self._store = core.store
        self._emit = core.isolation.emit

    # ---- toward the UEs ----------------------------------------------------------------------------------------------

    def downstream(self, body, now):
        """(ue, Peer) of a body of the server's. Raises Refusal 4.04, Malformed."""
        kind = bodies.text(body, "msgType").upper()
        ue = self._recipient(kind, body)
        peer = ue and self._store.way(ue, now)
        if not peer:
            raise Refusal("4.04", "no such UE here")
        if kind == "MSG":
            self._note(body, False, ue, now)
        return ue, peer

    def _recipient(self, kind, body):
        if kind in TO_DESTINATION:
            return bodies.address(body, "destAddr", bodies.TARGETS).id
        if kind in TO_ORIGIN:
            return bodies.address(body, "oriAddr", bodies.TARGETS).id
        if kind in OF_SEGMENTS:
            passed = self._store.passed(bodies.text(body, "segId"), True)
            return passed and passed[0]
        raise Malformed("msgType", "%s is nothing that goes to a device" % kind)

    # ---- from them ---------------------------------------------------------------------------------------------------

    def note_segment(self, body, ue, now):
        """A MSG of the UE goes by."""
        self._note(body, True, ue, now)

    def _note(self, body, up, ue, now):
        segment = bodies.segment(body)
        if segment is None:
            return
        passed = self._store.passed(segment.set_id, up)
        if passed:
            fresh = now - passed[1]
            if fresh < (_SET_NOTED if passed[0] == ue else _SET_OWNED):
                return
        self._store.set_passed(segment.set_id, up, ue, now)
        self._store.forget_passed(now - _SET_KEPT, ue, _SETS_EACH, _SETS)

    def receives(self, body):
        """The UE that the segments went to that a body without originator is about, where that is known."""
        passed = self._store.passed(bodies.text(body, "segId"), False)
        return passed and passed[0]

    def learn(self, ue, peer, now, lifetime):
        """The UE is registered, at this Peer."""
        if self._store.set_way(ue, peer, now + (lifetime or REGISTERED)):
            self._tell(self._store.cut_ways(MOST))

    def end(self, ue):
        self._store.end_way(ue)

    # ---- time --------------------------------------------------------------------------------------------------------

    def work(self, now, out):
        self._tell(self._store.forget_ways(now))

    def _tell(self, ended):
        for ue in ended:
            self._emit("expired", ue=ue)

    def deadline(self, now):
        return self._store.way_deadline()
