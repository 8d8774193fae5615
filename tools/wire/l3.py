# SPDX-License-Identifier: MIT
"""The binary messages of MSGin5G-5 as the gateway's side reads and writes them: TS 24.538 Annex A.2.

Written from the tables alone, apart from the firmware, so that each test between the two tests both.
"""

import ipaddress
import re
import struct
from dataclasses import dataclass
from typing import NamedTuple

from tools.words import counted

SENDING, SENDING_RESPONSE, RECEIVED, RECEIVED_RESPONSE = 1, 2, 3, 4
REPORT_SENDING, REPORT_RECEIVED = 5, 6
REGISTRATION, REGISTRATION_ACCEPT, REGISTRATION_REJECT = 7, 8, 9
DEREGISTRATION, DEREGISTRATION_REJECT, DEREGISTRATION_ACCEPT = 10, 11, 12

NO_GATEWAY_ACCESS, INVALID_CREDENTIALS, IDENTIFIER_CONFLICT, CONNECTION_GONE = 1, 2, 3, 4
LACK_OF_RESOURCES, CONGESTION, UNKNOWN_DEVICE, PROTOCOL_ERROR = 5, 6, 7, 0x6F

TARGET_TYPES = ("UE", "GROUP", "AS")  # A.2.2.7


class Wrong(ValueError):
    """No message that can be used. `type` is its message type where that is one that is known."""

    def __init__(self, why, type=None):
        super().__init__(why)
        self.type = type


@dataclass(frozen=True)
class Sending:
    """MESSAGE SENDING REQUEST, A.2.1.1."""

    target: str
    msg_id: bytes
    payload: bytes
    app_id: int | None
    report: bool
    target_type: str


class Report(NamedTuple):
    """DELIVERY REPORT SENDING REQUEST, A.2.1.2."""

    delivered: bool
    msg_id: bytes
    reply_to: bytes


class Registering(NamedTuple):
    """REGISTRATION REQUEST, A.2.1.7."""

    app_id: int
    credential: bytes


class Response(NamedTuple):
    """MESSAGE RECEIVED RESPONSE, A.2.1.6."""

    accepted: bool
    cause: int | None


class Deregistering(NamedTuple):
    """DEREGISTRATION REQUEST, A.2.1.10."""

    registration_id: bytes


def parse(octets):
    """What a device says: one of the classes above."""
    if not octets:
        raise Wrong("empty")
    readers = {
        SENDING: _sending,
        RECEIVED_RESPONSE: _response,
        REPORT_SENDING: _report,
        REGISTRATION: _registering,
        DEREGISTRATION: _deregistering,
    }
    type_ = octets[0]
    if type_ not in readers:
        raise Wrong("message type 0x%02x is not for a gateway" % type_)
    try:
        return readers[type_](octets[1:])
    except (Wrong, IndexError, struct.error) as error:
        raise Wrong("message type 0x%02x: %s" % (type_, error), type_) from None


def _take(octets, count):
    if len(octets) < count:
        raise Wrong("cut short")
    return octets[:count], octets[count:]


def _sending(rest):
    size, rest = rest[0], rest[1:]
    if size < 5:
        raise Wrong("target of %s" % counted(size, "octet"))
    field, rest = _take(rest, size)
    msg_id, rest = _take(rest, 16)
    (size,) = struct.unpack_from(">H", rest)
    payload, rest = _take(rest[2:], size)
    options = _options(rest, {0x0A: 2}, {0xB0, 0xD0})
    kind = options.get(0xD0, 0)
    if kind >= len(TARGET_TYPES):
        raise Wrong("target type %d is reserved" % kind)
    app_id = options.get(0x0A)
    return Sending(
        _target(field),
        msg_id,
        payload,
        None if app_id is None else int.from_bytes(app_id, "big"),
        options.get(0xB0) == 1,
        TARGET_TYPES[kind],
    )


def _target(field):
    """A.2.2.2 as text, names in lower case."""
    kind, address = field[0], field[1:]
    try:
        if kind == 1:
            return str(ipaddress.IPv4Address(address))
        if kind == 2:
            return str(ipaddress.IPv6Address(address))
    except ipaddress.AddressValueError as error:
        raise Wrong("target: %s" % error) from None
    if kind != 3:
        raise Wrong("address type %d is reserved" % kind)
    labels = []
    while address:
        label, address = _take(address[1:], address[0])
        if not re.fullmatch(rb"[A-Za-z0-9-]{1,63}", label):
            raise Wrong("target: not a label: %r" % label)
        labels.append(label.decode())
    return ".".join(labels).lower()


def _response(rest):
    result = rest[0] & 0x0F
    if result > 1:
        raise Wrong("result %d is reserved" % result)
    cause = _options(rest[1:], {0x58: 1}, set()).get(0x58)
    return Response(result == 1, cause[0] if cause else None)


def _report(rest):
    status, msg_id, reply_to = struct.unpack_from(">B16s16s", rest)
    if status > 1:
        raise Wrong("delivery status %d is reserved" % status)
    return Report(status == 1, msg_id, reply_to)


def _registering(rest):
    app_id, size = struct.unpack_from(">HH", rest)
    credential, _ = _take(rest[4:], size)
    if not credential:
        raise Wrong("no credential")
    return Registering(app_id, credential)


def _deregistering(rest):
    return Deregistering(_take(rest, 6)[0])


def _options(rest, fixed, halves):
    """The optional part (TS 24.007 clause 11.2.4): `fixed` lengths by IEI, `halves` with their value in the octet."""
    found = {}
    while rest:
        iei = rest[0]
        if iei & 0x80:
            if iei & 0xF0 in halves:
                found.setdefault(iei & 0xF0, iei & 0x0F)
            rest = rest[1:]
            continue
        start = 1 if iei in fixed else 2
        size = fixed.get(iei, rest[1] if len(rest) > 1 else 256)
        if start + size > len(rest):
            break  # cut short: left out
        found.setdefault(iei, rest[start : start + size])
        rest = rest[start + size :]
    return found


# ---- writing ---------------------------------------------------------------------------------------------------------


def received(msg_id, payload, originator, group=None, report=False):
    """MESSAGE RECEIVED REQUEST, A.2.1.3. The server takes the priority away (TS 24.538 clause 6.4.1.2.6)."""
    octets = bytes([RECEIVED]) + msg_id + struct.pack(">H", len(payload)) + payload
    for iei, value in ((0x0F, originator), (0x0E, group)):
        if value:
            coded = value.encode()
            octets += bytes([iei, len(coded)]) + coded
    return octets + (b"\xb1" if report else b"")


def report_received(delivered, msg_id, reply_to):
    """DELIVERY REPORT RECEIVED REQUEST, A.2.1.4."""
    return struct.pack(">BB16s16s", REPORT_RECEIVED, delivered, msg_id, reply_to)


def sending_response(cause=None):
    """MESSAGE SENDING RESPONSE, A.2.1.5; a cause of None is success."""
    return bytes([SENDING_RESPONSE, 1]) if cause is None else bytes([SENDING_RESPONSE, 0, 0x58, cause])


def accept(type_, registration_id):
    return bytes([type_]) + registration_id


def reject(type_, cause):
    return bytes([type_, cause])
