# SPDX-License-Identifier: MIT
"""The CoRE Link Format, which says what resources there are: RFC 6690 section 2. Read and written as octets.

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


def link(target: str, attributes: "dict[str, object]") -> bytes:
    """Return one link as it stands in a document; join several with b",".

    `target` is a URI or its path, percent-encoded. A value that is True says that the attribute has none, None and
    False leave it out, a number stands as it is, a list or tuple becomes its items with blanks between them, and all
    else is text in quotes. Raise ValueError where a name or the target can't be said.
    """
    if ">" in target or "<" in target:
        raise ValueError("target %r: < and > must be percent-encoded" % target)
    data = bytearray(("<%s>" % target).encode())
    for name in sorted(attributes):  # the same link on each interpreter: a dict of MicroPython has no order
        value = attributes[name]
        if not name or [octet for octet in name.encode() if octet <= 0x20 or octet in b'"=;,<>\\']:
            raise ValueError("attribute %r: no name of a link attribute (RFC 6690 section 2)" % name)
        if value is None or value is False:
            continue
        data += b";" + name.encode()
        if value is True:
            continue
        data += b"="
        if isinstance(value, int):
            data += b"%d" % value
        else:
            data += b'"' + _escaped(text(value)) + b'"'
    return bytes(data)


def text(value: object) -> str:
    """Return the value of an attribute as text: a list or tuple with blanks between its items, True as nothing."""
    if isinstance(value, (list, tuple)):
        return " ".join([str(item) for item in value])
    return "" if value is True else str(value)


def _escaped(text):
    return text.encode().replace(b"\\", b"\\\\").replace(b'"', b'\\"')


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
