# SPDX-License-Identifier: MIT
"""What a device says and hears, kept as numbers in a ring until somebody asks: `console.trace(True)`, docs/tracing.md.

A client is followed from outside, by calls of its core and its link that pass through here while it is traced. So what
is not traced costs nothing, and none of this is loaded.
"""

import gc
import struct

from coap import numbers
from coap.compat import const, printable, ticks_diff, unload
from coap.message import MessageError, decode

from . import health

_TYPING = const(False)
if _TYPING:
    from collections.abc import Iterator
    from typing import Any

    from .client import RunningClient

_EVENTS = const(256)  # that the ring holds
# tick, kind, three octets, two numbers of 16 bits, one of 32; then a token, or the beginning of a message ID
_FORM = const("<IBBBBHHI")
_TOKEN = const(16)  # where that is
_SIZE = const(24)
_WORDS = const(32)  # in a list of them
_CAUSES = const(16)  # of the last failures
_LONGEST = const(80)  # characters of one
# Kinds of event
_SENT = const(0)  # a datagram, the same that came in next
_HEARD = const(1)
_ASKED = const(2)  # what a request of ours says
_SERVED = const(3)  # what one of the peer's says, and how it was answered
_ENDED = const(4)  # a request of ours
_STATE = const(5)
_COUNT = const(6)
_L3 = const(0xFF)  # in the place of a type of CoAP
_NOT_COAP = const(0xFE)
_ENDS = ("", "request", "", "reset", "time-out", "incomplete", "refused")  # by coap.exchange
_LINK = const("_link")
_TYPES = ("CON", "NON", "ACK", "RST")
_WATCHED = (  # counters that tell of something refused or lost
    ("journal", ("failed",)),
    ("endpoint", ("refused", "malformed", "failed", "dropped", "unmatched")),
    ("core", ("refused", "malformed", "starved", "reports_refused", "vanished", "unexpected")),
)


class Trace:
    """The ring, and the client that it follows."""

    def __init__(self) -> None:
        self.count = 0  # events since the beginning
        self.missed = 0  # for want of memory
        self._ring = bytearray(_EVENTS * _SIZE)
        # What is named by a number: states and what we ask; what the peer says, which must take no place of those
        self._words: list = []
        self._theirs: list = []
        self._causes: list = []
        self._caused = 0
        self._core: "Any" = None
        self._followed: list = []
        self._who = "nobody"
        self._l3 = False
        self._began = health.now()
        self._clock = health.clock()

    # --- following a client -------------------------------------------------------------------------

    def follow(self, client: "RunningClient") -> None:
        """Note what this client does from now on, in place of the one before."""
        self.leave()
        core, link = client.core, getattr(client, _LINK)
        config = core.config
        self._who = "%s at %s" % (config.ue_service_id or config.ue_id, config.peer)
        self._core = core
        self._l3 = core.endpoint is None
        self._counted = self._counters()
        self._received = 0  # the order of the last message in the inbox that was noted
        for message in core.inbox:
            self._received = message.order
        for holder, name, after, before in (
            (link, "send", self._sending, None),
            (core, "receive", self._look, self._receiving),
            (core, "poll", self._look, None),
            (core, "next_event", self._telling, None),
            (core.endpoint, "request", self._asking, None),
            (core, "serve", self._serving, None),
            (core, "_handle", self._handling, None),
        ):
            if hasattr(holder, name):  # no role, and no wire, has all of them
                traced = self._through(getattr(holder, name), after, before)
                self._followed.append((holder, name))
                setattr(holder, name, traced)

    def leave(self) -> None:
        """Follow the client no more."""
        while self._followed:
            try:
                delattr(*self._followed.pop())
            except AttributeError:
                pass  # there was no memory to set it
        self._core = None

    def _through(self, call, after, before=None):
        """Return what does as `call`. `before(arguments)` and `after(arguments, result)` are called around it, and that
        they fail is counted: a device that is traced does what it does otherwise."""

        def traced(*arguments, **options):
            if before is not None:
                try:
                    before(arguments)
                except Exception:
                    self.missed += 1
            result = call(*arguments, **options)
            try:  # here, since what was called has had its effect: nothing may want memory before its result is given
                after(arguments, result)
            except Exception:
                self.missed += 1
            return result

        return traced

    def _sending(self, arguments, taken):
        if taken:
            self._datagram(_SENT, arguments[0])

    def _receiving(self, arguments):
        self._datagram(_HEARD, arguments[0])

    def _telling(self, _, event):
        if event is None:
            return
        kind, subject = event
        core = self._core
        if kind == 1:
            self._state("registration", core.registration.state, core.registration.cause)
        elif kind == 2:
            self._state("message", subject.state, subject.cause, subject.message_id)
        elif kind == 3:  # one event for all that came together
            for message in core.inbox:
                if message.order > self._received:
                    self._received = message.order
                    self._state("message", "received", None, message.message_id)
        elif kind == 6:
            self._state("message", "incomplete", subject[2], subject[1])

    def _asking(self, arguments, exchange):
        self._body(_ASKED, arguments[0], exchange.mid, 0)

    def _serving(self, arguments, response):
        message = arguments[0]
        self._body(_SERVED, message, message.mid, response.code)

    def _handling(self, arguments, _):
        kind, exchange, message = arguments[0]
        if 2 <= kind <= 6:
            code = message.code if kind == 2 and message is not None else 0
            self._put(_ENDED, kind, code, 0, exchange.mid)

    # --- events ---------------------------------------------------------------------------------------

    def _put(self, kind, a=0, b=0, c=0, first=0, second=0, third=0, token=b""):
        at = self.count % _EVENTS * _SIZE
        tick = self._tick()
        struct.pack_into(_FORM, self._ring, at, tick, kind, a, b, c, first & 0xFFFF, second & 0xFFFF, third)
        at += _TOKEN
        for place in range(8):
            self._ring[at + place] = token[place] if place < len(token) else 0
        self.count += 1

    def _tick(self):
        """Return ms since the beginning."""
        return ticks_diff(health.now(), self._began) & 0x1FFFFFFF

    def _datagram(self, kind, octets):
        if self._l3:
            head, size = octets, len(octets)
            if isinstance(octets, list):  # in parts
                head, size = octets[0], sum([len(part) for part in octets])
            elif hasattr(octets, "read"):  # in a file
                head = octets.read(0, 1)
            self._put(kind, _L3, head[0] if len(head) else 0, third=size)
        else:
            try:
                message = decode(octets)
            except MessageError:
                self._put(kind, _NOT_COAP, third=len(octets))
                return
            blocks, which = 0, 0
            for number, value in message.options:
                if number == 27 or number == 23:  # Block1, Block2 of RFC 7959
                    blocks, which = int.from_bytes(value, "big") & 0xFFFFFF, 1 if number == 27 else 2
            token = message.token
            length = len(token) << 2 | which
            self._put(kind, message.type, message.code, length, message.mid, len(octets), blocks, token)

    def _body(self, kind, message, mid, code):
        if kind == _ASKED and not len(message.payload):
            return  # a ping
        octets = bytes(message.payload) if not hasattr(message.payload, "read") else b""
        word = self._word(_text(octets, b'"msgType"', 24), self._words if kind == _ASKED else self._theirs)
        part, parts = _number(octets, b'"segNumb"'), _number(octets, b'"totalSegCount"')
        begins = _beginning(_text(octets, b'"msgId"', 8))
        self._put(kind, word, code, len(begins), part, parts, mid, begins)

    def _state(self, of, state, cause, message_id=""):
        number = 0
        if cause:
            self._causes.append(str(cause)[:_LONGEST])
            if len(self._causes) > _CAUSES:
                self._causes.pop(0)
            self._caused += 1
            number = self._caused
        of, state = self._word(of, self._words), self._word(state, self._words)
        self._put(_STATE, of, state, third=number, token=_beginning(message_id))

    def _counters(self):
        core = self._core
        holders = core.endpoint and core.endpoint.stats, core.stats
        found = [core.journal.failed]
        for (_, names), stats in zip(_WATCHED[1:], holders):
            for name in names:
                found.append(stats.get(name, 0) if stats else 0)
        return found

    def _look(self, *_):
        """Note counters that changed."""
        counted = self._counters()
        if counted != self._counted:
            for place, value in enumerate(counted):
                if value != self._counted[place]:
                    self._put(_COUNT, place, 0, 0, 0, 0, value)
            self._counted = counted

    def _word(self, word, words):
        if word not in words:
            if len(words) == _WORDS:
                return 0xFF
            words.append(word)
        return words.index(word)

    # --- telling --------------------------------------------------------------------------------------

    def lines(self) -> "Iterator[str]":
        """Yield the head, and a line for each event of the ring, oldest first."""
        lost = max(0, self.count - _EVENTS)
        head = "msgin5g trace: %s, events %d, older lost %d, missed %d"
        head %= self._who, self.count - lost, lost, self.missed
        if self._clock is not None:
            head += ", begun at %d" % self._clock
        yield printable(head)
        gone = 0
        for number in range(lost, self.count):
            at = number % _EVENTS * _SIZE
            octets = self._ring[at : at + _SIZE]
            # A board's console goes on with the client while this is printed, so its place may be another's by now.
            if self.count - number > _EVENTS:
                gone += 1
                continue
            event = struct.unpack_from(_FORM, octets)
            yield printable(_timed(event[0], self._said(event, octets[_TOKEN:], number)))
        if gone:
            yield _timed(self._tick(), ". trace overwritten %d" % gone)

    def _said(self, event, token, number):
        _, kind, a, b, c, first, second, third = event
        if kind == _SENT or kind == _HEARD:
            return ("> " if kind == _SENT else "< ") + self._datagram_text(event, token, number)
        if kind == _ASKED or kind == _SERVED:
            parts = " %d/%s" % (first, second or "?") if first else ""
            said = _named(a, self._words if kind == _ASKED else self._theirs)
            text = "%s %s%s mid %04x" % (said, _hex(token[:c]) or "-", parts, third)
            return "> " + text if kind == _ASKED else "< %s answered %s" % (text, numbers.code_text(b))
        if kind == _ENDED:
            return "= %s mid %04x" % (numbers.code_text(b) if a == 2 else _ENDS[a], first)
        if kind == _COUNT:
            return ". %s %d" % (_counter(a), third)
        of = _named(a, self._words)
        if of == "message":
            of += " " + _hex(token[:4])
        cause = ""
        if third:
            place = third - 1 - self._caused + len(self._causes)
            cause = ": " + self._causes[place] if place >= 0 else ": ?"
        return ". %s %s%s" % (of, _named(b, self._words), cause)

    def _datagram_text(self, event, token, number):
        _, kind, type, code, c, mid, size, blocks = event
        if type == _L3:
            return "L3 %02x octets %d" % (code, blocks)
        if type == _NOT_COAP:
            return "not CoAP octets %d" % blocks
        text = "%s %s mid %04x token %s octets %d" % (
            _TYPES[type],
            numbers.code_text(code),
            mid,
            _hex(token[: c >> 2]) or "-",
            size,
        )
        if c & 3:
            more = "more" if blocks & 8 else "last"
            text += " block%d %d %s %d" % (c & 3, blocks >> 4, more, 16 << (blocks & 7))
        again = self._earlier(number)
        return text + " again %d" % again if again else text

    def _earlier(self, number):
        """Return how often the same message went the same way before, as far as the ring has it."""
        again = 0
        ring = self._ring
        at = number % _EVENTS * _SIZE
        for each in range(max(0, self.count - _EVENTS), number):
            other = each % _EVENTS * _SIZE
            # message ID, then kind, type and code
            if ring[other + 8] == ring[at + 8] and ring[other + 9] == ring[at + 9]:
                again += ring[other + 4 : other + 8] == ring[at + 4 : at + 8]
        return again


def _timed(tick, text):
    return "%6d.%03d %s" % (tick // 1000, tick % 1000, text)


def _named(place, words):
    return words[place] if place < len(words) else "?"


def _value(octets, name, most):
    """Return up to so many octets of the value of this member of JSON, none where it is missing."""
    at = octets.find(name)
    if at < 0:
        return b""
    at += len(name)
    while octets[at : at + 1] in (b":", b" ", b"\t", b"\n", b"\r"):
        at += 1
    return octets[at : at + most]


def _text(octets, name, most):
    """Return the beginning of a text in JSON, or ""."""
    value = _value(octets, name, most + 1)
    try:
        return str(value[1:].split(b'"')[0], "utf-8") if value[:1] == b'"' else ""
    except ValueError:
        return ""


def _number(octets, name):
    number = 0
    for octet in _value(octets, name, 6):
        if not 0x30 <= octet <= 0x39:
            break
        number = number * 10 + octet - 0x30
    return number


def _beginning(message_id):
    """Return the first four octets of a message ID."""
    try:
        return bytes([int(message_id[at : at + 2], 16) for at in (0, 2, 4, 6)])
    except ValueError:
        return b""


def _hex(octets):
    return "".join(["%02x" % octet for octet in octets])


def _counter(place):
    for holder, names in _WATCHED:
        if place < len(names):
            return holder + " " + names[place]
        place -= len(names)


trace: "Trace | None" = None  # the one that is kept


def begin(client: "RunningClient | None" = None) -> None:
    """Keep a trace from now on: of this client, or of the next one that the console starts. Raise MemoryError; then
    none is kept."""
    global trace
    try:
        if trace is None:
            gc.collect()  # its ring is one piece
            trace = Trace()
        if client is not None:
            trace.follow(client)
    except MemoryError:
        end()
        raise


def end() -> None:
    """Give it up, with all that it has, and be unloaded."""
    global trace
    if trace is not None:
        trace.leave()
        trace = None
    unload("device.tracing")
