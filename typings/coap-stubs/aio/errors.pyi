# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""How a call on the network can fail, beside what `coap.errors` has. Imported when the first of them is raised or asked
for: `coap.aio.NoAnswer`.

The errno values are those of Linux and of MicroPython's ports.
"""
from typing import Any
Error: tuple

class NoAnswer(OSError):
    """Nothing came back (RFC 7252 section 4.2)."""
    def __init__(self, why: str) -> None: ...

class Refused(OSError):
    """The peer answered with Reset: it lacks what it needs to handle the message (RFC 7252 section 4.2)."""
    def __init__(self, why: str) -> None: ...

class Closed(OSError):
    """The context was closed while something waited for it, or it is used outside of its `async with`."""
    def __init__(self, why: str='the context is closed, or was not opened') -> None: ...

class Incomplete(Exception):
    """A body in blocks did not come whole: it changed under way, is longer than what is taken, or a block failed.

    `response` is the Message that it ended with.
    """
    response: Any

class Unverified(Exception):
    """Nothing came but a response that OSCORE does not accept (RFC 8613 section 8.4)."""
def tell(error: BaseException) -> None:
    """Print an exception that nobody awaits, with its traceback. Raise nothing."""
