# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Sequence numbers of notifications: RFC 7641 sections 3.4 and 4.4.

A client that kept its token over a restart of ours compares the new numbers with the old ones, for 128 seconds. So
what comes after a restart must be newer than what came before: by a clock that keeps its time, or by what is stored.
Where `known` is False there is neither, and `Observers` waits for 128 seconds.
"""
from collections.abc import Callable
from typing import Any
from .._contracts import Storage

class Unknown:
    """Numbers that begin anywhere: they rise, and nothing is known of those before a restart."""
    known: bool
    def __init__(self, random: Callable[[int], bytes]) -> None: ...
    def next_number(self) -> int:
        """Return the next number."""

class Clock:
    """Numbers that are the time: `milliseconds()` of a clock that goes on while the power is off, and that nobody
    sets back. Section 4.4 allows 32 numbers a millisecond. Where it is set ahead, the numbers follow in steps, each of
    which is newer than the one before.
    """
    known: bool
    def __init__(self, milliseconds: Callable[[], int]) -> None: ...
    def next_number(self) -> int:
        """Return the next number: the time, or one more than the last where the clock has not moved on."""

class Stored:
    """Numbers that go on over a restart: the file `name` of `storage` has one that is ahead of all that were given, and
    is written anew once in 65,536 of them, and once after a start.

    Where the file is damaged they begin anew, and `known` is False. Raise OSError where the storage fails.
    """
    known: Any
    def __init__(self, storage: Storage, name: str='observe') -> None: ...
    def next_number(self) -> int:
        """Return the next number. Raise OSError where the storage fails: then none was given."""
