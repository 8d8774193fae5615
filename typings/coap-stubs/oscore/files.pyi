# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""A storage that is a folder of the board's file system, for OSCORE and for who keeps messages beside its numbers."""
from .._contracts import Octets

class FileStorage:
    """Files below `folder`, which is made where it is missing, also after an application has deleted it."""
    def __init__(self, folder: str) -> None: ...
    def append(self, name: str, octets: Octets, more: bool=False) -> int | None:
        """Add at the end of a file, made where it is new; return its length.

        With `more` a power cut may take the octets until the next append to this file without it, which may be of none.
        The file stays open: littlefs goes on within its last block, which else it copies into a new one each time.
        """
    def read(self, name: str, offset: int, size: int) -> bytes:
        """Return up to `size` octets from `offset`."""
    def replace(self, name: str, octets: Octets) -> None:
        """Have all of the new file or, after a power cut, all of the old one."""
    def remove(self, name: str) -> None:
        """Remove a file, where it is there."""
    def names(self) -> list[str]:
        """Return the names of all files."""
