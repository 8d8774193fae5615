# SPDX-License-Identifier: MIT
"""Legacy 3GPP and Non-3GPP UEs: what is for them goes to the Message Gateway that they are behind, over MSGin5G-2 and
MSGin5G-4 (TS 24.538 clause 6.4.1.2.6; MSGG_L3GDelivery and MSGG_N3GDelivery of TS 29.538).

What they send comes in as that of Application Servers does (`server.appservers`).
"""

from types import MappingProxyType

from tools.server.elsewhere import Way, home_domain
from tools.server.procedures.procedure import Procedure
from tools.wire import rest
from tools.wire.bodies import Address

_PATHS = {
    kind: MappingProxyType({"MSG": base + "/deliver-message", "IMDN": base + "/deliver-report"})
    for kind, base in (("L3G", "/msgg-l3gdelivery/v1"), ("N3G", "/msgg-n3gdelivery/v1"))
}


class MessageGateways(Procedure):
    def __init__(self, core):
        super().__init__(core)
        core.elsewhere.finders.append(self._way)

    def _way(self, ue):
        gateway = self._store.message_gateway_of(ue, home_domain(ue))
        if gateway is None:
            return None
        return Way(Address(gateway.kind, gateway.id), gateway.uri, _PATHS[gateway.kind], rest.gateway_message)
