# SPDX-License-Identifier: MIT
"""Identifiers and words that more than one layer needs: of the service, of addresses, of priorities; message IDs; and
the error of a body that has none such.

Message IDs are random UUIDs (RFC 9562 section 5.4), 16 octets on L3 and text everywhere else.
"""

import binascii

from coap.compat import PLAIN, json_octets, json_string

SERVICE_IDENTIFIER = "urn:3gpp:msgin5g"
PORT = 65401  # MSGin5GMD, TS 29.641 table 5-1
GROUP = "224.0.1.187"  # All CoAP Nodes, RFC 7252 section 12.8: where gateways are asked for
PRIORITIES = ("HIGH", "NORMAL", "LOW")
DESTINATIONS = ("UE", "AS", "GROUP", "BC", "TOPIC")
MANY = ("GROUP", "TOPIC", "BC")  # destinations that stand for several recipients


# With a message its destination is asked for three times: the name that was escaped last, and how; and that of the
# last service ID which could be one.
_last = [None, b"", None]


def quoted(name):
    """Return a text as a JSON string in UTF-8."""
    return json_string(name.encode())


def escaped(name):
    """Return what stands between the quotes of that."""
    if name != _last[0]:
        octets = name.encode()
        if octets.strip(PLAIN):
            octets = json_octets(name)[1:-1]
        _last[0] = None  # Ctrl-C may come between any two of these: never one name with the octets of another
        _last[1] = octets
        _last[0] = name
    return _last[1]


def service_id_error(value):
    """Return why `value` cannot be a service ID, or None (TS 23.554 clause 6.1: a URI; kindly, any string)."""
    if value and value == _last[2]:
        return None
    octets = value.encode() if isinstance(value, str) else b""
    if not 1 <= len(octets) <= 255:
        return "must be a string of 1 to 255 octets"
    # octets: see coap.compat.printable
    if octets.strip(PLAIN) and (min(octets) < 0x20 or b"\x7f" in octets):
        return "must not contain control characters"
    _last[2] = value
    return None


def digits(text):
    """Return the number that 1 to 10 ASCII digits say, else None. int() takes more, and a str's isdigit() too."""
    if len(text) > 10 or not text.encode().isdigit():
        return None
    return int(text)


def new_id(random):
    """Return the 16 octets of a new message ID; `random(n)` gives n octets."""
    octets = bytearray(random(16))
    octets[6] = octets[6] & 0x0F | 0x40
    octets[8] = octets[8] & 0x3F | 0x80
    return bytes(octets)


def id_text(octets):
    """Return the lower-case text of a message ID's 16 octets."""
    text = binascii.hexlify(octets)
    return str(b"-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:])), "ascii")


def id_octets(text):
    """Return the 16 octets of a message ID in text. Raise ValueError for a text that is none."""
    made = binascii.unhexlify(text.replace("-", ""))
    if len(made) != 16:
        raise ValueError("not a UUID: " + text)
    return made


class BodyError(ValueError):
    """A JSON body breaks clause 7.3 of TS 24.538. `member` names the culprit, str() is fit for a diagnostic payload."""

    code = 128  # coap.BAD_REQUEST
    max_age = None

    def __init__(self, member: str, why: str) -> None:
        super().__init__("%s: %s" % (member, why))
        self.member = member
