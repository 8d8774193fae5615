# SPDX-License-Identifier: MIT
"""What the Gateway UE asks the server on its own account."""

from dataclasses import dataclass

from tools.wire.answers import Request
from tools.wire.identity import Peer


@dataclass(frozen=True)
class Ask:
    """One request to the server. Its answer comes to `GatewayFunction.asked`, exactly once.

    `peers`: whom each element of a bulk request came from, in the order of its list; of a request for one device, that
    one. A server in the same process takes each element as its own device's.
    """

    id: int
    request: Request
    peers: tuple[Peer, ...] = ()
