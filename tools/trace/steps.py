# SPDX-License-Identifier: MIT
"""From what was said to the steps of a picture: what was sent again is one step with a count, and so are the segments
of a message, with the answers to them."""

from dataclasses import dataclass, field

from tools.wire.outside import FIRST, LAST
from tools.wire.segments import MAX_SEGMENTS
from tools.words import counted

DEVICE, GATEWAY, SERVER, AS, RECIPIENT = "device", "gateway", "server", "as", "recipient"
ORDER = (DEVICE, GATEWAY, SERVER, AS, RECIPIENT)  # from left to right
NAMES = {
    DEVICE: "Device",
    GATEWAY: "Gateway",
    SERVER: "Server",
    AS: "Application Server",
    RECIPIENT: "Device (recipient)",
}
_AT_ONCE = 0.005  # s
# Where two devices have to do with a message: what its sender says, and what its recipient is told
_OF_SENDER, _FOR_RECIPIENT = ("MSG", "MSGUPD"), ("MSG", "PUSH")
_SAME = 247  # s, EXCHANGE_LIFETIME of RFC 7252: until then the same message ID is the same message
BAD = ("failed", "refused", "expired", "unreachable", "incomplete", "quarantined")
_SILENCE = ("time-out", "refused")  # ends of a request that nothing came for, or nothing that verifies
_IMPLIED = ("stopped", "registering", "queued", "sent")  # states that an arrow says as well


@dataclass
class Said:
    """One message. `who` and `to` are of ORDER, a device perhaps with its address: "device 10.0.0.1:40000"."""

    seconds: float | None
    who: str
    to: str
    text: str = ""  # all of it, in one line
    kind: str = ""  # one word for it, that is counted
    type: str = ""  # of CoAP: CON, NON, ACK, RST; "" of what is none
    code: str = ""  # "POST", "2.04", "empty"
    mid: int = 0
    token: str = ""  # in hex
    what: str = ""  # the kind of TS 24.538
    message_id: str = ""  # its beginning
    part: int = 0  # of so many segments, from 1
    parts: int = 0
    more: str = ""  # from whom, to whom
    again: int = 0  # how often the same was sent before, as far as that is known

    @property
    def way(self):
        """For people."""
        return " > ".join(filter(None, (self.who.removeprefix("device "), self.to.removeprefix("device "))))

    @property
    def is_request(self):
        return bool(self.code) and not self.code[0].isdigit() and self.code != "empty"


@dataclass
class Noted:
    """What a device noted of itself: the state of a message or of its registration, or a counter; with `ended` how a
    request of this message ID ended."""

    seconds: float | None
    who: str
    what: str
    state: str = ""
    detail: str = ""
    ended: int | None = None


@dataclass
class Step:
    """One row of a picture: the members that a step of the page's API has. `to` is None for what happens at `who`
    alone."""

    time: float | None
    who: str
    to: str | None
    what: str
    state: str = ""
    detail: str = ""
    count: int = 1
    segments: tuple | None = None  # (n, m): so many of m, None where nobody knows yet how many there are
    bad: bool = False
    said: Said | None = None
    numbers: set = field(default_factory=set)
    again: set = field(default_factory=set)  # segments that were sent more than once
    silent: set = field(default_factory=set)  # segments that nothing came back for


def of_life(life):
    """The steps of what GET /api/messages/FROM/MSGID answers. Raises ValueError for anything else."""
    try:
        found = [_of_step(each) for each in life["steps"]]
    except (ArithmeticError, AttributeError, KeyError, TypeError):
        raise ValueError("no steps of a message") from None
    ends = {(step.who == DEVICE, step.to == DEVICE) for step in found if step.what in _FOR_RECIPIENT}
    if {(True, False), (False, True)} <= ends:  # from a device to a device
        for step in found:
            if step.who == DEVICE and step.what not in _OF_SENDER:
                step.who = RECIPIENT
            if step.to == DEVICE and step.what in _FOR_RECIPIENT:
                step.to = RECIPIENT
    return found


def _of_step(each):
    to = None if each.get("to") in (None, each["who"]) else _end(each["to"])
    state, detail = str(each.get("state") or ""), printable(str(each.get("detail") or ""))
    time = each.get("time")
    if time is not None and not FIRST <= time <= LAST:
        raise ValueError("a time that no calendar has")
    step = Step(
        time,
        _end(each["who"]),
        to,
        printable(str(each["what"])),
        state,
        detail,
    )
    step.count = int(each.get("count") or 1)
    step.bad = state in BAD
    if each.get("segments"):
        done, total = int(each["segments"]["done"]), each["segments"]["of"]
        share = counted(done, "segment")
        if total is not None:
            total = int(total)
            share = f"{done} of {counted(total, 'segment')}"
        if not 0 <= done <= MAX_SEGMENTS or total is not None and not 1 <= total <= MAX_SEGMENTS:
            raise ValueError("segments that no message has")
        step.segments = done, total
        step.detail = ", ".join(filter(None, (share, detail)))
    return step


def _end(name):
    if name not in ORDER:
        raise KeyError(name)
    return name


def printable(text):
    """With "?" for each character that a terminal could obey."""
    return "".join(character if character.isprintable() else "?" for character in text)


def steps(said):
    """The steps of what was said and noted, oldest first."""
    once = _once(said)
    answered, in_vain = _answered(once), _in_vain(once)
    rows, parts = [], set()  # the second: (who, to, token or message ID) of answers to segments
    for each, count in once:
        if isinstance(each, Noted):
            row = _noted(each)
            if row is not None:
                rows.insert(_place(rows, row), row)
        elif each.is_request or not each.type:
            awaited = each.type == "CON" or (each.who, each.mid) in in_vain
            silent = awaited and not answered & {(each.who, each.mid), (each.who, each.token)}
            if each.parts:
                parts |= {(each.to, each.who, each.token), (each.to, each.who, each.mid)}
            if not _in_group(rows, each, count, silent):
                rows.append(_request(each, count, silent))
        elif not _is_good(each) or (each.who, each.to, each.token or each.mid) not in parts:
            rows.append(_response(each, count))
    return rows


def _place(rows, row):
    """Where what a device noted belongs: behind the answer that it follows from. What the device asks because of it, it
    has asked before it notes it."""
    at = len(rows)
    while at and _asks(rows[at - 1], row.who) and _at_once(rows[at - 1], row):
        at -= 1
    answered = at and rows[at - 1].to == row.who and _at_once(rows[at - 1], row)
    return at if answered else len(rows)


def _asks(row, who):
    return row.who == who and row.said is not None and row.said.is_request


def _at_once(earlier, later):
    return None not in (earlier.time, later.time) and later.time - earlier.time <= _AT_ONCE


def _once(said):
    """[what was said, how often], each at its first time."""
    found, known = [], {}
    for each in said:
        entry = None
        if isinstance(each, Said) and each.type:
            key = each.who, each.to, each.type, each.code, each.mid, each.token
            entry = known.get(key)
            if entry is not None and (each.seconds or 0) - (entry[0].seconds or 0) < _SAME:
                entry[1] = max(entry[1], each.again) + 1
                continue
            known[key] = entry = [each, each.again + 1]
        found.append(entry or [each, 1])
    return found


def _answered(once):
    """(who asked, message ID) and (who asked, token) of the requests that something came back for."""
    found = set()
    for each, _ in once:
        if isinstance(each, Noted):
            if each.ended is not None and each.what not in _SILENCE:
                found.add((each.who, each.ended))
        elif each.type in ("ACK", "RST"):
            found.add((each.to, each.mid))
        elif each.type and not each.is_request:
            found.add((each.to, each.token))
    return found


def _in_vain(once):
    """(who asked, message ID) of the requests that a device says it waited for in vain: of one that is not confirmable
    nothing else tells that it wanted an answer."""
    return {(each.who, each.ended) for each, _ in once if isinstance(each, Noted) and each.what in _SILENCE}


def _request(said, count, silent):
    detail = " ".join(filter(None, (said.message_id, said.more)))
    row = Step(
        said.seconds, said.who, said.to, said.what or said.code or said.kind, "", detail, count, said=said
    )
    row.bad = silent
    if said.parts:
        row.numbers = set()
        _add(row, said, count, silent)
    elif silent:
        row.detail = (detail + ", no answer").lstrip(", ")
    return row


def _in_group(rows, said, count, silent):
    """Whether this is one more segment of the message whose segments the last request was; then it is in that row."""
    if not said.parts:
        return False
    for row in reversed(rows):
        if row.to is not None and row.said is not None and row.said.is_request:
            first = row.said
            same = (first.who, first.to, first.message_id, first.parts)
            if row.segments and same == (said.who, said.to, said.message_id, said.parts):
                _add(row, said, count, silent)
                return True
            return False
    return False


def _add(row, said, count, silent):
    if count > 1 or said.part in row.numbers:
        row.again.add(said.part)
    row.numbers.add(said.part)
    if silent:
        row.silent.add(said.part)
    else:
        row.silent.discard(said.part)  # as another request it was answered
    row.bad = bool(row.silent)
    row.segments = (len(row.numbers), said.parts)
    parts = [f"segment{'s' * (len(row.numbers) > 1)} {ranges(row.numbers)} of {said.parts}"]
    if row.again:
        parts.append(f"{len(row.again)} of them sent again")
    if row.silent:
        parts.append(f"no answer to {ranges(row.silent)}")
    row.detail = " ".join(filter(None, (said.message_id, said.more))) + ": " + ", ".join(parts)


def _is_good(said):
    return said.code[:2] == "2." or said.code == "empty" and said.type == "ACK"


def spans(numbers):
    """[first, last] of each row of numbers without a gap."""
    found = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


def ranges(numbers):
    """{1, 2, 3, 5} as "1-3, 5"."""
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in spans(numbers))


def _response(said, count):
    what = said.code
    if said.type == "RST":
        what = "Reset"
    elif said.code == "empty":
        what = "acknowledged" if said.type == "ACK" else "ping"
    row = Step(said.seconds, said.who, said.to, what, "", said.more, count, said=said)
    row.bad = said.type == "RST" or said.code[:2] in ("4.", "5.")
    return row


def _noted(noted):
    if noted.ended is not None:
        if noted.what[:1].isdigit() or noted.what == "reset":
            return None  # what came back is a step of its own
        return Step(noted.seconds, noted.who, None, noted.what, "failed", noted.detail, bad=True)
    if noted.state in _IMPLIED:
        return None
    row = Step(noted.seconds, noted.who, None, noted.what, noted.state, noted.detail)
    row.bad = noted.state in BAD
    return row
