# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Responses in blocks: Block2 of RFC 7959 sections 2.4 and 2.7, the server's side. Imported when a request has a Block
option or a response is larger than a datagram.

For each block a GET runs anew, so that nothing is kept between them: that the content changed meanwhile shows in its
ETag. Other methods must not run again, so their response is kept until the peer has it all; so is one that is read from
a source which can't seek.
"""
def sliced(endpoint, incoming, response, now):
    """Return what goes out for `response`, and the source that is to be closed then or None. It has the Block options
    of the request, and the part of its payload that is asked for, in the size that is asked for or in a smaller one
    that fits a datagram.

    `incoming` may be the request of an observation, `response` a notification: that gets the first block, and the rest
    is asked for by requests (section 2.6).
    """
