# SPDX-License-Identifier: MIT
"""The device's own counters, told to its gateway now and then (docs/application.md, "Counters for the gateway"):
imported where the configuration has `counters`.

TS 24.538 has no message for that: it is a POST to a resource that gateways of this project have (docs/wire-profile.md).
Nobody waits for it. So it goes when nothing else has anything to say, gives way to a message, and wakes no device.
"""

import gc

from coap.compat import const, drop_half_modules, ticks_diff
from msgin5g.rules.requests import Source
from msgin5g.security import room
from msgin5g.timing import Countdown

from .health import log

_TYPING = const(False)
if _TYPING:
    from typing import Any

_BODY = const(512)  # octets of the body at most
_MEMBERS = const(40)
_LEFT_OUT = const(18)  # octets of that member at most
_PATIENCE = const(2000)  # ms for each second of `coap.ack_timeout` that an answer is waited for
_PROBE = const(1200000)  # ms at least behind one without an answer: as many octets go, at PROBING_RATE
_UNAUTHORIZED = const(129)  # of coap.numbers
_TOO_MANY = const(157)
_OPTIONS = ((11, b"counters"), (12, b"2"))  # Uri-Path; Content-Format 50: application/json
_TICKS = const((1 << 29) - 1)
_LIVE = const("_live")


class _Counters(Source):
    """A source of requests, behind all others. `client` has the `core` and the `stats` of a RunningClient."""

    # Its answers say nothing of the registration: a gateway of another make may answer 4.01 to what it does not know.
    registers = True

    def __init__(self, client: "Any") -> None:
        self._client = client
        self._core = client.core
        config = self._core.config
        self._interval = config.counters["interval"] * 1000
        self._patience = int(config.coap["ack_timeout"] * _PATIENCE)
        self._room = min(_BODY, room(config)) - _LEFT_OUT
        self._left = Countdown(0)
        self._grant = None  # of the registration, the last one that was looked at
        self._exchange: "Any" = None  # the request that is on the air
        self._until = 0  # the tick when that is given up
        self._refused = 0  # the code of 4.xx that ends it, until the gateway has registered the device
        self._skipped = 0  # intervals in which there was always something else to say, or no memory
        self._unanswered = 0

    def poll(self, now: int) -> None:
        core = self._core
        registration = core.registration
        registered = registration.registered
        # Of a device without OSCORE that has another address now, the gateway learns that from what names it: a REG.
        known = self._refused == _UNAUTHORIZED and registration.expires is not self._grant
        if known or not registered:
            self._refused = 0
        if self._left.advance(now) <= -self._interval:
            self._left = Countdown(0, now)
            self._skipped += registered and not self._refused
        if self._exchange is not None:
            if not core.idle or registration.stopping or ticks_diff(now, self._until) >= 0:
                silent = ticks_diff(now, self._until) >= 0
                core.cancel(self._exchange, now)
                self.unanswered(self, now, None, silent)

    def next_deadline(self, now: int) -> "int | None":
        # Of the next request there is none, which would wake the device: one that is awake polls each 5 seconds.
        return None if self._exchange is None else self._until

    def next(self, now: int) -> "tuple | None":
        core = self._core
        if self._refused or core.on_air or not core.idle or not self._is_due(now):
            return None
        self._left = Countdown(self._interval, now)
        try:
            return self, self._body(), core.config.coap["confirmable"] == "all"
        except (MemoryError, RuntimeError):  # the second: a stack that is too deep
            drop_half_modules()
            self._skipped += 1
            return None

    def ask(self, client: "Any", item: object, message: "Any", now: int) -> "Any":
        message.options = _OPTIONS
        return super().ask(client, item, message, now)

    def sent(self, item: object, exchange: "Any") -> None:
        self._exchange = exchange
        self._until = (self._core.now + self._patience) & _TICKS

    def answered(self, item: object, answer: "Any", now: int) -> None:
        self._exchange = None
        if answer.code >> 5 == 4 and answer.code != _TOO_MANY:
            self._refused = answer.code
            log("the gateway takes no counters: %d.%02d", answer.code >> 5, answer.code & 31)

    def unanswered(self, item: object, now: int, why: "str | None" = None, silent: bool = True) -> None:
        self._exchange = None
        self._unanswered += 1
        if silent and self._interval < _PROBE:
            self._left = Countdown(_PROBE, now)

    def unsendable(self, item: object, why: str, now: int) -> None:
        self._skipped += 1

    def _is_due(self, now):
        """Return whether it is time: up to a quarter of the interval sooner or later, where a refresh of the
        registration is near and it can go with that."""
        core = self._core
        registration = core.registration
        if not registration.registered or registration.stopping:
            return False
        if core.config.availability is not None and not core.procedure("availability").listens:
            return False
        left, near = self._left.left(now), self._interval // 4
        fresh = registration.expires is not self._grant
        self._grant = registration.expires
        if left > 0 or fresh:
            return fresh and left <= near
        refresh = registration.next_deadline(now)
        return refresh is None or ticks_diff(refresh, now) > near or left <= -near

    def _body(self):
        """Return the JSON of what is not 0: the shortest names first, as more of them have room."""
        stats = self._client.stats
        store = self._core.store
        stats["outbox"] = len(store.queue)
        stats["inbox"] = len(store.inbox)
        stats["counters_skipped"] = self._skipped
        stats["counters_unanswered"] = self._unanswered
        if hasattr(gc, "mem_free"):
            stats["heap_free"] = gc.mem_free()
        members = []
        octets = 1
        left_out = 0
        for name in sorted(stats, key=lambda name: (len(name), name)):
            value = stats[name]
            if isinstance(value, int) and value > 0:
                member = '"%s":%d' % (name, value)
                if octets + len(member) < self._room and len(members) < _MEMBERS - 1:
                    members.append(member)
                    octets += len(member) + 1
                else:
                    left_out += 1
        if left_out:
            members.append('"left_out":%d' % left_out)
        return ("{%s}" % ",".join(members)).encode()


def begin(client: "Any") -> None:
    """Have this running client tell its counters, from its next step on."""
    core = client.core
    for source in core.sources:
        if isinstance(source, _Counters):
            return  # its tasks begin anew
    core.sources.append(_Counters(client))
    setattr(core, _LIVE, None)  # those that are asked are gathered anew
