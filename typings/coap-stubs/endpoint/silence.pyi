# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Requests that want no response, or none of some classes: No-Response, RFC 7967. Loaded with the first of them."""
from typing import Any
from .. import numbers
from ..message import Message
def expected(request: Message, binding: Any, many: int | None, parameters: numbers.Parameters) -> tuple[int, bool] | None:
    """Return how long (ms) to wait for responses to a request until silence is its good end, and whether anybody may
    answer it. None where one response is expected as always.

    It is `many` ms where it goes to a group. With No-Response it is no time at all where no class of responses is
    wanted. Raise MessageError where it is no request for that.
    """
def unwanted(quiet: int, response: Message) -> bool:
    """Return whether a response is one that Incoming.quiet keeps from being sent.

    That a block has come (2.31) is always said: without it the next one does not come.
    """
