# SPDX-License-Identifier: MIT
"""The CoRE Link Format of RFC 6690, as far as a gateway says with it that it is one (TS 23.554 clause 8.2.8).

Loaded where a device looks for its gateway. All of it works on octets: they are anybody's (coap.compat.printable).
"""

from coap.uri.link_format import links

_TARGET = b"/msgin5g"
_TYPE = b"msgin5g.gw"


def gateway(octets: bytes) -> "tuple[int | None, bytes | None] | None":
    """Return (sz, ep) of the link to a gateway: octets that it takes in a datagram, and its UE Service ID; None for
    what it does not say. Return None where no link is one.

    Raise ValueError for what is no link format, and where there is no link at all.
    """
    found = None
    empty = True
    for target, attributes in links(octets):
        empty = False
        # A resource has types with blanks between them (section 3.1).
        if found is None and target == _TARGET and _TYPE in attributes.get(b"rt", b"").split():
            size = attributes.get(b"sz", b"")
            # isdigit() of MicroPython wants a string where one octet is no digit
            plain = 0 < len(size) < 8 and not size.strip(b"0123456789")
            found = int(size) if plain else None, attributes.get(b"ep")
    if empty:
        raise ValueError("no link")
    return found


def domain(service_id: bytes) -> bytes | None:
    """Return the domain in a UE Service ID, in small letters: what follows its last "@", else the authority of the URI
    that it is; None where it has none."""
    _, at, name = service_id.rpartition(b"@")
    if not at:
        _, slashes, rest = service_id.partition(b"://")
        name = rest.split(b"/")[0] if slashes else b""
    return bytes(name).lower() or None
