# SPDX-License-Identifier: MIT
"""What a Gateway UE looks at before it hands a request on to a server elsewhere (TS 23.554 clause 8.2.7).

That server believes the gateway about the devices behind it. So here is where a device proves that it is the UE that
it says: by its key, without keys by the address that it registered from. What nobody vouches for does not go on, and
neither does what only a gateway may ask for.
"""

from tools.gateway.function.ways import OF_SEGMENTS
from tools.server.procedures.bulk import LISTS
from tools.server.procedures.groups.queries import asks, query_of
from tools.wire import bodies, ueconfig
from tools.wire.answers import Answer, Refusal
from tools.wire.bodies import Address, Malformed

JSON = 50
OF_A_UE = ("DEREG", "MSG", "IMDN", "MSGUPD")  # they name it in oriAddr
CONFIGURATION, GROUPS = "su-uc", "su-gm"


class Vouching:
    """`ways`: where the UEs are. `check` is for a server that is apart."""

    def __init__(self, core, ways):
        self._core = core
        self._store = core.store
        self._settings = core.settings
        self._ways = ways

    def check(self, peer, request, now):
        """An Answer for a request that does not go on; None where it does. Raises Malformed, Refusal."""
        first = request.path[:1]
        if first == ("msgin5g",):
            if request.code == "POST" and len(request.path) == 1:
                return self._message(peer, self._body(request), now)
            if request.code == "GET" and len(request.path) > 1:  # of a topic, or of several
                ue = bodies.address(self._body(request), "oriAddr", ("UE",)).id
                self._core.speaks_for(peer, ue, now)
            return None  # the server says that there is no such resource or method
        if first == (CONFIGURATION,):
            return self._configuration(peer, request)
        if first == (GROUPS,):
            return self._groups(peer, request, now)
        raise Refusal("4.04", "nothing there")

    def _body(self, request):
        if request.content_format not in (None, JSON):
            raise Refusal("4.15", "the body must be application/json (50)")
        return bodies.parse(request.payload)

    def _message(self, peer, body, now):
        if bodies.text(body, "msgIden") != self._settings.service:
            raise Malformed("msgIden", "is not %s" % self._settings.service)
        kind = bodies.text(body, "msgType").upper()
        if LISTS & body.keys() or kind in ("BREG", "BDEREG"):
            raise Refusal("4.03", "only a gateway registers many at once")
        if kind == "REG":
            return self._registration(peer, body, now)
        if kind in OF_A_UE:
            ue = bodies.address(body, "oriAddr", ("UE",)).id
            self._core.speaks_for(peer, ue, now)
            if kind == "MSG":
                self._ways.note_segment(body, ue, now)
        elif kind in OF_SEGMENTS:
            self._segments(peer, body, now)
        else:
            raise Malformed("msgType", "%s is nothing that this gateway takes" % kind)
        return None

    def _registration(self, peer, body, now):
        ue = bodies.address(body, "oriAddr", ("UE",)).id
        cause = self._core.why_not(peer, ue)
        if cause is None:
            return None
        self._core.emit_refused(peer, now, kind="REG", ue=ue, code="2.04", reason=cause)
        head = {"oriAddr": bodies.origin(Address("UE", ue))}
        return Answer("2.04", head | {"result": False, "cause": cause})

    def _segments(self, peer, body, now):
        """They name no originator: whose segments they are about is known here where those went this way."""
        ues = self._core.ues(peer, now)
        if not any(self._store.way(ue, now) for ue in ues):
            raise Refusal("4.01", "not registered")
        ue = self._ways.receives(body)
        if ue is not None and ue not in ues:
            raise Refusal("4.03", "segments of this segId went to another UE")

    # ---- groups ------------------------------------------------------------------------------------------------------

    def _groups(self, peer, request, now):
        """They name who asks in the query or in the path; the server reads that as this does."""
        ue = asks(request.path, query_of(request.query))
        if ue is None:
            raise Malformed("member-id", "missing: behind a gateway the query says which UE asks")
        self._core.speaks_for(peer, ue, now)

    # ---- configuration -----------------------------------------------------------------------------------------------

    def _configuration(self, peer, request):
        """A UE ID must be named, and be that of the device: the server would take it for the gateway's."""
        wanted = ueconfig.read(request)
        if wanted.bulk is not None:
            raise Refusal("4.03", "only a gateway asks for many at once")
        self._core.configures(peer, wanted.ue_id)
