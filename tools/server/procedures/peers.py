# SPDX-License-Identifier: MIT
"""Other MSGin5G Servers: what is for a UE or an Application Server of another home domain goes to the server of that
domain (TS 24.538 clause 6.4.1.2.1, TS 23.554 clause 8.7.5: MSGin5G-8).

TS 29.538 has no message between servers: a proposal is what it has for what a server takes, MSGS_MSGDelivery, with
`oriDestAddr` of MSGin5G-1 beside it where the message is one copy of many. It comes in as from everybody
(`server.appservers`), and is believed for originators of the peer's domain only. What came from one server goes to no
other one, so nothing goes in a circle.
"""

from types import MappingProxyType

from tools.server.delivery.pushes import DONE, LATER, REFUSED
from tools.server.elsewhere import Way, home_domain
from tools.server.procedures.procedure import Procedure
from tools.store.server.peertables import SERVER
from tools.wire import rest
from tools.wire.bodies import Address

_BASE = "/msgs-msgdelivery/v1"
_PATHS = MappingProxyType(
    {
        "MSG": _BASE + "/deliver-ue-message",
        "MSG AS": _BASE + "/deliver-as-message",
        "IMDN": _BASE + "/deliver-report",
    }
)


def way_to(peer):
    """The Way to a PeerServer, and to all in its domain."""

    def meaning(outcome):
        status = (outcome.said or {}).get("status")
        if outcome.verdict == DONE and status == "DELY_FAILED":
            cause = outcome.said.get("failureCause")
            return outcome._replace(
                verdict=REFUSED, detail=cause if isinstance(cause, str) else "failed there"
            )
        if outcome.verdict == DONE and status == "DELY_STORED":
            return outcome._replace(stored=True)
        unknown = outcome.says("401") or outcome.says("403") and peer.token is None
        if outcome.verdict == REFUSED and unknown:  # until somebody says what our token is
            return outcome._replace(verdict=LATER)
        return outcome

    return Way(Address(SERVER, peer.domain), peer.uri, _PATHS, rest.peer_message, meaning, token=peer.token)


class Peers(Procedure):
    def __init__(self, core):
        super().__init__(core)
        core.elsewhere.finders.append(self._way)
        core.elsewhere.targets |= {"AS": self._way, SERVER: self._way_of_domain}

    def _way(self, service_id):
        return self._way_of_domain(home_domain(service_id))

    def _way_of_domain(self, domain):
        peer = self._store.peer(domain) if domain else None
        return peer and way_to(peer)
