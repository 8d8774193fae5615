# SPDX-License-Identifier: MIT
"""The target address of MSGin5G-5 from text: TS 24.538 clause A.2.2.2, TS 23.003 clause 28.3.2."""

from .l3 import FQDN, IPV4, IPV6


def target(text):
    """Return (address type, octets) of an IPv4 or IPv6 address or a fully qualified domain name.

    Raise ValueError for anything else: a service ID does not go over L3, the gateway knows it by such a name.
    """
    octets = _ipv4(text)
    if octets is not None:
        return IPV4, octets
    octets = _ipv6(text)
    if octets is not None:
        return IPV6, octets
    octets = _fqdn(text)
    if octets is not None:
        return FQDN, octets
    raise ValueError(
        "to: %s is no target of an L3 message: an FQDN, an IPv4 or an IPv6 address is,"
        " which the gateway's table translates to a service ID" % text
    )


def _ipv4(text):
    parts = text.split(".")
    if len(parts) != 4:
        return None
    for part in parts:
        # no leading zero: some read it as octal
        if not _digits(part) or len(part) > 3 or int(part) > 255 or (part[0] == "0" and part != "0"):
            return None
    return bytes([int(part) for part in parts])


def _digits(part):
    return part.isdigit() and len(part) == len(part.encode())


def _ipv6(text):
    """Return the 16 octets of an IPv6 address in text (RFC 4291 section 2.2), the form with a dotted end too."""
    if ":" not in text:
        return None
    last = text[text.rfind(":") + 1 :]
    if "." in last:
        octets = _ipv4(last)
        if octets is None:
            return None
        dotted = "%x:%x" % (octets[0] << 8 | octets[1], octets[2] << 8 | octets[3])
        text = text[: -len(last)] + dotted
    front, gap, rear = text.partition("::")
    front, rear = _groups(front), _groups(rear)
    if front is None or rear is None:
        return None
    missing = 16 - len(front) - len(rear)
    if (missing < 2) if gap else missing:
        return None
    return front + bytes(missing) + rear


def _groups(text):
    octets = b""
    if not text:
        return octets
    for group in text.split(":"):
        if not 1 <= len(group) <= 4:
            return None
        for character in group:
            if character not in "0123456789abcdefABCDEF":
                return None
        octets += int(group, 16).to_bytes(2, "big")
    return octets


def _fqdn(text):
    """Return labels, each behind its length, without an end mark."""
    octets = b""
    for label in text.split("."):
        if not 1 <= len(label) <= 63:
            return None
        for character in label:
            if not ("a" <= character <= "z" or "A" <= character <= "Z" or character in "0123456789-"):
                return None
        octets += bytes((len(label),)) + label.encode()
    # one octet of type before it, so that 4 is the least that table A.2.1.1 allows, and 254 the most
    return octets if 4 <= len(octets) <= 254 else None
