# SPDX-License-Identifier: MIT
"""Paths and queries, and the options that stand for them: RFC 7252 section 6.4. Whole URIs are in `coap.uri.whole`,
which who has none does not load.
"""

from .. import numbers

HEX = b"0123456789abcdef"


def path_options(path: str) -> list[tuple[int, bytes]]:
    """Uri-Path and Uri-Query options of what stands behind the authority of a URI, an absolute path and perhaps
    a query: "/a/b?c=1" -> three options, "/" -> none (section 6.4). %XX is an octet.

    Raise ValueError that names the part: no "/" at the beginning, a fragment, a "%" without two hex digits, "." and
    "..", a part of more than 255 octets.
    """
    if "#" in path:
        raise ValueError("path %r: a request has no fragment (#)" % path)
    path, query, arguments = path.partition("?")
    parts = path.split("/")
    if parts.pop(0):
        raise ValueError("path %r must begin with /" % path)
    options = []
    for part in parts if path != "/" else ():
        value = unescaped(part)
        if value == b"." or value == b"..":
            raise ValueError("path %r: no part may be %s (section 5.10.1)" % (path, str(value, "utf-8")))
        options.append((numbers.URI_PATH, value))
    if query:
        for part in arguments.split("&"):
            options.append((numbers.URI_QUERY, unescaped(part)))
    return options


def unescaped(part: str) -> bytes:
    """Return the octets that a part of a URI stands for. Raise ValueError."""
    octets = part.encode()
    if b"%" in octets:
        first, *rest = octets.split(b"%")
        data = bytearray(first)
        for each in rest:
            digits = each[:2].lower()
            if len(digits) < 2 or [digit for digit in digits if digit not in HEX]:
                raise ValueError("%r: %% must be followed by two hex digits" % part)
            data.append(int(digits, 16))
            data += each[2:]
        octets = bytes(data)
    if len(octets) > 255:
        raise ValueError("%r: %d octets, an option of a path or query holds 255" % (part[:20], len(octets)))
    return octets
