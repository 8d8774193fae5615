# SPDX-License-Identifier: MIT
"""Helpers for the device tests, on every interpreter.

Such a test is a function `test_*` without arguments that returns nothing, in the Python that CPython and MicroPython
share. MicroPython's assert shows nothing of what it compared: use equal().
"""

import binascii
import os

from coap.compat import ticks_diff

_DAY = 86400000


class Skip(Exception):
    """Raised by a test that can't run here, with the reason."""


def equal(actual, expected):
    """Fails with both values where they differ."""
    if actual != expected:
        raise AssertionError("\n  actual   {}\n  expected {}".format(_show(actual), _show(expected)))


def raises(error, function, *args, **named):
    """The error that the call ended with. Fails where it ended with none; another one goes on."""
    try:
        result = function(*args, **named)
    except error as caught:
        return caught
    raise AssertionError("{} was not raised; the call gave {}".format(error.__name__, _show(result)))


class Random:
    """Numbers that look random and are the same for a seed on every interpreter (xorshift32)."""

    def __init__(self, seed):
        # The state must not be 0, which would stay 0. Neighbouring seeds are spread by the first steps.
        self._state = (seed * 2654435761 + 88172645) & 0xFFFFFFFF or 1
        for _ in range(8):
            self._next()

    def _next(self):
        state = self._state
        state ^= (state << 13) & 0xFFFFFFFF
        state ^= state >> 17
        state ^= (state << 5) & 0xFFFFFFFF
        self._state = state
        return state

    def below(self, limit):
        """A number from 0 to limit - 1."""
        return self._next() % limit

    def chance(self, percent):
        """True in so many of a hundred cases."""
        return self.below(10000) < percent * 100

    def choice(self, items):
        return items[self.below(len(items))]

    def bytes(self, size):
        return bytes([self._next() >> 11 & 255 for _ in range(size)])


def _nothing(*args):
    pass


class Folder:
    """A FileStorage in a folder of its own, which goes away with what is in it: for tests whose heap must not hold what
    a board has on flash."""

    def __enter__(self):
        # late: the package comes with the runner, and the heap has room for that only once all else stands
        from coap.oscore.files import FileStorage

        self._path = "/tmp/msgin5g-test-" + str(binascii.hexlify(os.urandom(6)), "ascii")
        self._storage = storage = FileStorage(self._path)
        # No power is cut here, and a disk takes some ms each time that it must keep something.
        storage._sync = _nothing
        storage._settle = _nothing
        return storage

    def __exit__(self, *error):
        for name in self._storage.names():
            self._storage.remove(name)
        os.rmdir(self._path)


def next_deadline(client):
    """What a client says, which is what it would find anew: what it kept is never stale."""
    deadline = client.next_deadline()
    try:
        anew = client._soonest(client.now)
    except (MemoryError, RuntimeError):  # of a test that lets them fail
        return deadline
    assert client._stale or deadline == anew, (deadline, anew)  # stale: there was no memory to look
    _registration_kept(client.registration, client.now)
    return deadline


def _registration_kept(registration, now):
    """Fails where a registration keeps a deadline that is later than the one that it would find anew."""
    kept = getattr(registration, "_known", None)
    if kept is None or ticks_diff(kept, now) > _DAY:  # nobody looked for longer than ticks can tell
        return
    registration._known = None
    try:
        anew = registration.next_deadline(now)
    except (MemoryError, RuntimeError):  # as above
        anew = None
    registration._known = kept
    # Sooner it may be: what lies further ahead than a day is looked at once a day.
    assert anew is None or ticks_diff(kept, anew) <= 0, (kept, anew)


# --- walking through a table of states: each state against each event -----------------------------------

SAME = None  # the event means nothing


def walk(names, expected, reach, events):
    """Every cell: `expected` has (state, states after the events in their order)."""
    equal(list(names), [row[0] for row in expected])
    for row in expected:
        for position, event in enumerate(events):
            thing = reach(row[0])
            equal((row[0], "before", stands(thing)), (row[0], "before", row[0]))
            event(thing)
            wanted = row[0] if row[1 + position] is SAME else row[1 + position]
            equal((row[0], position, stands(thing)), (row[0], position, wanted))


def stands(thing):
    for name in ("stands", "state"):
        if hasattr(thing, name):
            return getattr(thing, name)


def _show(value):
    """A value as text, octets as hex: that is how protocols are read."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        value = bytes(value)
        return "{!r} ({} octets: {})".format(value, len(value), value.hex())
    return repr(value)
