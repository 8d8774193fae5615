# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""A storage in the heap."""
from .._contracts import Octets

class MemoryStorage:
    """Files in the heap: for tests, and for a board without a file system. A restart loses them, so a key of OSCORE
    that is kept here must be a new one after each restart.
    """
    def __init__(self) -> None: ...
    def append(self, name: str, octets: Octets, more: bool=False) -> None:
        """Add at the end of a file, made where it is new; `more` means nothing here."""
    def read(self, name: str, offset: int, size: int) -> bytes:
        """Return up to `size` octets from `offset`."""
    def replace(self, name: str, octets: Octets) -> None:
        """Have all of the new file."""
    def remove(self, name: str) -> None:
        """Remove a file, where it is there."""
    def names(self) -> list[str]:
        """Return the names of all files."""
