# SPDX-License-Identifier: MIT
"""JSON bodies, TS 24.538 clause 7.3: written in the order of its tables, read member by member.

Written strictly: members at their default are left out, nothing beyond what JSON must escape is escaped.
Read kindly: misspelt values, names with spaces, strings for booleans and numbers (docs/wire-profile.md).
"""

from coap.compat import const, json_octets, json_value, later, printable, whole

from .identifiers import BodyError, digits, escaped, quoted

_TYPING = const(False)
if _TYPING:
    from .reading import Reading
else:
    Reading = object  # its readers come with the first that is called

_READING = const("msgin5g.wire.reading Reading")

_last = [None, None, ()]  # what `beginning` was asked for last, and gave


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
            data += quoted(value)
        elif isinstance(value, tuple):
            _write(data, value)
        elif isinstance(value, bytes):
            data += value
        else:
            data += json_octets(value)
    data += b"}"


def request(service, kind, *members):
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
    return request(
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
    return request(
        service,
        "GWREG",
        ("oriAddr", originator(addr)),
        ("oriUEAddr", None if ue_id is None else originator(ue_id)),
        ("expiredTime", lifetime),
    )


def deregistration(service, addr, urgent=None, wait=None):
    """Return DEREG, clause 7.3.3.2; the last two, clause 6.3.4.2.2, have no name there."""
    who = ("oriAddr", originator(addr))
    return request(service, "DEREG", who, ("urgentTag", urgent), ("reqExpTime", wait))


def beginning(service, addr):
    """Return what stands before and behind the msgType of a MSG or IMDN, up to the type of its destination."""
    if service != _last[0] or addr != _last[1]:
        origin = b'","oriAddr":{"oriAddrType":"UE","addr":"%s"},"destAddr":{"destAddrType":"' % escaped(addr)
        _last[0] = None  # as in `escaped`
        _last[1] = addr
        _last[2] = b'{"msgIden":"%s","msgType":"' % escaped(service), origin
        _last[0] = service
    return _last[2]


def message(service, addr, outgoing, value, segments=None, number=0):
    """Return MSG, clause 7.3.4.1: `value` is the payload member as JSON octets, or None; `segments` has the set ID and
    the total of a segmented one, whose `number` this is. Put together by hand: a device sends nothing more often."""
    before, behind = beginning(service, addr)
    app, more = b"", b""
    if number or not outgoing.plain:
        app, more = _further(outgoing, segments, number)
    return b"".join(
        (
            before,
            b"MSG",
            behind,
            outgoing.to_type.encode(),
            b'","addr":"',
            escaped(outgoing.to),
            b'"}',
            app,
            b',"msgId":"',
            outgoing.message_id.encode(),
            more or b'","sfFlag":false',
            b"" if value is None else b',"payload":',
            value or b"",
            b"}",
        )
    )


def _further(outgoing, segments, number):
    """Return what stands before msgId in a MSG that is not like most, and what stands between msgId and payload."""
    app_id, expire_time = outgoing.app_id, outgoing.expire_time
    more = b"".join(
        (
            # of a segmented message only the first says whether a report is wanted: TS 23.554 clause 8.5.2
            b'","isDelivStatReq":true' if outgoing.report and number < 2 else b'"',
            b"" if outgoing.priority == "NORMAL" else b',"priority":' + quoted(outgoing.priority),
            # the flag is a string there, and in the last segment only
            b',"isSegmented":true,"segParams":{"segId":%s,"totalSegCount":%d,"segNumb":%d%s}'
            % (
                quoted(segments.set_id),
                segments.total,
                number,
                b',"lastSegFlag":"true"' if number == segments.total else b"",
            )
            if number
            else b"",
            b',"sfFlag":true' if outgoing.store_forward else b',"sfFlag":false',
            b"" if expire_time is None else b',"sfParam":{"expireTime":' + quoted(expire_time) + b"}",
        )
    )
    # MicroPython writes a tuple as a list
    return b"" if app_id is None else b',"appId":' + json_octets(app_id), more


class Body(Reading):
    """A received JSON object. Each reader gives the member's value, or the default where it is absent,
    and raises BodyError where it is wrong (or absent without a default, which `...` stands for)."""

    def __init__(self, members):
        # The schemas print some names with a space behind them. MicroPython's json lets other keys than strings pass.
        for name in members:
            if not isinstance(name, str) or name != name.strip():
                members = {each.strip(): members[each] for each in members if isinstance(each, str)}
                break
        self._members = members

    @classmethod
    def read(cls, octets, value=json_value):
        """Return the Body in `octets`. Raise BodyError where it is no JSON object in UTF-8."""
        try:
            members = value(octets)
        except ValueError:
            raise BodyError("body", "not JSON in UTF-8")
        if not isinstance(members, dict):
            raise BodyError("body", "not a JSON object")
        return cls(members)

    def __getattr__(self, name):
        later(Body, name, _READING)
        return getattr(self, name)

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

    def integer(self, name, default=..., low=0, high=0x7FFFFFFF):
        """Return an integer member from `low` to `high`, by its digits too. Raise BodyError."""
        value = self.value(name, default)
        if value is default:
            return value
        if isinstance(value, str):
            value = digits(value)
        elif isinstance(value, float) and value % 1 == 0:  # 60.0 is an integer to JSON Schema
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise BodyError(name, "not an integer from %d to %d" % (low, high))
        return value


whole(Body, _READING)


def failure(message):
    """Return what a CoAP error response says, for people: "4.00 msgId: missing" (RFC 7252 section 5.5.2)."""
    try:
        why = str(bytes(message.payload), "utf-8")
    except UnicodeError:
        why = ""
    return printable(("%d.%02d %s" % (message.code >> 5, message.code & 31, why)).strip())
