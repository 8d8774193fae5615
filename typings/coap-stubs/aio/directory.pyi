# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Registration at a Resource Directory, and its renewal: RFC 9176. Imported by `Context.register`."""
from typing import Any
from .response import Response

class Registration:
    """A registration that is renewed until `close`, or until its context is closed, which leaves it in the directory
    until its lifetime is over.

    `registered`: the last try was good, so the directory has it as far as we know. `location` is what the directory
    called it, None for a simple registration. `response` is the last Response, `failure` the exception that ended the
    last try, None where a Response did. `stats` counts "registered" and "failed" tries.
    """
    registered: bool
    location: str | None
    response: Response | None
    failure: Exception | None
    stats: dict
    def __init__(self, context: Any, uri: str, query: list[tuple[int, bytes]], lt: int, full: bool) -> None: ...
    async def close(self) -> None:
        """End the renewal, and delete the registration where it has a location (section 5.3.2); a simple one stays in
        the directory until its lifetime is over (section 5.1). Raise as Context.request does; then it may be called
        again.
        """
    async def attempt(self) -> int:
        """Register, or renew the registration. Return the seconds until the next time. Raise asyncio.CancelledError and
        MemoryError alone.
        """
    def begin(self, wait: int) -> None:
        """Have it renewed from now on, the first time after so many seconds."""
async def register(context: Any, uri: str, ep: str, lt: int=90000, full: bool=False, **parameters: str) -> Registration:
    """Register the resources of the context's site: see Context.register."""
