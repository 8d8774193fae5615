# SPDX-License-Identifier: MIT
"""A new MicroPython over the air (device/update/image.py), on the port's own esp32_partition.c: what it writes, what a
power cut leaves of it, and which of two the boot loader starts."""

import asyncio
import binascii
import gc
import hashlib
import struct
import sys

from esp32 import Partition

import idf
import virtual
from common import equal, raises
from device.update import image
from device.update.image import Unable

# partitions-4MiB-ota.csv and partitions-4MiB.csv of the port, the partitions for MicroPython made smaller
PLACE = 0x10000
ROOM = 0x4000
OTA = (
    ("nvs", 1, 2, 0x9000, 0x4000),
    ("otadata", 1, 0, 0xD000, 0x2000),
    ("phy_init", 1, 1, 0xF000, 0x1000),
    ("ota_0", 0, 0x10, PLACE, ROOM),
    ("ota_1", 0, 0x11, PLACE + ROOM, ROOM),
    ("vfs", 1, 0x81, PLACE + 2 * ROOM, 0x1000),
)
SINGLE = (
    ("nvs", 1, 2, 0x9000, 0x6000),
    ("phy_init", 1, 1, 0xF000, 0x1000),
    ("factory", 0, 0, PLACE, ROOM),
    ("vfs", 1, 0x81, PLACE + ROOM, 0x1000),
)
ONE_OTA = OTA[:4] + OTA[5:]
NEVER = -1  # of the power: it does not go

# What esptool 5 makes of a segment with the octets 0 to 19
HEADER = binascii.unhexlify("e901000000000840ee000000000000000000000000000001")
BY_ESPTOOL = HEADER + binascii.unhexlify(
    "0000002014000000000102030405060708090a0b0c0d0e0f10111213"
    "0000000000000000000000ef4df3cbd07e88f46acb075f872bb0e862d10897696b9d7a3524aa713d4cde2645"
)


def made(data):
    """The octets of an image (ESP-IDF, "App Image Format"): a checksum that ends a piece of 16, a SHA-256."""
    octets = HEADER + struct.pack("<II", 0x20000000, len(data)) + data
    octets += bytes(15 - len(octets) % 16)
    check = 0xEF
    for octet in data:
        check ^= octet
    octets += bytes((check,))
    return octets + hashlib.sha256(octets).digest()


OLD = made(b"old" * 100)
NEW = made(bytes(range(256)) * 40)  # three blocks, the last one not full
DIGEST = hashlib.sha256(NEW).digest()


def chip(table=OTA, place="ota_0"):
    """A chip as it was flashed by cable, running."""
    idf.power_cycle()
    idf.partitions(table)
    Partition(place).writeblocks(0, OLD + bytes(-len(OLD) % 4096))
    equal(idf.boot(), place)


def load(octets, have=0, piece=512):
    """Write them in pieces; what a caller would have noted of them when the power went."""
    have = image.begin(len(octets), have)
    while have < len(octets):
        try:
            image.write(octets[have : have + piece])
        except OSError as error:
            equal(error.args[1], "ESP_FAIL")
            break
        have += piece
    return min(have, len(octets))


def is_whole(digest=DIGEST):
    return virtual.run(image.end(digest))


def test_an_image_is_what_esptool_makes():
    equal(made(bytes(range(20))), BY_ESPTOOL)


def test_it_runs_and_stays_once_it_is_confirmed():
    chip()
    equal((image.running(), image.target()), ("ota_0", "ota_1"))
    load(NEW)
    equal(is_whole(), True)
    equal(image.activate(), "ota_1")
    equal(image.running(), "ota_0")
    equal(idf.boot(), "ota_1")
    equal((image.running(), image.target()), ("ota_1", "ota_0"))
    image.confirm()
    equal([idf.boot() for _ in range(3)], ["ota_1"] * 3)
    # and the next one, in the place of the first
    load(OLD)
    equal(is_whole(hashlib.sha256(OLD).digest()), True)
    equal(image.activate(), "ota_0")
    equal(idf.boot(), "ota_0")


def test_it_goes_back_at_the_first_reset_without():
    chip()
    for _ in range(2):  # the second time the boot loader's own notes are other ones
        load(NEW)
        image.activate()
        equal([idf.boot() for _ in range(3)], ["ota_1", "ota_0", "ota_0"])


def test_confirmed_while_none_is_on_trial():
    """The number of the error is ESP-IDF's, which the port makes negative."""
    chip(SINGLE, "factory")
    equal(raises(OSError, image.confirm).args[1], "ESP_ERR_NOT_FOUND")


def test_a_board_with_one_slot():
    for table, place in ((SINGLE, "factory"), (ONE_OTA, "ota_0")):
        chip(table, place)
        for call, *arguments in ((image.begin, 10), (image.target,), (image.activate,)):
            equal(
                str(raises(Unable, call, *arguments)),
                "this board has one slot for MicroPython; flash it by cable",
            )
    sys.modules["esp32"] = idf  # a board without: no such class
    try:
        for call, *arguments in ((image.begin, 10), (image.running,), (image.activate,), (image.confirm,)):
            raises(Unable, call, *arguments)
    finally:
        del sys.modules["esp32"]


def test_one_that_is_too_long():
    chip()
    equal(image.begin(ROOM), 0)
    equal(
        str(raises(Unable, image.begin, ROOM + 1)),
        "the image has 16385 octets, the partition for it 16384",
    )


def test_one_that_is_none():
    """Its hash is right, so that it came as it was signed; ESP-IDF looks at the rest before it would be started."""
    for at in (0, 1, 28, len(NEW) - 33, len(NEW) - 1):
        chip()
        wrong = bytearray(NEW)
        wrong[at] ^= 0xFF
        load(wrong)
        equal(is_whole(hashlib.sha256(wrong).digest()), True)
        equal(str(raises(Unable, image.activate)), "ESP-IDF refuses it (ESP_ERR_OTA_VALIDATE_FAILED)")
        equal(idf.boot(), "ota_0")


def test_a_wrong_octet_is_seen():
    for at in (0, 4095, 4096, len(NEW) - 1):
        chip()
        wrong = bytearray(NEW)
        wrong[at] ^= 1
        load(wrong)
        equal(is_whole(), False)
    load(NEW)  # over it, anew
    equal(is_whole(), True)


def test_half_of_one_is_none():
    chip()
    image.begin(len(NEW))
    image.write(NEW[:5000])
    equal(is_whole(hashlib.sha256(NEW[:5000]).digest()), False)


def test_pieces_of_any_length():
    for piece in (1000, 4096, 5000, len(NEW)):
        chip()
        load(NEW, piece=piece)
        equal(is_whole(), True)


def test_where_it_goes_on():
    chip()
    length = len(NEW)
    noted = (0, 1, 4095, 4096, 5000, length - 1, length)
    equal([image.begin(length, have) for have in noted], [0, 0, 0, 4096, 4096, 8192, length])


def test_a_power_cut_at_each_change_of_the_flash():
    """While it comes, and while the boot loader is told: the chip starts with one or the other, whole, and what was
    noted of the image is enough to go on with."""
    seen = set()
    for changes in range(200):
        chip()
        idf.set(flash_left=changes)
        have = load(NEW)
        activated = False
        if have == len(NEW):
            try:
                image.activate()
                activated = True
            except Unable as error:
                equal(str(error), "ESP-IDF refuses it (ESP_FAIL)")
        cut = idf.get("flash_left") != 0
        runs = idf.boot()
        seen.add((have == len(NEW), activated, runs))
        if activated:
            break
        equal((cut, runs), (True, "ota_0"))
        load(NEW, have)
        equal(is_whole(), True)
        image.activate()
        equal(idf.boot(), "ota_1")
        image.confirm()
        equal(idf.boot(), "ota_1")
    equal(seen, {(False, False, "ota_0"), (True, False, "ota_0"), (True, True, "ota_1")})


def test_a_power_cut_while_it_is_confirmed():
    """It was confirmed, or goes back: nothing else."""
    for changes in (0, 1, NEVER):
        chip()
        load(NEW)
        image.activate()
        idf.boot()
        idf.set(flash_left=changes)
        try:
            image.confirm()
            confirmed = True
        except OSError:
            confirmed = False
        equal((confirmed, idf.boot()), (changes == NEVER, "ota_1" if changes == NEVER else "ota_0"))


def test_other_tasks_go_on_while_it_is_read():
    turns = []

    async def beside():
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    async def both():
        task = asyncio.create_task(beside())
        whole = await image.end(DIGEST)
        task.cancel()
        return whole

    chip()
    load(NEW)
    equal(virtual.run(both()), True)
    equal(len(turns), len(NEW) // 1024 + 1)


def test_nothing_of_it_stays_in_the_heap():
    chip()
    image.begin(ROOM)
    piece = bytes(512)
    gc.collect()
    before = gc.mem_alloc()
    for _ in range(ROOM // 512):
        image.write(piece)
    gc.collect()
    assert gc.mem_alloc() - before < 512, gc.mem_alloc() - before
