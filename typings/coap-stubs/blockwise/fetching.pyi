# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Responses that come in blocks: Block2 of RFC 7959 sections 2.4 and 2.7, the client's side; and those that go into a
file as they come. Imported when the first of them comes or is asked for.
"""
from typing import Any

class Fetch:
    """The body of a response, on its way to us: collected, or written to `into`.

    `length` is how many octets came, from where the request asked for. `observed` is (the Observe option of the first
    block, its token, its binding), None before it came.
    """
    source: Any
    into: Any
    length: int
    observed: Any
    failure: Any
    def __init__(self, message, into=None, cut=None): ...
    def go_on(self, endpoint, exchange, response):
        """Take a response: return None where the next block is asked for, else the kind of event that ends the
        exchange. Raise where it can't go on, and MemoryError: then the same response may come again.
        """
