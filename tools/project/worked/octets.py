# SPDX-License-Identifier: MIT
"""A CoAP message as people read it: its head in words, its body as JSON, its octets with what each of them is.

What is random on the wire counts here (Message IDs, Tokens, and the identifiers that a device or the server draws), so
that the page is the same each time; nothing gets longer or shorter by that.
"""

import json
import re

import aiocoap
from aiocoap.numbers.optionnumbers import OptionNumber

from tools.words import counted

TYPES = ("CON", "NON", "ACK", "RST")
METHODS = {1: "GET", 2: "POST", 3: "PUT", 4: "DELETE", 5: "FETCH"}
FORMATS = {40: "application/link-format", 50: "application/json", 60: "application/cbor"}
WIDTH = 24  # octets of a payload in a line

_UUID = rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_REGISTRATION = rb'(?<="registration ID":")[0-9a-f]{12}|(?<="registrationID":")[0-9a-f]{12}'
_DOCUMENT = rb"(?<![0-9a-f-])[0-9a-f]{16}(?![0-9a-f-])"  # of a group, or a configuration
_SET = rb'(?<="segId":")[0-9a-f]{16}'
_UUID_REST = b"-3c0a-4dd7-8a44-1d2f3a4b5c6d"


class Names:
    """What stands for what was drawn, in the order in which it is met."""

    def __init__(self):
        self._known = {}
        self._exchange = 0  # each has Message IDs of its own: those of two peers may be the same by chance

    def begin(self):
        """What comes now belongs to another exchange."""
        self._exchange += 1

    def of(self, kind, value, form):
        """Return what stands for a value of this kind; `form(n)` makes that of the n-th."""
        known = self._known.setdefault(kind, {})
        if value not in known:
            known[value] = form(len(known) + 1)
        return known[value]

    def body(self, octets):
        """Return a body with other identifiers in it."""
        octets = re.sub(_UUID, lambda m: self.of("id", m[0], lambda n: b"%08x" % n + _UUID_REST), octets)
        octets = re.sub(_REGISTRATION, lambda m: self.registration(m[0]), octets)
        octets = re.sub(_SET, lambda m: self.of("set", m[0], lambda n: b"a%015x" % n), octets)
        sets = self._known.get("set", {}).values()
        return re.sub(_DOCUMENT, lambda m: m[0] if m[0] in sets else self._document(m[0]), octets)

    def registration(self, digits):
        """Return a Registration ID, in hexadecimal digits."""
        return self.of("registration", digits, lambda n: b"0b%010x" % n)

    def _document(self, digits):
        return self.of("document", digits, lambda n: b"d%015x" % n)

    def datagram(self, octets):
        """Return a datagram with another Message ID, Token, ETag and other identifiers."""
        message = aiocoap.Message.decode(octets)
        size = len(message.token)
        made = octets[:2] + self.of(
            "mid", (self._exchange, octets[2:4]), lambda n: (0x1000 + n).to_bytes(2, "big")
        )
        if size:
            made += self.of(
                "token", octets[4 : 4 + size], lambda n: (0xA0 << 8 * (size - 1) | n).to_bytes(size, "big")
            )
        at = 4 + size
        for number, value, end in _walk(octets):
            head, at = octets[at : end - len(value)], end
            if number == OptionNumber.ETAG:
                value = self.of(
                    "etag",
                    value,
                    lambda n: (0xE0 << 56 | n).to_bytes(8, "big"),
                )
            made += head + self.body(value)
        return made + octets[at : at + 1] + self.body(message.payload)


def title(octets):
    """Return the head in words: "POST /msgin5g, Confirmable, Content-Format 50 (application/json)"."""
    message = aiocoap.Message.decode(octets)
    code = int(message.code)
    if code == 0:
        return "Empty " + TYPES[octets[0] >> 4 & 3]
    words = []
    if code < 32:
        path = "".join("/" + each for each in message.opt.uri_path)
        query = "?" + "&".join(message.opt.uri_query) if message.opt.uri_query else ""
        words.append("%s %s%s" % (METHODS[code], path, query))
    else:
        words.append("%d.%02d" % (code >> 5, code & 31))
    words.append(
        {"CON": "Confirmable", "NON": "Non-confirmable", "ACK": "in the Acknowledgement"}[
            TYPES[octets[0] >> 4 & 3]
        ]
    )
    for number, value in _options(octets):
        if number in (OptionNumber.URI_PATH, OptionNumber.URI_QUERY):
            continue
        words.append("%s %s" % (_name(number), _value(number, value)))
    return ", ".join(words)


def body(octets):
    """Return the payload as people read it: JSON with white space, or as it is."""
    payload = aiocoap.Message.decode(octets).payload
    try:
        value = json.loads(payload)
    except ValueError:
        return payload.decode()
    return _written(value)


def _written(value, indent=""):
    """JSON, an object or a list in one line where that is short."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(flat) <= 100 or not isinstance(value, dict | list) or not value:
        return flat
    inner = indent + "  "
    if isinstance(value, dict):
        rows = [inner + json.dumps(name) + ": " + _written(each, inner) for name, each in value.items()]
        return "{\n" + ",\n".join(rows) + "\n" + indent + "}"
    return "[\n" + ",\n".join(inner + _written(each, inner) for each in value) + "\n" + indent + "]"


def listing(octets):
    """Return the octets in hex, with what they are behind them."""
    message = aiocoap.Message.decode(octets)
    size = len(message.token)
    code = int(message.code)
    said = METHODS.get(code) or ("Empty" if code == 0 else "")
    what = "version 1, %s, Token of %s; %d.%02d%s; Message ID" % (
        TYPES[octets[0] >> 4 & 3],
        counted(size, "octet"),
        code >> 5,
        code & 31,
        " " + said if said else "",
    )
    rows = [(octets[:4], what)]
    if size:
        rows.append((octets[4 : 4 + size], "Token"))
    at = 4 + size
    for number, value, end in _walk(octets):
        rows.append(
            (octets[at:end], "%s (%d) %s" % (_name(number), number, _value(number, value, short=True)))
        )
        at = end
    if message.payload:
        rest = octets[at:]
        rows.append((rest[:1], "payload of %s" % counted(len(message.payload), "octet")))
        rows += [(rest[at : at + WIDTH], "") for at in range(1, len(rest), WIDTH)]
    return "\n".join(row(*each) for each in rows)


def row(octets, what):
    """Return octets in hex with what they are, in one line where that has room."""
    if not what or len(octets) <= WIDTH // 2:
        return ("%-*s %s" % (WIDTH // 2 * 3, octets.hex(" "), what)).rstrip()
    lines = [octets[at : at + WIDTH].hex(" ") for at in range(0, len(octets), WIDTH)]
    return "\n".join(lines) + "\n%s %s" % (" " * (WIDTH // 2 * 3), what)


def _walk(octets):
    """Each option: (number, value, where it ends)."""
    at, number = 4 + (octets[0] & 15), 0
    while at < len(octets) and octets[at] != 0xFF:
        delta, length = octets[at] >> 4, octets[at] & 15
        at += 1
        found = []
        for each in (delta, length):
            if each == 13:
                each, at = octets[at] + 13, at + 1
            elif each == 14:
                each, at = int.from_bytes(octets[at : at + 2], "big") + 269, at + 2
            found.append(each)
        number += found[0]
        at += found[1]
        yield number, octets[at - found[1] : at], at


def _options(octets):
    return [(number, value) for number, value, _ in _walk(octets)]


def _name(number):
    return OptionNumber(number).name.title().replace("_", "-").replace("Etag", "ETag")


def _value(number, value, short=False):
    if number in (OptionNumber.CONTENT_FORMAT, OptionNumber.ACCEPT):
        form = int.from_bytes(value, "big")
        return "%d%s" % (form, "" if short else " (%s)" % FORMATS[form])
    if number in (OptionNumber.URI_PATH, OptionNumber.URI_QUERY, OptionNumber.LOCATION_PATH):
        return '"%s"' % value.decode()
    if number == OptionNumber.ETAG:
        return value.hex()
    return str(int.from_bytes(value, "big"))


__all__ = ("Names", "body", "listing", "row", "title")
