# SPDX-License-Identifier: MIT
"""Requests that want no response, or none of some classes: No-Response, RFC 7967. Loaded with the first of them."""

from .. import numbers
from ..compat import const
from ..message import MessageError

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from ..message import Message

_ALL = const(26)  # 2.xx, 4.xx and 5.xx
_SAYS_NOTHING = const(1)  # 2.xx without payload: no bit of the RFC's, since class 1 is none of responses


def expected(
    request: "Message", binding: "Any", many: int | None, parameters: numbers.Parameters
) -> tuple[int, bool] | None:
    """Return how long (ms) to wait for responses to a request until silence is its good end, and whether anybody may
    answer it. None where one response is expected as always.

    It is `many` ms where it goes to a group. With No-Response it is no time at all where no class of responses is
    wanted. Raise MessageError where it is no request for that.
    """
    if many is not None:
        from .multicast import check

        check(request, binding)
        return many, True
    unwanted = request.uint(numbers.NO_RESPONSE, 0) & _ALL  # type: ignore[operator]
    if not unwanted:
        return None
    if request.option(numbers.OBSERVE) is not None:
        raise MessageError("No-Response: what is observed is answered")
    if unwanted == _ALL:
        return 0, False
    return parameters.max_transmit_wait if request.type == numbers.CON else parameters.non_lifetime, False


def unwanted(quiet: int, response: "Message") -> bool:
    """Return whether a response is one that Incoming.quiet keeps from being sent.

    That a block has come (2.31) is always said: without it the next one does not come.
    """
    code = response.code
    if code == numbers.CONTINUE:
        return False
    filled = hasattr(response.payload, "read") or len(response.payload)
    if quiet & _SAYS_NOTHING and numbers.is_success(code) and not filled:
        return True
    return bool(quiet >> (code >> 5) - 1 & 1)
