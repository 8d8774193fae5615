# SPDX-License-Identifier: MIT
"""JSON bodies, TS 24.538 clause 7.3: written in the order of its tables, read member by member.

Written strictly: members at their default are left out, nothing beyond what JSON must escape is escaped.
Read kindly: misspelt values, names with spaces, strings for booleans and numbers (docs/wire-profile.md).
"""

from coap import numbers
from coap.compat import json_octets, json_value, printable

from .identifiers import PRIORITIES, quoted, service_id_error
from .payload import BodyError

DESTINATIONS = ("UE", "AS", "GROUP", "BC", "TOPIC")
SUCCESS = "success"
FAILURE = "failure"
STORED = "stored for deferred delivery"


def write(*members):
    """Return the JSON object of the (name, value) pairs in their order; a value of None leaves its member out,
    a tuple of pairs is an object of its own, octets are JSON already."""
    data = bytearray()
    _write(data, members)
    return data


def _write(data, members):
    mark = b'{"'
    for name, value in members:
        if value is None:
            continue
        data += mark
        mark = b',"'
        data += name.encode()
        data += b'":'
        if isinstance(value, str):
            data += _string(value)
        elif isinstance(value, tuple):
            _write(data, value)
        elif isinstance(value, bytes):
            data += value
        else:
            data += json_octets(value)
    data += b"}"


def _string(text):
    """Return a str as a JSON string. A short one mostly has nothing to escape, and to see that takes less than to let
    `json` do it."""
    octets = text.encode()
    if not octets or b'"' in octets or b"\\" in octets or min(octets) < 0x20:
        return json_octets(text)
    return b'"' + octets + b'"'


def _request(service, kind, *members):
    """Return a message of this msgType, as all of clause 7.3 begin, with the pairs behind that."""
    return write(("msgIden", service), ("msgType", kind), *members)


def originator(addr):
    """Return the pairs of oriAddr for a UE with this service ID."""
    return (("oriAddrType", "UE"), ("addr", addr))


def destination(type, addr):
    """Return the pairs of destAddr."""
    return (("destAddrType", type), ("addr", addr))


def registration(service, addr, profile=None, urgent=None, lifetime=None, wait=None):
    """Return REG, clause 7.3.3.1; `profile` is the pairs of cliProfile."""
    return _request(
        service,
        "REG",
        ("oriAddr", originator(addr)),
        ("cliProfile", profile),
        ("urgentTag", urgent),
        ("reqExpTime", wait),
        ("regExpTime", lifetime),
    )


def gateway_registration(service, addr, ue_id, lifetime):
    """Return GWREG, clause 7.3.3.3."""
    return _request(
        service,
        "GWREG",
        ("oriAddr", originator(addr)),
        ("oriUEAddr", None if ue_id is None else originator(ue_id)),
        ("expiredTime", lifetime),
    )


def deregistration(service, addr, urgent=None, wait=None):
    """Return DEREG, clause 7.3.3.2; the last two, clause 6.3.4.2.2, have no name there."""
    who = ("oriAddr", originator(addr))
    return _request(service, "DEREG", who, ("urgentTag", urgent), ("reqExpTime", wait))


def message(service, addr, outgoing, value, segments=None, number=0):
    """Return MSG, clause 7.3.4.1: `value` is the payload member as JSON octets, or None; `segments` has the set ID and
    the total of a segmented one, whose `number` this is. Put together by hand: a device sends nothing more often."""
    data = bytearray(b'{"msgIden":')
    data += quoted(service)
    data += b',"msgType":"MSG","oriAddr":{"oriAddrType":"UE","addr":'
    data += quoted(addr)
    data += b'},"destAddr":{"destAddrType":"'
    data += outgoing.to_type.encode()
    data += b'","addr":'
    data += quoted(outgoing.to)
    data += b"}"
    app_id = outgoing.app_id
    if app_id is not None:
        data += b',"appId":'
        data += json_octets(list(app_id) if isinstance(app_id, tuple) else app_id)
    data += b',"msgId":"'
    data += outgoing.message_id.encode()
    # of a segmented message only the first says it: TS 23.554 clause 8.5.2
    data += b'","isDelivStatReq":true' if outgoing.report and number < 2 else b'"'
    if outgoing.priority != "NORMAL":
        data += b',"priority":"'
        data += outgoing.priority.encode()
        data += b'"'
    if number:
        # the flag is a string there, and in the last segment only
        data += b',"isSegmented":true,"segParams":{"segId":"%s","totalSegCount":%d,"segNumb":%d' % (
            segments.set_id.encode(),
            segments.total,
            number,
        )
        data += b',"lastSegFlag":"true"}' if number == segments.total else b"}"
    data += b',"sfFlag":true' if outgoing.store_forward else b',"sfFlag":false'
    if outgoing.expire_time is not None:
        data += b',"sfParam":{"expireTime":"'
        data += outgoing.expire_time.encode()
        data += b'"}'
    if value is not None:
        data += b',"payload":'
        data += value
    data += b"}"
    return data


def report(service, addr, to_type, to, message_id, status, cause=None):
    """Return IMDN, clause 7.3.4.2: `status` is SUCCESS or FAILURE."""
    return _request(
        service,
        "IMDN",
        ("oriAddr", originator(addr)),
        ("destAddr", destination(to_type, to)),
        ("msgId", message_id),
        ("DelSta", status),
        ("Cause", cause),
    )


def segment_recovery(service, set_id, ranges):
    """Return SEGREC, clause 7.3.6.2: `ranges` are (first, last) pairs."""
    numbers = "(%s)" % ", ".join(["%d-%d" % each for each in ranges])
    return _request(service, "SEGREC", ("segId", set_id), ("segNoList", numbers))


def segment_confirmation(service, set_id, result):
    """Return SEGCONFIR, clause 7.3.6.1."""
    return _request(service, "SEGCONFIR", ("segId", set_id), ("result", result))


class Body:
    """A received JSON object. Each reader gives the member's value, or the default where it is absent,
    and raises BodyError where it is wrong (or absent without a default, which `...` stands for)."""

    def __init__(self, members):
        # The schemas print some names with a space behind them. MicroPython's json lets other keys than strings pass.
        self._members = {name.strip(): value for name, value in members.items() if isinstance(name, str)}

    @classmethod
    def read(cls, octets):
        """Return the Body in `octets`. Raise BodyError where it is no JSON object in UTF-8."""
        try:
            members = json_value(octets)
        except ValueError:
            raise BodyError("body", "not JSON in UTF-8")
        if not isinstance(members, dict):
            raise BodyError("body", "not a JSON object")
        return cls(members)

    def __contains__(self, name):
        return self._members.get(name) is not None  # null says no more than absence

    def value(self, name, default):
        """Return a member as it is. Raise BodyError where it is absent and has no default."""
        value = self._members.get(name)
        if value is None:
            if default is ...:
                raise BodyError(name, "missing")
            return default
        return value

    def text(self, name, default=..., longest=255):
        """Return a string member of at most `longest` octets (None: any). Raise BodyError."""
        value = self.value(name, default)
        if value is default:
            return value
        if not isinstance(value, str):
            raise BodyError(name, "not a string")
        # A character has up to 4 octets: the exact length is only counted where it is in doubt.
        if longest is not None and len(value) * 4 > longest and len(value.encode()) > longest:
            raise BodyError(name, "longer than %d octets" % longest)
        return value

    def flag(self, name, default=...):
        """Return a boolean member, by its words too. Raise BodyError."""
        value = self.value(name, default)
        if isinstance(value, str):
            word = value.lower()
            if word == "true" or word == "false":
                return word == "true"
        if value is not default and not isinstance(value, bool):
            raise BodyError(name, "not true or false")
        return value

    def last_segment(self):
        """Return lastSegFlag, a string in clause 7.3.4.1 that names no values: all but the words for no mean yes."""
        value = self.value("lastSegFlag", False)
        if isinstance(value, str):
            return value.strip().lower() not in ("", "false", "0")
        if value not in (0, 1):
            raise BodyError("lastSegFlag", "not true or false")
        return bool(value)

    def app_id(self, default=None):
        """appId: a string, or a tuple of the array that clause 6.4.1.1.2 allows."""
        value = self._members.get("appId")
        if not isinstance(value, list):
            return self.text("appId", default)
        for each in value:
            Body({"appId": each}).text("appId")
        return value[0] if len(value) == 1 else tuple(value) or default

    def integer(self, name, default=..., low=0, high=0x7FFFFFFF):
        """Return an integer member from `low` to `high`, by its digits too. Raise BodyError."""
        value = self.value(name, default)
        if value is default:
            return value
        if isinstance(value, str):
            value = _digits(value)
        elif isinstance(value, float) and value % 1 == 0:  # 60.0 is an integer to JSON Schema
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise BodyError(name, "not an integer from %d to %d" % (low, high))
        return value

    def object(self, name):
        """Return a member that is an object, as a Body. Raise BodyError."""
        value = self.value(name, ...)
        if not isinstance(value, dict):
            raise BodyError(name, "not an object")
        return Body(value)

    def objects(self, name):
        """Return a member that is a list of objects, as Bodies. Raise BodyError."""
        value = self.value(name, ...)
        if not isinstance(value, list):
            raise BodyError(name, "not an array")
        for each in value:
            if not isinstance(each, dict):
                raise BodyError(name, "not an array of objects")
        return [Body(each) for each in value]

    def elements(self):
        """Return what is aggregated in msgList, one or more."""
        found = self.objects("msgList")
        if not found:
            raise BodyError("msgList", "empty")
        if self.integer("totalMsgCount", None) not in (None, len(found)):
            raise BodyError("totalMsgCount", "is not the length of msgList")
        return found

    def address(self, name, type_name, types):
        """Return (type, address) of oriAddr or destAddr; the first of `types` where it says none."""
        body = self.object(name)
        type = body.text(type_name, types[0]).upper()
        if type not in types:
            raise BodyError(name + "." + type_name, "not one of " + ", ".join(types))
        addr = body.text("addr")
        if not addr:
            raise BodyError(name + ".addr", "empty")
        why = service_id_error(addr)
        if why:
            raise BodyError(name + ".addr", why)
        return type, addr

    def originator(self):
        """Return (type, service ID) of oriAddr. Raise BodyError."""
        return self.address("oriAddr", "oriAddrType", ("UE", "AS"))

    def destination(self):
        """Return (type, service ID) of destAddr. Raise BodyError."""
        return self.address("destAddr", "destAddrType", DESTINATIONS)

    def message_id(self):
        """Return msgId. Raise BodyError."""
        value = self.text("msgId", longest=64)
        if not value:
            raise BodyError("msgId", "empty")
        return value

    def priority(self, default="NORMAL"):
        """Return the priority, one of PRIORITIES. Raise BodyError."""
        value = self.text("priority", default)
        if value == "MEDIUM" or value == "MIDDLE":  # as MSGin5G-5 and TS 29.538 say it
            return "NORMAL"
        if value not in PRIORITIES:
            raise BodyError("priority", "not one of " + ", ".join(PRIORITIES))
        return value

    def status(self, default=...):
        """Return (DelSta, Cause) of clauses 7.3.4.2 and 7.3.4.3; the text of clause 6 makes the first optional
        there."""
        value = self.text("DelSta", default)
        if value is not default:
            value = value.lower()
            if value not in (SUCCESS, FAILURE, STORED):
                raise BodyError("DelSta", "not one of success, failure, stored for deferred delivery")
        return value, self.cause()

    def cause(self):
        """Return the cause of a failure, by any of the names that the schemas give it."""
        for name in "Cause,cause,failure reason,failReason".split(","):
            if name in self:
                return printable(self.text(name, longest=1024))
        return None


def failure(message):
    """Return what a CoAP error response says, for people: "4.00 msgId: missing" (RFC 7252 section 5.5.2)."""
    try:
        why = str(bytes(message.payload), "utf-8")
    except UnicodeError:
        why = ""
    return printable((numbers.code_text(message.code) + " " + why).strip())


def read_ranges(text):
    """Return the (first, last) pairs of segNoList, "(5-7, 10-10)", also "(5-7),(10-10)"; a lone number counts as a
    range of one."""
    ranges = []
    for part in text.split(","):
        first, dash, last = part.strip().strip("()").partition("-")
        first = _digits(first.strip())
        last = _digits(last.strip()) if dash else first
        if first is None or last is None:
            raise BodyError("segNoList", "not ranges like (5-7, 10-10)")
        if not 1 <= first <= last:
            raise BodyError("segNoList", "ranges must rise from 1")
        ranges.append((first, last))
    return ranges


def _digits(text):
    """Return the number that 1 to 10 ASCII digits say, else None. int() takes more, and a str's isdigit() too."""
    if len(text) > 10 or not text.encode().isdigit():
        return None
    return int(text)
