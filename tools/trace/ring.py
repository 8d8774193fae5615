# SPDX-License-Identifier: MIT
"""What a device's `console.trace()` printed, read: docs/tracing.md has its form."""

import re

import aiocoap

from tools.trace.reader import L3_NAMES
from tools.trace.steps import DEVICE, GATEWAY, Noted, Said, printable

_HEAD = re.compile(
    r"msgin5g trace: .*, events [0-9]{1,9}, older lost ([0-9]{1,9}), missed ([0-9]{1,9})"
    r"(?:, begun at ([0-9]{1,12}))?\s*$"
)
_LINE = re.compile(r" *([0-9]{1,9})\.([0-9]{3}) ([<>=.]) (.*)")
_COAP = re.compile(
    r"(CON|NON|ACK|RST) ([0-7])\.([0-9]{2}) mid ([0-9a-f]{4}) token ([0-9a-f]+|-) octets ([0-9]{1,9})"
    r"( block[12] [0-9]{1,9} (?:more|last) [0-9]{1,9})?(?: again ([0-9]{1,9}))?"
)
_BODY = re.compile(
    r"(\S+) ([0-9a-f]{8}|-)(?: ([0-9]{1,9})/([0-9]{1,9}|\?))? mid ([0-9a-f]{4})(?: answered [0-9.]{4})?"
)
_END = re.compile(r"([a-z-]+|[0-7]\.[0-9]{2}) mid ([0-9a-f]{4})")
_L3 = re.compile(r"L3 ([0-9a-f]{2}) octets ([0-9]{1,9})")
_STATE = re.compile(r"(registration|message [0-9a-f]{8}) ([a-z-]+)(?:: (.*))?")
_COUNT = re.compile(r"([a-z]+ [a-z_]+) ([0-9]{1,9})")


def is_ring(text):
    """Whether some line is the first of what console.trace() prints."""
    return any(_HEAD.match(line) for line in text.splitlines())


def read(text):
    """(what was said and noted, a sentence on what is missing or ""), of the last trace in a text."""
    lines = [printable(line.rstrip()) for line in text.splitlines()]
    last = max(number for number, line in enumerate(lines) if _HEAD.match(line))
    head = _HEAD.match(lines[last])
    begun = float(head[3]) if head[3] else 0.0
    events = [match for match in map(_LINE.match, lines[last + 1 :]) if match]
    missing = f"older events that are lost: {head[1]}; not noted for want of memory: {head[2]}"
    return _Events(begun, events).read(), "" if head[1] == head[2] == "0" else missing


class _Events:
    def __init__(self, begun, events):
        self._begun = begun
        self._events = events
        self._bodies = {}  # (sign, message ID): what requests with it said, one after the other
        self._asked = {}  # message ID of a request of the device's: its token
        self._said = []

    def read(self):
        for _, _, sign, text in map(re.Match.groups, self._events):
            if sign in "<>" and not _COAP.fullmatch(text) and (body := _BODY.fullmatch(text)):
                self._bodies.setdefault((sign, body[5]), []).append(body)
        for seconds, milliseconds, sign, text in map(re.Match.groups, self._events):
            time = self._begun + int(seconds) + int(milliseconds) / 1000
            if sign in "<>":
                self._datagram(time, sign, text)
            elif sign == "=":
                self._end(time, text)
            else:
                self._note(time, text)
        return self._said

    def _datagram(self, time, sign, text):
        who, to = (DEVICE, GATEWAY) if sign == ">" else (GATEWAY, DEVICE)
        said = Said(time, who, to, text)
        coap = _COAP.fullmatch(text)
        if coap:
            said.type, said.mid, said.token = coap[1], int(coap[4], 16), coap[5].replace("-", "")
            number = int(coap[2]) << 5 | int(coap[3])
            said.code = said.kind = f"{coap[2]}.{coap[3]}"
            if number == 0:
                said.code = said.kind = "empty"
            elif number < 32:
                said.code = said.kind = aiocoap.Code(number).name
                self._request(said, sign, coap[4])
            said.more = (coap[7] or "").strip()
            said.again = int(coap[8] or 0)
        elif match := _L3.fullmatch(text):
            said.kind, said.what = "L3", L3_NAMES.get(int(match[1], 16), "L3")
        elif text.startswith("not CoAP"):
            said.kind = said.what = "not CoAP"
        else:
            return  # what a request says: it is with its datagram
        self._said.append(said)

    def _request(self, said, sign, mid):
        bodies = self._bodies.get((sign, mid))
        if bodies:
            body = bodies[0] if len(bodies) == 1 else bodies.pop(0)
            said.what = said.kind = body[1]
            said.message_id = body[2].replace("-", "")
            said.part, said.parts = int(body[3] or 0), int((body[4] or "0").replace("?", "0"))
        if sign == ">":
            self._asked[said.mid] = said.token

    def _end(self, time, text):
        match = _END.fullmatch(text)
        if not match:
            return
        mid = int(match[2], 16)
        if match[1][0].isdigit():  # within OSCORE, which says 2.04 or 2.05 outside
            token = self._asked.get(mid)
            for each in reversed(self._said):
                if (
                    isinstance(each, Said)
                    and each.to == DEVICE
                    and each.token == token
                    and not each.is_request
                ):
                    each.code = each.kind = match[1]
                    break
        self._said.append(Noted(time, DEVICE, match[1], ended=mid))

    def _note(self, time, text):
        if match := _STATE.fullmatch(text):
            subject = match[1].removeprefix("message ")
            cause = f": {match[3]}" if match[3] else ""
            if subject == "registration":
                self._said.append(Noted(time, DEVICE, match[2], match[2], match[3] or ""))
            else:
                self._said.append(Noted(time, DEVICE, match[2], match[2], subject + cause))
        elif match := _COUNT.fullmatch(text):
            bad = "failed" if match[1].startswith(("journal", "endpoint failed")) else "counted"
            self._said.append(Noted(time, DEVICE, text.replace("_", " "), bad))
