# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Responses that come in blocks: Block2 of RFC 7959 section 2.4, the client's side. Imported when the first of these
comes.
"""
def add_response_block(exchange, request, message, max_body):
    """Take a response with a Block option. Return (kind, None) where the exchange ends with an event of that kind,
    or (None, body) where `request`, a copy of the last one, was changed to ask for the next block. The exchange
    itself is not changed: the caller gives it `body`.
    """
