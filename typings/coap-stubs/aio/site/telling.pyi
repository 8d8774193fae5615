# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Exceptions of handlers, told to who reads the console: each once a minute, since a peer can cause them at will."""

class Told:
    """Which exceptions were told lately. One is known by its type and the pattern of the route."""
    def __init__(self) -> None: ...
    def failed(self, pattern: str, error: Exception) -> None:
        """Tell of an exception that a handler raised, or count it. Raise MemoryError."""
