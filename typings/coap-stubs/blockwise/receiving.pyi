# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Bodies that peers send us in blocks: Block1 of RFC 7959 section 2.5, the server's side. Imported when the first such
request comes.
"""
def add_request_block(bodies, incoming, deadline, max_body, whole):
    """Take a request with a Block option. Return None where the body is complete (the request's payload is then the
    whole of it, bytes or Pieces), else the answer to the block.

    `bodies` are those under way: at most two that peers are sending, and one for each peer; `whole` is the number
    of complete ones that wait for their answer. `deadline` is when to forget this body unless another block comes.
    """
