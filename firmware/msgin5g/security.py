# SPDX-License-Identifier: MIT
"""The POST that carries a body, and the room in it under the security that the configuration asks for."""

from coap.compat import const
from coap.message import Message, encode, uint_octets

from .wire.identifiers import PORT

PATH = "/msgin5g"
# of coap.numbers
_CON = const(0)
_NON = const(1)
_POST = const(2)
_URI_HOST = const(3)
_URI_PORT = const(7)
_AROUND = const(4 + 4 + 8 + 2 + 1)  # octets around a body: head, token, these options, the marker
# What OSCORE (RFC 8613) adds to a request at most, IDs apart: the option's head 2, flags 1, Partial IV 5, the length of
# an ID Context 1; a second payload marker, the inner code, the tag 8. And an Echo option of 8 octets with its head,
# which a gateway asks for that has restarted: a message that is cut to fit must fit with it as well.
_OVERHEAD = const(2 + 1 + 5 + 1 + 1 + 1 + 8 + 3 + 8)


def request(config, body, confirmable):
    """Return the POST that carries `body` (docs/wire-profile.md, "Transport")."""
    options = [(11, b"msgin5g"), (12, b"2")]  # Uri-Path as PATH, Content-Format 50: application/json
    if config.server_host is not None:
        options.append((_URI_HOST, config.server_host.encode()))
        if config.server_port != PORT:
            options.append((_URI_PORT, uint_octets(config.server_port)))
    return Message(_POST, body, options, _CON if confirmable else _NON)


def room(config):
    """Return the octets of the longest body that fits a datagram, protected or not."""
    around = _AROUND
    if config.server_host is not None:
        around = len(encode(request(config, b"", True), 0, 0, bytes(4))) + 1
    return config.coap["max_datagram"] - around - overhead(config)


def overhead(config):
    """Return octets that a request may grow by when it is protected."""
    keys = config.security
    if keys["mode"] == "none":
        return 0
    return _OVERHEAD + len(keys["sender_id"]) + len(keys["id_context"] or b"")
