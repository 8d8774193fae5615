# SPDX-License-Identifier: MIT
# heap: 256k, the files of the board and the server lie in it too
"""The small files of docs/flash-format.md, `topics`, `boot` and `oscore-X`: versions, and whatever may lie there."""

from hashlib import sha256

import coap
from coap.oscore import StateError
from coap.oscore.state import Sequence
from common import Random, equal, raises
from device.starts import Starts
from msgin5g import MemoryStorage
from msgin5g_scene import Scene, agree

ONE = b'1\n[["alerts",false]]'


def granting(asked):
    if asked.kind != "TOPIC":
        return agree(asked)
    return coap.CONTENT, b'{"subStatus":true}', [(coap.OBSERVE, b"\x01"), (coap.MAX_AGE, b"\x0e\x10")]


def scene(octets, name="topics"):
    storage = MemoryStorage()
    if octets:
        storage.replace(name, octets)
    return Scene(granting, storage).start()


def subscribed(device):
    return [str(asked.message.options[2][1], "utf-8") for asked in device.of("TOPIC")]


def subscribe(device, topic):
    subscription = device.client.subscribe(topic, device.tick)
    device._pump()
    return subscription


def content(device, name="topics"):
    return device.storage.read(name, 0, 999)


def test_topics_have_a_version():
    device = scene(b"")
    equal(subscribe(device, "alerts").state, "subscribed")
    equal(content(device), ONE)
    equal(subscribed(scene(ONE)), ["alerts"])
    equal(subscribed(scene(b'[["alerts",false]]')), ["alerts"])  # version 0


def test_topics_with_a_field_more_or_fewer():
    device = scene(b'1\n[["alerts",false,{"qos":1},2],["weather"],[],["fire",false]]')
    equal(sorted(subscribed(device)), ["alerts", "fire", "weather"])
    subscribe(device, "gas")
    # what a later firmware added is kept
    equal(
        content(device), b'1\n[["alerts",false,{"qos":1},2],["weather",false],["fire",false],["gas",false]]'
    )


def test_topics_of_any_type():
    """One that is well among those that are not is subscribed."""
    for value in (
        b"null",
        b"7",
        b'"x"',
        b"{}",
        b"[]",
        b"[7,false]",
        b'["",false]',
        b'["a\\n",false]',
        b'["a",7]',
    ):
        for head in (b"", b"1\n"):
            octets = head + b'[["alerts",false],' + value + b',["fire",false]]'
            topics = subscribed(scene(octets))
            assert topics[0] == "alerts" and topics[-1] == "fire" and len(topics) == 2, (octets, topics)
    # not more than can be asked for, and each once
    many = ['["t%d",false],["t%d",false]' % (number, number) for number in range(30)]
    equal(len(subscribed(scene(("1\n[" + ",".join(many) + "]").encode()))), 8)


def test_topics_that_mean_nothing():
    for octets in (
        b"1\n",
        b"\n",
        b"1",
        b"1\n{}",
        b"1\n7",
        b"x\n[]",
        b'1\n{"a":1}',
        b"1\n\xff",
        b"[" * 5000,
        b"-1\n[]",
    ):
        device = scene(octets)
        equal(subscribed(device), [])
        equal(subscribe(device, "alerts").state, "subscribed")
        equal(content(device), ONE)
    for seed in range(50):
        random = Random(seed + 1)
        octets = random.bytes(random.below(100))
        if not octets[:1].isdigit():
            equal(subscribe(scene(octets), "alerts").state, "subscribed")


def test_topics_of_a_newer_version_are_left_alone():
    for octets in (b'2\n{"topics":[]}', b'2\n[["alerts",false]]', b"10\n\xff\xfe"):
        device = scene(octets)
        equal(subscribed(device), [])
        equal(subscribe(device, "fire").state, "subscribed")
        device.client.unsubscribe("fire", device.tick)
        device._pump()
        equal(content(device), octets)


class Board:
    def __init__(self, octets=None):
        self.storage = MemoryStorage()
        if octets is not None:
            self.storage.replace("boot", octets)

    def reset_cause(self):
        return "power-on"


def started(octets):
    board = Board(octets)
    starts = Starts(board)
    starts.begin(0)
    return board, starts


def test_boot_has_a_version():
    board, starts = started(None)
    equal(board.storage.read("boot", 0, 99), b"1 0 1 1\n")
    board, starts = started(b"7 2 0\nlast words")  # version 0
    equal((starts.boots, starts.bad, starts.words), (8, 2, "last words"))
    equal(board.storage.read("boot", 0, 99), b"8 2 1 1\nlast words")


def test_boot_of_a_newer_version_keeps_what_is_not_known():
    board, starts = started(b"7 2 0 2 99 x\nlast words")
    equal((starts.boots, starts.bad, starts.words), (8, 2, "last words"))
    equal(board.storage.read("boot", 0, 99), b"8 2 1 2 99 x\nlast words")


def test_boot_that_is_damaged_costs_only_what_is_damaged():
    for octets, expected in (
        (b"7", (8, 0, "")),
        (b"7 1", (8, 1, "")),
        (b"7 1 x 1\nwords", (8, 1, "words")),
        (b"x 2 1 1\nwords", (1, 2, "words")),
        (b"7 9 1 1\nwords", (8, 0, "words")),  # no start counts more than 3
        (b"7 -1 1 1\nwords", (8, 0, "words")),
        (b"7 2 0 1\n\xff\xfe", (8, 2, "")),
        (b"\n\n", (1, 0, "\n")),
        (b"1e3 2.5 0", (1, 0, "")),
    ):
        _, starts = started(octets)
        equal((starts.boots, starts.bad, starts.words), expected)
    for seed in range(100):
        random = Random(seed + 1)
        started(random.bytes(random.below(500)))
        board, _ = started(b"7 2 0 1\nlast words"[: random.below(18)])
        equal(len(board.storage.read("boot", 0, 999)) < 60, True)
    started(b"7" * 500)


def numbers(octets):
    """A file of a key: these octets and their check."""
    return octets + sha256(octets).digest()[:3]


def test_numbers_of_a_newer_version_go_on_and_keep_the_rest():
    """5 octets of ours, 5 of the peer's, and what is not known."""
    storage = MemoryStorage()
    storage.replace("file", numbers(b"\0\0\0\1\0" + b"\0\0\0\0\7" + b"new things"))
    sequence = Sequence(storage, "file")
    equal((sequence.next_number(), sequence.floor), (256, 7))
    equal(storage.read("file", 0, 99), numbers(b"\0\0\0\1\x40" + b"\0\0\0\0\7" + b"new things"))
    sequence.reserve(9)
    equal(Sequence(storage, "file").floor, 9)


def test_numbers_that_are_damaged_are_never_used():
    good = numbers(b"\0\0\0\1\0" + b"\0\0\0\0\7" + b"new things")
    for place in range(8 * len(good)):
        changed = bytearray(good)
        changed[place // 8] ^= 1 << place % 8
        refused(changed)
    for size in range(1, len(good)):
        refused(good[:size])
    for size in (0, 1, 4, 6, 9):
        refused(numbers(bytes(size)))
    refused(numbers(bytes(500)))


def refused(octets):
    storage = MemoryStorage()
    storage.replace("file", octets)
    raises(StateError, Sequence, storage, "file")
    equal(storage.read("file", 0, 999), bytes(octets))
