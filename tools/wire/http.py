# SPDX-License-Identifier: MIT
"""What is asked over HTTP, and what it is answered with, in words that need no HTTP."""

from collections.abc import Callable
from typing import NamedTuple


class Reply(NamedTuple):
    """What a request is answered with."""

    status: int = 200
    body: dict | list | None = None  # to be written as JSON
    location: str | None = None  # the path of what was made


class Route(NamedTuple):
    """What is asked by this method on this path.

    `decide(body, now, caller=Caller, **parameters)` gives the Reply, None where nothing is at that path (404), or
    raises Malformed or Refusal. `body` is the JSON object of a POST, PUT or PATCH, else None; the parameters are the
    words in braces of the path. `public`: nobody needs a token for it; who knows the path may ask.
    """

    method: str
    path: str
    decide: Callable[..., Reply | None]
    public: bool = False
