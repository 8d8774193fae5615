# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

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
from .. import numbers as numbers
from ..message import MessageError as MessageError
def begin(endpoint, message, peer, now, tag, into):
    """Send a request whose payload does not fit a datagram or is read, or whose response goes `into` something; return
    its Exchange. Raise as Endpoint.request does.
    """
def begun(endpoint, exchange, response):
    """Return what deals with the responses to a request that went out without blocks, when the first one comes that has
    a Block option, or is 4.13.
    """
