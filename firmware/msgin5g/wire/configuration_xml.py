# SPDX-License-Identifier: MIT
"""The XML of a UE configuration: TS 24.538 clause 7.2. Loaded when a configuration comes in it.

It is scanned, not validated: elements are known by their local name, whatever the namespace; attributes, comments and
processing instructions are passed over. What could make a reader work without end, a DOCTYPE, is refused. All of it is
octets (coap.compat.printable).
"""

from coap.compat import const

from .identifiers import BodyError

MAX = const(4096)  # octets of a document
_DEEPEST = const(32)
_BLANK = b" \t\r\n"
# By their names in clause 7.2: the members of the same in JSON
_ELEMENTS = {
    b"MSGin5G-UE-Service-id": "ueServiceId",
    b"MSGin5G-Server-address": "serverAddr",
    b"Segment-size": "segSize",
}
_ENTITIES = {b"lt": 0x3C, b"gt": 0x3E, b"amp": 0x26, b"quot": 0x22, b"apos": 0x27}


def _wrong(why):
    return BodyError("configData", "XML: " + why)


class _Reader:
    """What was read so far: `found` are the members; `open` the names of elements that have begun; `text` that of the
    innermost one, None where it is not asked for."""

    def __init__(self):
        self.found = {}
        self.open = []
        self.text = None
        self.ended = False  # the root element has
        self._member = ""

    def characters(self, piece):
        if self.text is not None:
            self.text += piece
        elif not self.open and piece.strip(_BLANK):
            raise _wrong("text outside of the document")

    def tag(self, tag):
        """Take what stands between "<" and ">"."""
        if tag[:1] == b"/":
            self._end(tag[1:].rstrip(_BLANK))
            return
        if self.text is not None:
            raise _wrong("an element within a text")
        if self.ended:
            raise _wrong("more than one document")
        empty = tag[-1:] == b"/"
        name = _name(tag[:-1] if empty else tag)
        if empty:
            self.ended = not self.open
            return
        self.open.append(name)
        if len(self.open) > _DEEPEST:
            raise _wrong("nested too deeply")
        member = _ELEMENTS.get(name.split(b":")[-1])
        if member is not None:
            self._member = member
            self.text = b""

    def _end(self, name):
        if not self.open or name != self.open.pop():
            raise _wrong("an end tag that ends nothing")
        if self.text is not None:
            self.found.setdefault(self._member, _characters(self.text.strip(_BLANK)))
            self.text = None
        self.ended = not self.open


def read(octets: bytes) -> "dict[str, str]":
    """Return the members "ueServiceId", "serverAddr", "segSize" (str), those of the three elements that are there, each
    with the text of the first one. Raise BodyError for what is longer than MAX, refused, or not well-formed."""
    if len(octets) > MAX:
        raise _wrong("longer than %d octets" % MAX)
    reader = _Reader()
    position = 3 if octets[:3] == b"\xef\xbb\xbf" else 0
    while True:
        start = octets.find(b"<", position)
        reader.characters(octets[position : len(octets) if start < 0 else start])
        if start < 0:
            break
        if octets[start : start + 4] == b"<!--":
            position = _behind(octets, b"-->", start + 4)
        elif octets[start : start + 2] == b"<?":
            position = _behind(octets, b"?>", start + 2)
        elif octets[start : start + 2] == b"<!":
            raise _wrong("DOCTYPE and CDATA are refused")
        else:
            end = _end_of_tag(octets, start + 1)
            reader.tag(octets[start + 1 : end])
            position = end + 1
    if not reader.ended:
        raise _wrong("it has no end")
    return reader.found


def _behind(octets, mark, position):
    end = octets.find(mark, position)
    if end < 0:
        raise _wrong("it has no end")
    return end + len(mark)


def _end_of_tag(octets, position):
    """Return where the ">" of a tag is. One between quotes belongs to an attribute."""
    quote = 0
    while position < len(octets):
        octet = octets[position]
        if quote:
            if octet == quote:
                quote = 0
        elif octet == 0x3E:
            return position
        elif octet == 0x3C:
            break
        elif octet == 0x22 or octet == 0x27:
            quote = octet
        position += 1
    raise _wrong("a tag without an end")


def _name(tag):
    for position, octet in enumerate(tag):
        if octet in _BLANK:
            tag = tag[:position]
            break
    if not tag or tag.find(b'"') >= 0 or tag.find(b"'") >= 0:
        raise _wrong("a tag without a name")
    return tag


def _characters(text):
    """Return the str of a text with references. Raise BodyError."""
    first, *rest = text.split(b"&")
    data = bytearray(first)
    for each in rest:
        end = each.find(b";")
        data += _reference(each[:end] if end > 0 else b"")
        data += each[end + 1 :]
    try:
        return str(data, "utf-8")
    except UnicodeError:
        raise _wrong("not UTF-8")


def _reference(name):
    code = _ENTITIES.get(name)
    if code is None:
        digits, base, allowed = name[1:], 10, b"0123456789"
        if digits[:1] == b"x":
            digits, base, allowed = digits[1:], 16, b"0123456789abcdefABCDEF"
        code = 0
        if name[:1] == b"#" and 0 < len(digits) < 9 and not digits.strip(allowed):
            code = int(digits, base)
        # the characters of XML 1.0
        if code not in (9, 10, 13) and (code < 0x20 or 0xD800 <= code < 0xE000 or code > 0x10FFFF):
            raise _wrong("a reference that means nothing: only five names and characters are known")
    # not chr(): see coap.compat.printable
    if code < 0x80:
        return bytes((code,))
    if code < 0x800:
        return bytes((0xC0 | code >> 6, 0x80 | code & 63))
    tail = (0x80 | code >> 6 & 63, 0x80 | code & 63)
    if code < 0x10000:
        return bytes((0xE0 | code >> 12,) + tail)
    return bytes((0xF0 | code >> 18, 0x80 | code >> 12 & 63) + tail)
