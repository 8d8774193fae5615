# SPDX-License-Identifier: MIT
"""The CoRE Link Format of RFC 6690, as far as a gateway says with it that it is one (TS 23.554 clause 8.2.8).

Loaded where a device looks for its gateway. All of it works on octets: they are anybody's (coap.compat.printable).
"""

_TARGET = b"/msgin5g"
_TYPE = b"msgin5g.gw"
_BLANK = b" \t\r\n"


def gateway(octets: bytes) -> "tuple[int | None, bytes | None] | None":
    """Return (sz, ep) of the link to a gateway: octets that it takes in a datagram, and its UE Service ID; None for
    what it does not say. Return None where no link is one.

    Raise ValueError for what is no link format.
    """
    found = None
    position = 0
    while position is not None:
        position = _skip(octets, position)
        end = octets.find(b">", position)
        if octets[position : position + 1] != b"<" or end < 0:
            raise ValueError("no link")
        target = octets[position + 1 : end]
        attributes, position = _attributes(octets, end + 1)
        # A resource has types with blanks between them (section 3.1).
        if found is None and target == _TARGET and _TYPE in attributes.get(b"rt", b"").split():
            size = attributes.get(b"sz", b"")
            # isdigit() of MicroPython wants a string where one octet is no digit
            plain = 0 < len(size) < 8 and not size.strip(b"0123456789")
            found = int(size) if plain else None, attributes.get(b"ep")
    return found


def domain(service_id: bytes) -> bytes | None:
    """Return the domain in a UE Service ID, in small letters: what follows its last "@", else the authority of the URI
    that it is; None where it has none."""
    _, at, name = service_id.rpartition(b"@")
    if not at:
        _, slashes, rest = service_id.partition(b"://")
        name = rest.split(b"/")[0] if slashes else b""
    return bytes(name).lower() or None


def _skip(octets, position):
    while position < len(octets) and octets[position] in _BLANK:
        position += 1
    return position


def _attributes(octets, position):
    """Return the attributes of a link, {name: value}, and where the next link begins, None where none does. Of those
    that come twice the first one counts (section 2, rt and if; RFC 8288 for the others)."""
    attributes = {}
    while True:
        position = _skip(octets, position)
        if position == len(octets):
            return attributes, None
        mark = octets[position]
        position += 1
        if mark == 0x2C:  # ","
            return attributes, position
        if mark != 0x3B:  # ";"
            raise ValueError("no attribute")
        name, value, position = _attribute(octets, position)
        attributes.setdefault(name, value)


def _attribute(octets, position):
    position = start = _skip(octets, position)
    while position < len(octets) and octets[position] not in b"=;,":
        position += 1
    name = octets[start:position].strip().lower()
    if octets[position : position + 1] != b"=":
        return name, b"", position
    position = start = _skip(octets, position + 1)
    if octets[start : start + 1] != b'"':
        while position < len(octets) and octets[position] not in b";,":
            position += 1
        return name, octets[start:position].strip(), position
    value = bytearray()
    while True:
        position += 1
        if octets[position : position + 1] == b"\\":  # the next one is meant as it stands
            position += 1
        elif octets[position : position + 1] == b'"':
            return name, bytes(value), position + 1
        if position >= len(octets):
            raise ValueError("a quote without an end")
        value.append(octets[position])
