# SPDX-License-Identifier: MIT
"""A response that follows the response. Imported by who knows that a peer will send one.

CoAP has one response for a request. A peer that answers "it will take a while" first, and then sends a separate
response with the token of that request, is heard by `Later(endpoint, exchange, tag)`, made once the exchange has
ended: what comes is a NOTIFICATION event of it, to be answered with `accept`. Under OSCORE it has to have a Partial IV
of its own (RFC 8613 section 5.2), and is bound to the request as a notification is.
"""

from coap.compat import const
from coap.endpoint.options import unrecognized
from coap.exchange import NOTIFICATION
from coap.message import Message
from coap.numbers import ACK, CON

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from coap.endpoint import Endpoint
    from coap.endpoint.parameters import Exchange
    from contracts import Tick


class Later:
    """The token of a request that had its response, kept open until `forget`. `tag` belongs to the caller.
    The endpoint keeps it among its observations, whose interface it has."""

    deadline = None
    exchange = None

    def __init__(self, endpoint: "Endpoint", exchange: "Exchange", tag: object) -> None:
        self.peer = exchange.peer
        self.token = exchange.token
        self.tag = tag
        self._endpoint = endpoint
        self._bindings: "Any" = exchange.binding and (exchange.binding,)
        if not endpoint.observations:
            endpoint.observations = []
        endpoint.observations.append(self)

    def forget(self) -> None:
        """Close it: what comes with the token belongs to nothing from now on, and is answered with Reset."""
        if self in self._endpoint.observations:
            self._endpoint.observations.remove(self)

    def accept(self, message: Message, now: "Tick") -> None:
        """Take note that the response is dealt with: acknowledge it. That does not close: the first one may have come
        again."""
        if message.type == CON:
            self._endpoint.accept(message, self.peer, now)

    # --- what the endpoint calls ----------------------------------------------------------------------

    def on_notification(self, message: Message, now: "Tick") -> bool:
        """Take a response with this token. Return False where it is to be rejected."""
        if message.type == ACK:
            return False
        if self._bindings:
            plain, _ = self._endpoint.security.unprotect_notification(message, self._bindings, now)
            if plain is None:
                self._endpoint.stats["unmatched"] += 1
                return True  # it may be forged: the true one may still come
            message = plain
        if unrecognized(message, 0) is not None:  # among them the first block of several
            return False
        self._endpoint.emit((NOTIFICATION, self, message))
        return True

    def poll(self, endpoint, now):
        """Nothing is ever due."""
