# SPDX-License-Identifier: MIT
"""Bodies that are longer than a message: block-wise transfers, RFC 7959. A module is imported when the first block of
its kind comes or goes.

| module | what |
| --- | --- |
| `option` | the Block options, and what the requests of one body have in common |
| `bodies` | a body under way, in pieces; `Pieces` |
| `receiving` | bodies that peers send us |
| `streams` | those that the layer above takes block by block |
| `slicing` | responses of ours in blocks |
| `keeping` | those that are kept while a peer fetches them |
| `uploading` | bodies of our requests |
| `parts` | the parts of what goes out, from memory or from a file |
| `fetching` | bodies that come as responses to us |
"""

from .. import numbers
from ..message import MessageError


def begin(endpoint, message, peer, now, tag, into):
    """Send a request whose payload does not fit a datagram or is read, or whose response goes `into` something; return
    its Exchange. Raise as Endpoint.request does."""
    payload = message.payload
    if hasattr(payload, "read"):
        if not endpoint.max_body:
            raise MessageError("max_body is 0: a payload with read() goes out in blocks")
    elif into is not None and len(payload) <= endpoint.max_datagram:
        from .fetching import Fetch

        cut = None
        if payload:
            from .uploading import cut
        try:
            return endpoint.request(message, peer, now, tag, None, Fetch(message, into, cut))
        except MessageError:
            if not endpoint.max_body or not payload:
                raise
    from .uploading import upload

    return upload(endpoint, message, peer, now, tag, into)


def begun(endpoint, exchange, response):
    """Return what deals with the responses to a request that went out without blocks, when the first one comes that has
    a Block option, or is 4.13."""
    if response.code == numbers.REQUEST_ENTITY_TOO_LARGE:
        from .uploading import cut

        body = cut(endpoint, exchange, response, None)
        if body:
            return body
    from .fetching import Fetch

    return Fetch(endpoint.request_of(exchange))


def __getattr__(name):
    if name == "Pieces":
        from .bodies import Pieces

        return Pieces
    if name == "ANYWHERE":
        from .receiving import ANYWHERE

        return ANYWHERE
    from ..compat import submodule

    return submodule("coap.blockwise", name)
