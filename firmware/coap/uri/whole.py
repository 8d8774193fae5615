# SPDX-License-Identifier: MIT
"""Whole URIs and the options that stand for them: RFC 7252 sections 6.4 and 6.5.

    scheme, host, port, options = parse("coap://example.org/a?b=c")
    uri = compose(request, ("192.0.2.1", 5683))

Imported by who has URIs.
"""

from .. import numbers
from ..compat import const
from ..message import uint_octets
from . import HEX, path_options, unescaped

_TYPING = const(False)
if _TYPING:
    from contracts import Peer

    from ..message import Message

PORT = const(5683)  # of coap (section 6.1)

# Octets that stand for themselves (RFC 3986 section 2): unreserved, and of the sub-delims all but "&", which is one of
# a path alone
_PLAIN = const(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$'()*+,;=")
_NEVER = const(b'"<>\\^`{|}\x7f')  # and all up to the space: no URI has them


def parse(uri: str, destination: "Peer" = None) -> tuple[str, str, int | None, list[tuple[int, bytes]]]:
    """Return (scheme, host, port, options) of an absolute URI, coap or coap+uart (section 6.4).

    `host` is a name in lower case, an IPv4 address, or an IPv6 address without brackets, with "%zone" where it has
    one (RFC 6874). `port` is None for coap+uart, whose host is the name of the line, which may be empty. `options` are
    Uri-Host where the host is a name of the network, Uri-Path and Uri-Query; with `destination`, the (host, port) that
    the request goes to, also Uri-Host and Uri-Port where they are others than these. Characters beyond ASCII are
    encoded as UTF-8. "." and ".." are resolved.

    Raise ValueError that names the part.
    """
    scheme, mark, rest = uri.partition("://")
    if not mark:
        raise ValueError("URI %r: it must begin with coap://HOST" % uri)
    scheme = scheme.lower()
    try:
        authority, path = _split(scheme, rest)
        host, literal, port = _authority(authority)
        options = path_options(_resolved(path))
        if scheme == "coap+uart":
            if port is not None:
                raise ValueError("a line has no port")
            return scheme, host, None, options
        if not host:
            raise ValueError("the host is missing")
    except ValueError as error:
        raise ValueError("URI %r: %s" % (uri, error))
    port = port or PORT
    if destination is None:
        destination = host if literal else None, port
    named = []
    if host != destination[0]:
        named.append((numbers.URI_HOST, host.encode()))
    if port != destination[1]:
        named.append((numbers.URI_PORT, uint_octets(port)))
    return scheme, host, port, named + options


def compose(message: "Message", peer: "Peer", scheme: str = "coap") -> str:
    """Return the URI that a request to `peer`, (host, port) or the name of a line, asks for (section 6.5)."""
    name = message.option(numbers.URI_HOST)
    host, port = (peer, None) if isinstance(peer, str) else (peer[0], peer[1])
    if name is not None:
        try:
            host = str(name, "utf-8")
        except UnicodeError:
            host = ""  # no address: any octets can be escaped
    port = message.uint(numbers.URI_PORT, port)
    if ":" in host and is_literal(host):
        address, percent, zone = host.partition("%")
        authority = "[%s%s]" % (address, percent and "%25" + _escaped(zone.encode(), b""))
    else:
        authority = _escaped(name or host.encode(), b"&")
    if port is not None and port != PORT:
        authority += ":%d" % port
    return scheme + "://" + authority + _composed(message, numbers.URI_PATH, numbers.URI_QUERY)


def location(message: "Message") -> str | None:
    """Return what a response says of the resource that was created, "/a/b?c=1"; None where it says nothing (section
    5.10.7)."""
    if message.option(numbers.LOCATION_PATH) is None and message.option(numbers.LOCATION_QUERY) is None:
        return None
    return _composed(message, numbers.LOCATION_PATH, numbers.LOCATION_QUERY)


def is_literal(host: str) -> bool:
    """Return whether a host is an IPv4 or IPv6 address, and no name."""
    return _is_ipv4(host) or _is_ipv6(host.partition("%")[0])


def _resolved(path):
    """Return a path and its query without "." and "..", as RFC 3986 section 5.2.4 has it. Raise ValueError."""
    path, query, arguments = path.partition("?")
    given = path.split("/")[1:]
    parts = []
    for index, part in enumerate(given):
        value = unescaped(part)
        if value != b"." and value != b"..":
            parts.append(part)
            continue
        if value == b".." and parts:
            parts.pop()
        if index == len(given) - 1 and parts:
            parts.append("")  # "/a/b/.." is "/a/"
    return "/" + "/".join(parts) + query + arguments


def _split(scheme, rest):
    """Return (authority, path with query) of what stands behind "://". Raise ValueError."""
    if scheme != "coap" and scheme != "coap+uart":
        raise ValueError("scheme %r is not supported, %s" % (scheme, _instead(scheme)))
    if "#" in rest:
        raise ValueError("a request has no fragment (#)")
    for octet in rest.encode():
        if octet <= 0x20 or octet in _NEVER:
            raise ValueError("the octet 0x%02x must be escaped as %%%02X" % (octet, octet))
    end = len(rest)
    for mark in ("/", "?"):
        place = rest.find(mark)
        if 0 <= place < end:
            end = place
    path = rest[end:]
    return rest[:end], path if path.startswith("/") else "/" + path


def _instead(scheme):
    if scheme in ("coaps", "coaps+tcp", "coaps+ws"):
        return "there is no DTLS and no TLS: use coap with OSCORE"
    if scheme in ("coap+tcp", "coap+ws"):
        return "there is CoAP over UDP alone: use coap"
    return "use coap or coap+uart"


def _authority(authority):
    """Return (host, whether it is an address, port or None). Raise ValueError."""
    if "@" in authority:
        raise ValueError("no user may stand before the host (%r)" % authority.partition("@")[0])
    if authority.startswith("["):
        host, bracket, port = authority[1:].partition("]")
        host, percent, zone = host.partition("%25")
        host = host.lower()  # and not the zone: that is the name of an interface
        if not bracket or port and not port.startswith(":") or not _is_ipv6(host) or percent and not zone:
            raise ValueError("host %r is no IPv6 address in brackets" % authority)
        literal = True
        host += zone and "%" + _text("zone", zone)
        port = port[1:]
    else:
        host, _, port = authority.partition(":")
        if "[" in host or "]" in host:
            raise ValueError("host %r: brackets stand around an IPv6 address alone" % host)
        host = _text("host", host).lower()
        literal = _is_ipv4(host)
    if not port:
        return host, literal, None
    number = 0
    for octet in port.encode():
        if not 0x30 <= octet <= 0x39 or number > 65535:
            number = 0
            break
        number = 10 * number + octet - 0x30
    if not 0 < number <= 65535:
        raise ValueError("port %r is none from 1 to 65535" % port)
    return host, literal, number


def _text(name, part):
    """Return what a part of an authority stands for. Raise ValueError."""
    try:
        return str(unescaped(part), "utf-8")
    except UnicodeError:
        raise ValueError("%s %r is no UTF-8" % (name, part))


def _is_ipv4(text):
    parts = text.encode().split(b".")
    for part in parts:
        if not part or len(part) > 3 or part.strip(b"0123456789") or int(part) > 255:
            return False
        if part[0] == 0x30 and len(part) > 1:
            return False  # RFC 3986 section 3.2.2
    return len(parts) == 4


def _is_ipv6(text):
    head, gap, tail = text.partition("::")
    groups = head.split(":") if head else []
    groups += tail.split(":") if tail else []
    size = 0
    for index, group in enumerate(groups):
        if "." in group:
            if index < len(groups) - 1 or gap and not tail or not _is_ipv4(group):
                return False
            size += 2
        elif 0 < len(group) <= 4 and not group.lower().encode().strip(HEX):
            size += 1
        else:
            return False
    return size < 8 if gap else size == 8


def _composed(message, of_path, of_query):
    path = query = ""
    for number, value in message.options:
        if number == of_path:
            path += "/" + _escaped(value, b":@&")
        elif number == of_query:
            query += ("&" if query else "?") + _escaped(value, b":@/?")
    return (path or "/") + query


def _escaped(octets, more):
    text = b""
    for octet in octets:
        plain = octet in _PLAIN or octet in more
        text += bytes((octet,)) if plain else b"%%%02X" % octet
    return text.decode()
