# SPDX-License-Identifier: MIT
"""Identifiers and words that more than one layer needs: of the service, of addresses, of priorities."""

from coap.compat import json_octets

SERVICE_IDENTIFIER = "urn:3gpp:msgin5g"
PORT = 65401  # MSGin5GMD, TS 29.641 table 5-1
GROUP = "224.0.1.187"  # All CoAP Nodes, RFC 7252 section 12.8: where gateways are asked for
PRIORITIES = ("HIGH", "NORMAL", "LOW")
DESTINATIONS = ("UE", "AS", "GROUP", "BC", "TOPIC")
MANY = ("GROUP", "TOPIC", "BC")  # destinations that stand for several recipients


def quoted(name):
    """Return a short text as a JSON string in UTF-8. Mostly it has nothing to escape, and to see that takes less than
    to let `json` do it."""
    octets = name.encode()
    if not octets or b'"' in octets or b"\\" in octets or min(octets) < 0x20:
        return json_octets(name)
    return b'"' + octets + b'"'


def service_id_error(value):
    """Return why `value` cannot be a service ID, or None (TS 23.554 clause 6.1: a URI; kindly, any string)."""
    octets = value.encode() if isinstance(value, str) else b""
    if not 1 <= len(octets) <= 255:
        return "must be a string of 1 to 255 octets"
    if min(octets) < 0x20 or b"\x7f" in octets:  # octets: see coap.compat.printable
        return "must not contain control characters"
    return None


def digits(text):
    """Return the number that 1 to 10 ASCII digits say, else None. int() takes more, and a str's isdigit() too."""
    if len(text) > 10 or not text.encode().isdigit():
        return None
    return int(text)
