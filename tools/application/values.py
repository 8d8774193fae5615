# SPDX-License-Identifier: MIT
"""What an Application Server has to do with: messages that came, messages that it sent, reports on them."""

import asyncio
import contextlib
import time
from typing import NamedTuple

from tools.wire import payload as payloads
from tools.wire.outside import utf8


class Message:
    """A whole message. `sender` and `to` are service IDs, `sender_type` and `to_type` one of UE, AS, GROUP, TOPIC, BC;
    `payload` is text (str) or octets (bytes); `message_id` and `application_id` as they came, the second may be None;
    `wants_report`: its sender waits for a report on it; `time`: when it came, s since 1970."""

    def __init__(self, body, report=None):
        """`body` is a UEMessageDelivery. Raises KeyError, TypeError or ValueError where it is none."""
        origin, target = body["oriAddr"], body["destAddr"]
        self.sender, self.sender_type = _text(origin["addr"]), _text(origin["addrType"])
        self.to, self.to_type = _text(target["addr"]), _text(target["addrType"])
        self.message_id = _text(body["msgId"])
        self.application_id = body.get("appId")
        self.wants_report = body.get("delivStReqInd") is True
        value = body.get("payload")
        self.payload = "" if value is None else _content(_text(value))
        self.time = time.time()
        self._report = report

    async def report(self, delivered=True, cause=""):
        """Tells its sender what became of it; for who said `reports=False`. Raises ServerError."""
        await self._report(self, delivered, cause)


def message_body(origin, target, message_id, payload, store, report):
    """An ASMessageDelivery or UEMessageDelivery from one Address to another: `payload` is text or octets. Raises
    TypeError for anything else, ValueError for a text that UTF-8 does not have."""
    octets = isinstance(payload, (bytes, bytearray, memoryview))
    if not octets and not isinstance(payload, str):
        raise TypeError("a payload is text or octets, not %s: make one of it" % type(payload).__name__)
    if not octets and utf8(payload) is None:
        raise ValueError("the payload is no text: it holds half a surrogate pair. Send it as octets")
    return {
        "oriAddr": origin,
        "destAddr": target,
        "msgId": message_id,
        "stoAndFwInd": store,
        "delivStReqInd": report,
        "payload": payloads.from_octets(bytes(payload)) if octets else payloads.from_text(payload),
    }


class Report(NamedTuple):
    """What became of a message at `sender`: delivered, or not, and why as far as it is said. `to`: whose message it
    was."""

    sender: str
    message_id: str
    delivered: bool
    cause: str = ""
    to: str = ""

    @classmethod
    def of(cls, body):
        """From a DeliveryStatusReport. Raises KeyError, TypeError or ValueError where it is none."""
        success = _text(body["delivSt"]) == "REPT_DELY_SUCCESS"
        cause = body.get("failureCause")
        cause = "" if cause is None else _text(cause)
        sender, to = (_text(body[name]["addr"]) for name in ("oriAddr", "destAddr"))
        return cls(sender, _text(body["msgId"]), success, cause, to)

    def body(self, sender_type, to_type):
        """The DeliveryStatusReport."""
        return {
            "oriAddr": {"addrType": sender_type, "addr": self.sender},
            "destAddr": {"addrType": to_type, "addr": self.to},
            "msgId": self.message_id,
            "delivSt": "REPT_DELY_SUCCESS" if self.delivered else "REPT_DELY_FAILED",
            **({"failureCause": self.cause} if self.cause else {}),
        }


class Sent:
    """A message that the server took. `stored`: its recipient is away, and gets it when it comes."""

    def __init__(self, message_id, stored):
        self.message_id = message_id
        self.stored = stored
        self._came = asyncio.Queue()

    def hear(self, report):
        """A Report on it came."""
        self._came.put_nowait(report)

    async def report(self, seconds=None):
        """The next Report on it: a message to a group or a topic has one of each member. Raises TimeoutError after so
        many seconds, None for never. A message that was sent without report=True has none."""
        async with asyncio.timeout(seconds):
            return await self._came.get()


def _text(value):
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _content(value):
    if payloads.is_octets(value):
        with contextlib.suppress(ValueError):
            return payloads.to_octets(value)
    return value
