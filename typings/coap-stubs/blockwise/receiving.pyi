# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Bodies that peers send us in blocks: Block1 of RFC 7959 section 2.5, the server's side. Imported when the first such
request comes.

Which body a block belongs to is told by who sends it and by what the requests of one body have in common, its
Request-Tag among it (RFC 9175 section 3.3), so several may come at once, interleaved. They are bounded: for each
sender, so that one can't use up the places of all, and in all.
"""
from typing import Final
ANYWHERE: Final = 2
def add_request_block(endpoint, incoming, others, now):
    """Take a request with a Block option. Return the answer to it; None where it is for the layer above (the payload of
    the last block is the whole body then, bytes or Pieces); False where that has its event already.

    `others` are all requests that wait for their answer, this one among them.
    """
def too_long(endpoint, datagram, peer):
    """Return the options of the 4.13 that answers a datagram which is too long: Size1 with what is taken in blocks, but
    for a stream, which has no bound; to a block, Block1 with the size that fits (section 2.9.3).
    """
