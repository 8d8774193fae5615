# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Whole URIs and the options that stand for them: RFC 7252 sections 6.4 and 6.5.

    scheme, host, port, options = parse("coap://example.org/a?b=c")
    uri = compose(request, ("192.0.2.1", 5683))

Imported by who has URIs.
"""
from typing import Final
from .._contracts import Peer
from ..message import Message
PORT: Final = 5683
def parse(uri: str, destination: Peer=None) -> tuple[str, str, int | None, list[tuple[int, bytes]]]:
    """Return (scheme, host, port, options) of an absolute URI, coap or coap+uart (section 6.4).

    `host` is a name in lower case, an IPv4 address, or an IPv6 address without brackets, with "%zone" where it has
    one (RFC 6874). `port` is None for coap+uart, whose host is the name of the line, which may be empty. `options` are
    Uri-Host where the host is a name of the network, Uri-Path and Uri-Query; with `destination`, the (host, port) that
    the request goes to, also Uri-Host and Uri-Port where they are others than these. Characters beyond ASCII are
    encoded as UTF-8. "." and ".." are resolved.

    Raise ValueError that names the part.
    """
def compose(message: Message, peer: Peer, scheme: str='coap') -> str:
    """Return the URI that a request to `peer`, (host, port) or the name of a line, asks for (section 6.5)."""
def location(message: Message) -> str | None:
    """Return what a response says of the resource that was created, "/a/b?c=1"; None where it says nothing (section
    5.10.7).
    """
def is_literal(host: str) -> bool:
    """Return whether a host is an IPv4 or IPv6 address, and no name."""
