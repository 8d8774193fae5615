# SPDX-License-Identifier: MIT
"""What a picture is made of: a device's trace, a capture, or the steps of a message that the page has."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tools.line.remote import Board
from tools.store.faults import StoreError
from tools.store.opening import open_store
from tools.trace import ring, sources
from tools.trace.steps import DEVICE, Step, of_life
from tools.wire.bodies import parse
from tools.words import why

_TEXT = 4 << 20  # octets of a file that is text; a ring has 20 KB
_ASK = "from device import console\nconsole.trace()\n"
_OFF = "nothing is traced"


@dataclass
class Material:
    """Either `said`, Said and Noted, or `steps`; `missing`: a sentence, where something is."""

    said: Iterable = ()
    steps: list[Step] | None = None
    missing: str = ""


def keys_of_store(path):
    """The Keys of all devices of a gateway's store. Raises ValueError."""
    try:
        store = open_store(path, serving=False, create=False)
    except StoreError as error:
        raise ValueError(str(error)) from None
    try:
        return store.all_keys()
    finally:
        store.close()


def read(source, ends, reader):
    """The Material of a port or a file. Raises Unreadable, UsageError."""
    if sources.is_port(source):
        return _of_board(source)
    try:
        with open(source, "rb") as file:
            head = file.read(4)
            octets = b"" if sources.is_capture(head) else head + file.read(_TEXT)
    except OSError as error:
        raise sources.Unreadable(f"{source}: {why(error)}") from None
    if octets[:1] == b"{":
        return _of_json(source, octets)
    text = octets.decode(errors="replace")
    if ring.is_ring(text):
        return Material(*_noted(text))
    return Material(map(reader.read, sources.read(source, ends)))


def _noted(text):
    said, missing = ring.read(text)
    return said, None, missing


def _of_board(port):
    with Board(port, reset=False) as board:
        text = board.printed("read its trace", _ASK)
    if not ring.is_ring(text):
        if _OFF in text:
            raise sources.Unreadable(
                f"{port}: the board keeps no trace: console.trace(True) there begins one"
            )
        raise sources.Unreadable(
            f"{port}: the firmware on the board keeps no trace: flash one of this version"
        )
    return Material(*_noted(text))


def _of_json(source, octets):
    try:
        return Material(steps=of_life(parse(octets)))
    except ValueError:
        raise sources.Unreadable(
            f"{source}: it is JSON, and no message's life as /api/messages/FROM/MSGID gives it"
        ) from None


def of_device(said, wanted):
    """What concerns one device: the `wanted` HOST:PORT, or all where none is. One alone needs no address."""
    if wanted is not None:
        name = f"{DEVICE} {wanted}"
        said = [
            each for each in said if all(not end.startswith(DEVICE) or end == name for end in _ends(each))
        ]
    devices = {end for each in said for end in _ends(each) if end.startswith(DEVICE)}
    if len(devices) != 1:
        return said
    (only,) = devices
    return [_renamed(each, only) for each in said]


def _ends(each):
    return each.who, getattr(each, "to", each.who)


def _renamed(each, only):
    changes = {name: DEVICE for name in ("who", "to") if getattr(each, name, None) == only}
    return replace(each, **changes) if changes else each
