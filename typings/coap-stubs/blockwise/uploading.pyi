# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Requests whose body goes out in blocks: Block1 of RFC 7959 sections 2.5 and 2.9, the client's side, with Request-Tag
(RFC 9175 section 3). Imported when the first of them is sent.
"""
from typing import Any

class Upload:
    """A body of ours on its way. `source` gives it, `options` are those of each block.

    A block leaves once the one before it was answered, and no more than that one block is in memory. What is sent
    again is the datagram, so a part is read once.
    """
    observed: Any
    into: Any
    failure: Any
    source: Any
    options: Any
    def __init__(self, endpoint, message, into): ...
    def start(self, endpoint, peer, now, tag, exponent):
        """Send the first block, or the whole where that is one."""
    def request(self, start, exponent, part, more, options):
        """Return the Message of a block. Raise ValueError where there is less than there was at first: it would be
        taken for the whole.
        """
    def go_on(self, endpoint, exchange, response):
        """Take a response: return None where the next block goes out, else the kind of event that ends the exchange.
        Raise where it can't go on, and MemoryError: then all is as before.
        """
def upload(endpoint, message, peer, now, tag, into):
    """Send a request, its body in blocks where one does not hold it; return its Exchange. Raise as Endpoint.request
    does, and what reading the payload raises; then nothing was sent, and the payload stands where it stood if it can
    go back.
    """
def cut(endpoint, exchange, response, into):
    """Return the Upload of a body that went out in one message and was answered by 4.13, which is a hint to try blocks
    (section 2.9.3); None where that would not help.
    """
