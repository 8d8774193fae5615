# SPDX-License-Identifier: MIT
"""The binary messages of MSGin5G-5: TS 24.538 Annex A.2, by the formats of TS 24.007 clause 11.2.

`encode(type, values)` gives the parts of a message, `decode(octets)` its (type, values). Values by element:

    target              (address type, octets behind it), A.2.2.2; l3_target.py makes one from text
    message_id, reply_to    16 octets
    payload             octets; encode takes anything with a len()
    originator, group, credential, registration_id      octets
    app_id, cause, delivery_status, result, report, target_type, priority     int

What the annex leaves open (letters for IEIs, wrong messages) is decided in docs/annex-a.md.
"""

from coap.compat import const

# Message types, A.2.2.1. A de-registration's reject comes before its accept.
SENDING_REQUEST = const(1)
SENDING_RESPONSE = const(2)
RECEIVED_REQUEST = const(3)
RECEIVED_RESPONSE = const(4)
REPORT_SENDING_REQUEST = const(5)
REPORT_RECEIVED_REQUEST = const(6)
REGISTRATION_REQUEST = const(7)
REGISTRATION_ACCEPT = const(8)
REGISTRATION_REJECT = const(9)
DEREGISTRATION_REQUEST = const(10)
DEREGISTRATION_REJECT = const(11)
DEREGISTRATION_ACCEPT = const(12)

# Address types of a target, A.2.2.2
IPV4 = const(1)
IPV6 = const(2)
FQDN = const(3)

# Result and Delivery Status, A.2.2.11 and A.2.2.8
FAILED = const(0)
SUCCESS = const(1)

# Priority, A.2.2.9
MEDIUM = const(1)

# Formats. An optional element is TV with a half octet where its IEI has bit 8 set, TV where its length is fixed,
# and TLV where it is not (TS 24.007 clause 11.2.1.1).
_V = const(0)
_LV = const(1)
_LVE = const(2)

# const: so that the whole table is constant, and stays in flash where the module is frozen
_ID = const(("message_id", _V, 16, 16))
_REGISTRATION = const(((("registration_id", _V, 6, 6),), ()))
_CAUSE = const(((("cause", _V, 1, 1),), ()))
_RESULT = const(((("result", _V, 1, 1),), ((0x58, "cause", 2, 2),)))
_REPORT = const(((("delivery_status", _V, 1, 1), _ID, ("reply_to", _V, 16, 16)), ()))

# By message type: the imperative part as (name, format, shortest, longest), in octets without the length; then the
# optional elements as (IEI, name, shortest, longest), in octets with IEI and length, in the order of the tables.
_TABLE = (
    # A.2.1.1 MESSAGE SENDING REQUEST
    (
        (("target", _LV, 5, 255), _ID, ("payload", _LVE, 0, 65535)),
        ((0x0A, "app_id", 3, 3), (0xB0, "report", 1, 1), (0xD0, "target_type", 1, 1)),
    ),
    _RESULT,  # A.2.1.5 MESSAGE SENDING RESPONSE
    # A.2.1.3 MESSAGE RECEIVED REQUEST
    (
        (_ID, ("payload", _LVE, 0, 65535)),
        (
            (0x0F, "originator", 3, 257),
            (0x0E, "group", 3, 257),
            (0xB0, "report", 1, 1),
            (0xC0, "priority", 1, 1),
        ),
    ),
    _RESULT,  # A.2.1.6 MESSAGE RECEIVED RESPONSE
    _REPORT,  # A.2.1.2 DELIVERY REPORT SENDING REQUEST
    _REPORT,  # A.2.1.4 DELIVERY REPORT RECEIVED REQUEST
    ((("app_id", _V, 2, 2), ("credential", _LVE, 1, 65535)), ()),  # A.2.1.7 REGISTRATION REQUEST
    _REGISTRATION,  # A.2.1.8 REGISTRATION ACCEPT
    _CAUSE,  # A.2.1.9 REGISTRATION REJECT
    _REGISTRATION,  # A.2.1.10 DEREGISTRATION REQUEST
    _CAUSE,  # A.2.1.12 DEREGISTRATION REJECT
    _REGISTRATION,  # A.2.1.11 DEREGISTRATION ACCEPT
)

_NUMBERS = ("app_id", "cause", "delivery_status", "result", "report", "target_type", "priority")
_HIGHEST = (65535, 255, 1, 1, 1, 2, 2)  # above it a value is reserved


class L3Error(ValueError):
    """Octets that are no message of Annex A.2, or values that make none.

    `type` is the message type where that is known, `element` what is wrong, `offset` the octet where it begins
    (None when a message is made).
    """

    def __init__(self, type, element, offset, why):
        super().__init__("%s%s: %s" % (element, "" if offset is None else " at octet %d" % offset, why))
        self.type = type
        self.element = element
        self.offset = offset


def decode(octets):
    """Return (type, values) of a message in any buffer; values of octets are views of it.

    Optional elements that are absent, unknown or wrong are absent in the values. Raise L3Error where the
    imperative part is wrong, and for a reserved target type.
    """
    view = memoryview(octets)
    end = len(view)
    type = view[0] if end else 0
    if not 1 <= type <= len(_TABLE):
        raise L3Error(None, "message type", 0, "reserved" if end else "missing")
    imperative, optional = _TABLE[type - 1]
    values = {}
    position = 1
    for name, format, shortest, longest in imperative:
        start = position
        length = longest
        if format != _V:
            position += format
            if position > end:
                raise L3Error(type, name, start, "its length is cut short")
            length = view[start] if format == _LV else view[start] << 8 | view[start + 1]
            if not shortest <= length <= longest:
                raise L3Error(type, name, start, "%d octets, not %d to %d" % (length, shortest, longest))
        if position + length > end:
            raise L3Error(type, name, start, "%d of %d octets" % (end - position, length))
        values[name] = _value(type, name, view[position : position + length], start)
        position += length
    while position < end:
        position = _optional(type, optional, view, position, values)
    return type, values


def _optional(type, optional, view, position, values):
    """Read one element of the non-imperative part; return the position behind it (TS 24.007 clause 11.2.4)."""
    iei = view[position]
    half = iei & 0x80
    room = len(view) - position
    name = None
    shortest, longest = (1, 1) if half else (2, 257)  # of an unknown one: bit 8 says one octet or TLV
    for row in optional:
        if row[0] == (iei & 0xF0 if half else iei):
            _, name, shortest, longest = row
            break
    length = longest
    if shortest != longest:
        length = 2 + view[position + 1] if room > 1 else longest
    if length > room:
        return len(view)  # cut short: left out, the message is used
    if name is not None and name not in values and length >= shortest:
        head = 0 if half else 1 if shortest == longest else 2
        values[name] = _value(type, name, view[position + head : position + length], position, half)
    return position + length


def _value(type, name, view, offset, half=0):
    if name == "target":
        return _target(type, view, offset)
    if name not in _NUMBERS:
        return view
    value = view[0]
    if len(view) == 2:
        value = value << 8 | view[1]
    elif half or name == "result":
        value &= 15  # the other half is the IEI, or spare
    if value > _HIGHEST[_NUMBERS.index(name)]:
        if name == "report":
            return 0
        if name == "priority":
            return MEDIUM
        raise L3Error(type, name, offset, "%d is reserved" % value)
    return value


def _target(type, view, offset):
    kind = view[0]
    length = len(view) - 1
    if not IPV4 <= kind <= FQDN:
        raise L3Error(type, "target", offset, "address type %d is reserved" % kind)
    if kind == FQDN:
        position = 1
        while position <= length:
            label = view[position]
            if not 1 <= label <= 63 or position + label > length:
                raise L3Error(type, "target", offset, "label of %d octets" % label)
            for octet in view[position + 1 : position + 1 + label]:
                if not (0x61 <= octet | 0x20 <= 0x7A or 0x30 <= octet <= 0x39 or octet == 0x2D):
                    raise L3Error(type, "target", offset, "octet %d in a label" % octet)
            position += label + 1
    elif length != (4 if kind == IPV4 else 16):
        raise L3Error(type, "target", offset, "%d octets of address" % length)
    return kind, view[1:]


def encode(type, values):
    """Return the parts of a message: octets up to the payload, the payload as given, octets behind it; or one part.

    Values of None are absent. Raise L3Error where a value is missing or cannot be said.
    """
    imperative, optional = _TABLE[type - 1]
    head = data = bytearray((type,))
    parts = [head]
    for element in imperative:
        value = values.get(element[0])
        if element[0] == "payload" and value is not None:
            data = bytearray()
            parts = [head, value, data]
        _append_imperative(head, type, value, *element)
    for iei, name, shortest, longest in optional:
        value = values.get(name)
        if value is not None:
            _append_optional(data, type, value, iei, name, shortest, longest)
    return parts


def _append_imperative(head, type, value, name, format, shortest, longest):
    """Append an element that has no IEI; of the payload its length alone."""
    if value is None:
        raise L3Error(type, name, None, "missing")
    if name == "payload":
        shortest = 0 if type == RECEIVED_REQUEST else 1
    elif name == "target":
        value = bytes((value[0],)) + bytes(value[1])
    elif name in _NUMBERS:
        value = _number(type, name, value, longest)
    length = len(value)
    if not shortest <= length <= longest:
        raise L3Error(type, name, None, "%d octets, not %d to %d" % (length, shortest, longest))
    if format == _LVE:
        head.append(length >> 8)
    if format != _V:
        head.append(length & 255)
    if name != "payload":
        head += value


def _append_optional(data, type, value, iei, name, shortest, longest):
    """Append an element behind its IEI: formats TV of half an octet, TLV, TV."""
    if iei & 0x80:
        data.append(iei | _number(type, name, value, 1)[0])
        return
    data.append(iei)
    if shortest != longest:
        if not shortest <= 2 + len(value) <= longest:
            raise L3Error(type, name, None, "%d octets, not 1 to 255" % len(value))
        data.append(len(value))
        data += value
    else:
        data += _number(type, name, value, shortest - 1)


def _number(type, name, value, octets):
    highest = _HIGHEST[_NUMBERS.index(name)]
    if not 0 <= value <= highest:
        raise L3Error(type, name, None, "%d is not from 0 to %d" % (value, highest))
    return value.to_bytes(octets, "big")
