# SPDX-License-Identifier: MIT
"""A new MicroPython for the board itself, where its flash has two partitions for one: the ESP32's with a table for that
(esp32.Partition). Imported with the first bundle of kind image.

Written to the port's own C (ports/esp32/esp32_partition.c), and run on it over an imitation of ESP-IDF; not yet on a
chip. Octets go to flash as they come, none is kept in the heap. What was written before a power cut is known by the
caller's progress, not by reading: see begin().
"""

import asyncio
import hashlib

from coap.compat import const

_BLOCK = const(4096)  # octets that are erased at once: Partition's own block
_READ = const(1024)
_ERASE = const(6)  # MP_BLOCKDEV_IOCTL_BLOCK_ERASE
_ADDRESS, _SIZE, _LABEL, _ENCRYPTED = const(2), const(3), const(4), const(5)  # places in Partition.info()

_partition = None  # that is written to
_size = 0  # octets of the image
_at = 0  # of them written


class Unable(Exception):
    """The board cannot, or the image is none; the text says why, and what to do."""


def begin(size: int, have: int = 0) -> int:
    """Make ready for `size` octets, of which `have` were written before a restart; return how many of them count.

    A block that was not full may have more in it than was noted, and is erased and written anew as a whole. Raise
    Unable.
    """
    global _partition, _size, _at
    partition = _other()
    room = partition.info()[_SIZE]
    if size > room:
        raise Unable("the image has %d octets, the partition for it %d" % (size, room))
    _partition = partition
    _size = size
    _at = have if have >= size else have - have % _BLOCK
    return _at


def write(octets: "bytes | memoryview") -> None:
    """Write the next octets, as many as there are. Raise OSError where the flash fails."""
    global _at
    rest = memoryview(octets)
    while len(rest):
        block, within = divmod(_at, _BLOCK)
        if not within:
            _partition.ioctl(_ERASE, block)
        part = rest[: _BLOCK - within]
        _partition.writeblocks(block, part, within)
        _at += len(part)
        rest = rest[len(part) :]


async def end(digest: bytes) -> bool:
    """Read back all that was written, and return whether its SHA-256 is this. Other tasks go on meanwhile. Raise
    OSError where the flash fails.
    """
    read = hashlib.sha256()
    buffer = memoryview(bytearray(_READ))
    for at in range(0, _size, _READ):
        part = buffer[: min(_READ, _size - at)]
        _partition.readblocks(at // _BLOCK, part, at % _BLOCK)
        read.update(part)
        await asyncio.sleep(0)
    return _at == _size and read.digest() == digest


def target() -> str:
    """Return the label of the partition that begin() and activate() are about. Raise Unable."""
    return _other().info()[_LABEL]


def running() -> str:
    """Return the label of the partition that this MicroPython runs from. Raise Unable."""
    partition = _class()
    return partition(partition.RUNNING).info()[_LABEL]


def activate() -> str:
    """Have the boot loader start the new image with the next reset, once: until confirm() each reset after that one
    brings back the image that runs now. Return the label of its partition. Raise Unable where ESP-IDF takes it for
    no image.
    """
    partition = _other()
    try:
        partition.set_boot()
    except OSError as error:
        raise Unable("ESP-IDF refuses it (%s)" % error.args[-1])
    return partition.info()[_LABEL]


def confirm() -> None:
    """Have the boot loader keep the image that runs. Raise OSError where it is not on trial, or the flash fails."""
    _class().mark_app_valid_cancel_rollback()


def _class():
    """Return esp32.Partition."""
    try:
        from esp32 import Partition

        return Partition
    except ImportError:
        raise Unable("this board has one slot for MicroPython; flash it by cable")


def _other():
    """Return the partition that does not run."""
    partition = _class()
    now = partition(partition.RUNNING)
    try:
        other = now.get_next_update()
    except OSError:  # ENOENT: there is none
        other = now
    info = other.info()
    if info[_ADDRESS] == now.info()[_ADDRESS]:
        raise Unable("this board has one slot for MicroPython; flash it by cable")
    if info[_ENCRYPTED]:
        raise Unable("its flash is encrypted, and takes pieces of 16 octets only; flash it by cable")
    return other
