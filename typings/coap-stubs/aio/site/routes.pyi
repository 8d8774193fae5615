# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Which handler a path has. A path is a list of Uri-Path options, not a text: an option "a/b" is one segment."""
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

class Route:
    """A pattern, the methods that it is for, its handler, and what else Site.route was told about it."""
    consumes: Any
    etag: Any
    observe: bool
    stream: Any
    listed: Any
    attributes: Any
    pattern: str
    methods: Sequence[int]
    handler: Callable[..., Any]
    segments: Any
    order: Any
    def __init__(self, pattern: str, methods: Sequence[int], handler: Callable[..., Any]) -> None: ...
    def shape(self) -> Any:
        """Return what two routes have in common that are for the same paths."""
    def is_exact(self) -> bool:
        """Return whether it is for one path, and no pattern."""
    def captured(self, path: Sequence[bytes]) -> dict[str, Any] | None:
        """Return what the path has in the place of <NAME>, {name: str or int}; None where the pattern is not for it."""
def path_of(message: Any) -> list[bytes] | None:
    """Return the Uri-Path options of a request; None where one is "." or "..", which no Uri-Path may be (RFC 7252
    section 5.10.1), or is not UTF-8: no resource has such a name.
    """
