# SPDX-License-Identifier: MIT
"""What an Application Server has to do with: messages that came, messages that it sent, reports on them."""

import asyncio
import contextlib
import time
from typing import NamedTuple

from tools.wire import payload


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


class Report(NamedTuple):
    """What became of a message of ours at `sender`: delivered, or not, and why as far as it is said."""

    sender: str
    message_id: str
    delivered: bool
    cause: str = ""

    @classmethod
    def of(cls, body):
        """From a DeliveryStatusReport. Raises KeyError, TypeError or ValueError where it is none."""
        success = _text(body["delivSt"]) == "REPT_DELY_SUCCESS"
        cause = body.get("failureCause")
        cause = "" if cause is None else _text(cause)
        return cls(_text(body["oriAddr"]["addr"]), _text(body["msgId"]), success, cause)


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
    if payload.is_octets(value):
        with contextlib.suppress(ValueError):
            return payload.to_octets(value)
    return value
