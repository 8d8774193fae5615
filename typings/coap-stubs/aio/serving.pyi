# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""The part of a Context that has a site answer the requests of peers, each in a task of its own."""
from collections.abc import Callable
from typing import Any
from ..endpoint import Endpoint
from ..message import Message

class Serving:
    """The answers of a Context as a server; it is a base class of that, and uses its attributes."""
    endpoint: Endpoint
    site: Any
    flush: Callable[..., None]
    def respond(self, incoming: Any, message: Message, observe: bool=False) -> None:
        """Answer a request of a peer: Endpoint.respond, and what it raises; where it is about what can be observed, or
        came again for an observer, Observers.respond.
        """
    def changed(self, path: str, confirmable: bool=False) -> int | None:
        """Have the observers of a resource of the site notified: see Site.changed. Return how many there are, None
        where the context is closed.
        """
