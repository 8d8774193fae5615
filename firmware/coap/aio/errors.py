# SPDX-License-Identifier: MIT
"""How a call on the network can fail, beside what `coap.errors` has. Imported when the first of them is raised or asked
for: `coap.aio.NoAnswer`.

The errno values are those of Linux and of MicroPython's ports.
"""

import sys

from ..compat import const

_TYPING = const(False)
if _TYPING:
    from typing import Any

_ECONNRESET = const(104)
_ETIMEDOUT = const(110)
_ECANCELED = const(125)


class NoAnswer(OSError):
    """Nothing came back (RFC 7252 section 4.2)."""

    def __init__(self, why: str) -> None:
        super().__init__(_ETIMEDOUT, why)


class Refused(OSError):
    """The peer answered with Reset: it lacks what it needs to handle the message (RFC 7252 section 4.2)."""

    def __init__(self, why: str) -> None:
        super().__init__(_ECONNRESET, why)


class Closed(OSError):
    """The context was closed while something waited for it, or it is used outside of its `async with`."""

    def __init__(self, why: str = "the context is closed, or was not opened") -> None:
        super().__init__(_ECANCELED, why)


class Incomplete(Exception):
    """A body in blocks did not come whole: it changed under way, is longer than what is taken, or a block failed.

    `response` is the Message that it ended with.
    """

    response: "Any" = None


class Unverified(Exception):
    """Nothing came but a response that OSCORE does not accept (RFC 8613 section 8.4)."""


Error = (NoAnswer, Refused, Closed, Incomplete, Unverified)  # for `except coap.aio.Error`


def tell(error: BaseException) -> None:
    """Print an exception that nobody awaits, with its traceback. Raise nothing."""
    try:
        if hasattr(sys, "print_exception"):
            sys.print_exception(error)
        else:
            sys.excepthook(type(error), error, error.__traceback__)
    except Exception:
        pass  # no memory for it; nobody reads any more
