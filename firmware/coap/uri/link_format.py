# SPDX-License-Identifier: MIT
"""The CoRE Link Format, which says what resources there are: RFC 6690 section 2. Read as octets;
`coap.aio.site.links` writes it.

    for target, attributes in links(answer.payload):
        if b"temperature" in attributes.get(b"rt", b"").split():
            print(str(target, "utf-8"))

What is read is a peer's: coap.compat.printable before it is shown.
"""

from ..compat import const

_TYPING = const(False)
if _TYPING:
    from collections.abc import Iterator

    from contracts import Octets

FORMAT = const(40)  # Content-Format application/link-format (section 7.3)
_BLANK = b" \t\r\n"
# A body of 4 KB can hold 2,000 attributes without a value, which would cost 20 times its size in heap.
_MAX_ATTRIBUTES = const(32)
# Marks of the syntax
_COMMA = const(0x2C)
_SEMICOLON = const(0x3B)


def links(octets: "Octets") -> "Iterator[tuple[bytes, dict[bytes, bytes]]]":
    """Yield (target, attributes) for each link in a document, one at a time, so that a long one takes no more memory
    than a short one.

    The target is as it stands between < and >. Attributes are {name: value} with names in small letters; one without
    a value has b"". Of those that come twice in a link the first one counts (section 2). A document
    without any link is empty.

    Raise ValueError that names the place, counted in octets from 0, for what is no link format, and for a link with
    more than 32 attributes; the links before it have been given by then.
    """
    octets = bytes(octets)
    position = _skip(octets, 0)
    more = position < len(octets)
    while more:
        position = _skip(octets, position)
        end = octets.find(b">", position)
        if octets[position : position + 1] != b"<" or end < 0:
            raise ValueError("octet %d: a link is <target>" % position)
        target = octets[position + 1 : end]
        attributes, position, more = _attributes(octets, end + 1)
        yield target, attributes


def _skip(octets, position):
    while position < len(octets) and octets[position] in _BLANK:
        position += 1
    return position


def _attributes(octets, position):
    """Return the attributes of a link, the place behind them, and whether another link must follow."""
    attributes = {}
    count = 0
    while True:
        position = _skip(octets, position)
        if position == len(octets):
            return attributes, position, False
        mark = octets[position]
        if mark == _COMMA:
            return attributes, position + 1, True
        if mark != _SEMICOLON:
            raise ValueError("octet %d: ; or , must follow" % position)
        count += 1
        if count > _MAX_ATTRIBUTES:
            raise ValueError("octet %d: more than %d attributes" % (position, _MAX_ATTRIBUTES))
        name, value, position = _attribute(octets, position + 1)
        attributes.setdefault(name, value)


def _attribute(octets, position):
    position = start = _skip(octets, position)
    while position < len(octets) and octets[position] not in b"=;,":
        position += 1
    name = octets[start:position].strip().lower()
    if not name:
        raise ValueError("octet %d: an attribute without a name" % start)
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
            raise ValueError("octet %d: a quote without an end" % start)
        value.append(octets[position])
