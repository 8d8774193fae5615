# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""What must hold over power cuts so that no nonce is used twice and no request is taken twice: RFC 8613 sections
7.2.1 and 7.4, appendix B.1.
"""
from typing import Any
from typing import Final
from .._contracts import Storage
IN_USE: Final = 'another program uses the key of %s: end it and start this one again, or provision a key for each'

class Sequence:
    """The numbers of our own messages, each given once in the life of the key, whatever happens to the power.

    The file `name` of `storage` (see msgin5g.store.storage) holds a number above all that were given, and is written
    anew once in 64 of them. After a restart the numbers go on from there; those between are lost.

    `floor` is a number of the peer's, as high as was written: none up to it can be new. The file has it where it is
    not -1 (docs/flash-format.md).
    """
    stored: Any
    floor: Any
    shared: bool
    def __init__(self, storage: Storage, name: str) -> None: ...
    def next_number(self):
        """Return the next number. Raise StateError when there is none, OSError when the storage fails: then none was
        given.
        """
    def reserve(self, floor=-1):
        """Write a number ahead of those in use. Raise as `next_number` does, StateError also where somebody else has
        written the file since: both would use the same numbers.
        """
    def skip(self, count):
        """Skip the next `count` numbers. Raise as `next_number` does; then none was skipped."""

class ReplayWindow:
    """Which of the peer's numbers have been seen: the highest, and which of the 31 below it."""
    SIZE: int
    highest: Any
    seen: int
    def __init__(self): ...
    @property
    def known(self):
        """Whether it is known what was seen: not after a restart."""
    @property
    def lowest(self):
        """The lowest number that can be new."""
    def begin(self, number):
        """Take note that all up to `number` have been seen; -1 for a key that was never used."""
    def is_new(self, number):
        """Return whether a number was not seen yet."""
    def strike(self, number):
        """Take note that it has been seen now."""
