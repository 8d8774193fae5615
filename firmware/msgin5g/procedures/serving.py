# SPDX-License-Identifier: MIT
"""The part of a Client that answers requests of its peer, and has topics from which such requests come. Imported with
the first of them, by the client."""

import gc

from coap import numbers
from coap.compat import const
from coap.message import Message

from .. import procedures
from ..rules import refusals
from ..security import PATH
from ..wire import bodies
from ..wire.identifiers import BodyError
from ..wire.reading import late_value

_TYPING = const(False)
if _TYPING:
    from typing import Any

_STARVED = (MemoryError, RuntimeError)  # the second: a stack that is too deep


class Serving:
    """Methods of Client, whose attributes they use."""

    def serve(self, message, now):
        """Return the response to a request of the peer (docs/wire-profile.md, "Answers"), or to a notification."""
        try:
            if _is_for_keys(message, self.endpoint.security):
                return self.procedure("keys").serve(message)
            if self.config.ue_service_id is None:
                raise refusals.Refusal(numbers.NOT_FOUND, "this device has no UE Service ID yet")
            body = bodies.Body.read(message.payload, late_value)
            if body.text("msgIden") != self.config.service_identifier:
                raise BodyError("msgIden", "not " + self.config.service_identifier)
            kind = body.text("msgType").upper()
            position = procedures.place_of_type(kind)
            if position is None:
                raise BodyError("msgType", "unknown")
            if self.sources[position] is None:
                gc.collect()  # what stays does not come to lie amid garbage
            self._begun(position).receive(kind, body, now)
            return Message(numbers.CHANGED)
        except (BodyError, refusals.Refusal, OSError) + _STARVED as error:
            return refusals.response(error, self.stats)

    def subscribe(self: "Any", topic: str, now: int) -> object:
        """Subscribe to a Messaging Topic (str) and return its Subscription, which the storage keeps (clause 6.6.2.1).

        Raise ValueError for what can be no topic and for the ninth one, StorageError where it cannot be kept.
        """
        return self.call("topics", "subscribe", topic, now)

    def unsubscribe(self: "Any", topic: str, now: int) -> object:
        """End a subscription and return it (clause 6.6.2.2). Raise StorageError where that cannot be kept."""
        return self.call("topics", "unsubscribe", topic, now)


def _is_for_keys(message, security):
    """Return whether a request brings new keys, and no message. Raise Refusal for what is neither."""
    keys = False
    if numbers.is_request(message.code):
        path = [value for number, value in message.options if number == numbers.URI_PATH]
        keys = path == [b"keys"] and security is not None
        if not keys and path != [b"msgin5g"]:
            raise refusals.Refusal(numbers.NOT_FOUND, "only " + PATH)
        if message.code != numbers.POST:
            raise refusals.Refusal(numbers.METHOD_NOT_ALLOWED, "only POST")
    if message.uint(numbers.CONTENT_FORMAT, numbers.JSON) != numbers.JSON:
        raise refusals.Refusal(numbers.UNSUPPORTED_CONTENT_FORMAT, "only application/json (50)")
    return keys
