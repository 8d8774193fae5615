# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Exceptions of handlers, told to who reads the console: each once a minute, since a peer can cause them at will."""

class Told:
    """Which exceptions were told lately. One is known by its type and the path of the request."""
    def __init__(self) -> None: ...
    def failed(self, message, error):
        """Tell of an exception that the handler of a request raised, or count it. Raise MemoryError."""
