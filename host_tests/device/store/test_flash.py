# SPDX-License-Identifier: MIT
# heap: 512k, the flash chip lies in it too
"""The same promises on littlefs: the power goes within a programming step of the chip."""

import gc

from application_life import L3Life
from common import Skip, equal
from life import AFTER, BEFORE, TORN, Life

try:
    import vfs
except ImportError:
    vfs = None

_STEPS = 10
_BLOCKS = 64


def _storage():
    if vfs is None:
        raise Skip("littlefs is a module of MicroPython")
    from flash import FlashStorage

    gc.collect()
    return FlashStorage(_BLOCKS)


def test_a_cut_within_the_chip():
    """Wherever the chip stops, littlefs mounts again, the journal reads, and nothing is lost or doubled."""
    _cut_within_the_chip(Life)


def test_a_cut_within_the_chip_of_an_application_client():
    """Its large messages are files that grow piece by piece as they come in."""
    _cut_within_the_chip(L3Life)


def _cut_within_the_chip(kind):
    storage = _storage()
    life = kind(_STEPS, storage=storage)
    life.run()
    programs = storage.flash.programs
    life.check()
    storage.close()
    assert programs > 100, programs
    for at in range(3, programs, programs // 7):
        for how in (BEFORE, TORN, AFTER):
            storage = _storage()
            life = kind(_STEPS, storage=storage)
            storage.plan(storage.flash.programs + at, how)
            try:
                life.run()
                assert life.restarts == 1, at
                life.check()
            finally:
                storage.close()


def test_what_a_message_costs_the_chip():
    """Two appends a message: what they erase and program is printed for the README, and bounded."""
    storage = _storage()
    life = Life(0, storage=storage)
    before = storage.flash.erases, life.device.journal.writes
    count = 100
    for number in range(count):
        life.device.send("as:x", "21.%d" % number, life.now, to_type="AS")
        life.settle(1000)
    erases = storage.flash.erases - before[0]
    writes = life.device.journal.writes - before[1]
    storage.close()
    equal(len(life.accepted), count)
    print("%d messages: %d journal writes, %d erases of %d octets" % (count, writes, erases, 512))
    assert writes <= 2 * count + 2, writes
