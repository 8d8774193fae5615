# SPDX-License-Identifier: MIT
# heap: 512k, the flash of the board lies in it too
"""The flash format of docs/flash-format.md: whatever lies there, the device starts, and what is well is kept."""

import json
import sys

import application_scene
import coap
from common import Random, equal
from msgin5g import MemoryStorage
from msgin5g.store.journal import record
from msgin5g_scene import Scene, answering, msg

_CPYTHON = sys.implementation.name == "cpython"

ID = "11111111-1111-4111-8111-111111111111"
SENT = [
    1,
    ID,
    "ue:b@x",
    "UE",
    None,
    True,
    "NORMAL",
    False,
    None,
    None,
    True,
    2,
    None,
    None,
    None,
    False,
    0,
    1,
    "x",
]
RECEIVED = [2, "ue:b@x", "UE", "ue:a@x", "UE", "in-1", None, "NORMAL", True, False, False, None, "s-9"]
SET = [0, "ue:b@x", "UE", "ue:a@x", "UE", "of-set", None, "NORMAL", False, False, False, None, "s-1"]
# One good record of each kind, as the page has them: kind, fields, what is behind the header.
GOOD = (
    ("K", [7, [["e-1", "ue:b@x", "UE", "failed", "why"]], 0, 0], bytes(16)),
    ("S", SENT, b"hi"),
    ("A", [ID], b""),
    ("P", [ID, "1101"], b""),
    ("N", [ID, 0, 1, "busy"], b""),
    ("E", [ID, "ue:b@x", "UE", "delivered", None], b""),
    ("R", RECEIVED, b"hello"),
    ("T", [2, True], b""),
    ("Q", [2], b""),
    ("O", ["ue:b@x", "s-1", "set-1", SET, 3, 300], b""),
    ("C", ["ue:b@x", "s-1"], b""),
)
VALUES = (
    None,
    True,
    0,
    -1,
    1 << 70,
    1.5,
    "",
    "x",
    "\x00\n",
    [],
    [None],
    [[[]]],
    ["in-1", 0, 1],
    {},
    {"a": 1},
)


def packed(kind, fields, payload=b""):
    """record: 0xA7 | kind | length (2) | body | CRC-32; its body: length (2) | JSON | payload"""
    text = json.dumps(fields).encode()
    return record(ord(kind), len(text).to_bytes(2, "big") + text + payload)


def outgoing(number):
    """A message in the outbox, with a record that is well."""
    return packed("S", [100 + number, "out-%d" % number] + SENT[2:], b"hi")


def starts(octets, role=Scene, more=()):
    """A device whose journal is these octets between two messages that are well; it goes on as a device does."""
    storage = MemoryStorage()
    for name, content in more:
        storage.append(name, content)
    storage.append("log-3", outgoing(1) + bytes(octets) + outgoing(2))
    scene = Scene(answering(coap.CHANGED), storage)
    queued = [each.message_id for each in scene.client.outbox.queue]
    for name in ("out-1", "out-2"):
        assert name in queued, queued
    scene.start()
    return scene


def goes_on(scene):
    """It is alive: what was well arrived, and a message goes both ways."""
    scene.run(1000)
    assert scene.send().final
    while scene.take():
        pass
    equal(scene.post(msg("after")).code, coap.CHANGED)
    equal(scene.take().message_id, "after")
    equal([scene.ended.get(name) for name in ("out-1", "out-2")], [None, None])  # they wait for a report
    scene.run(100000)


def test_a_list_of_fields_of_any_length():
    """Each kind with no field at all, with each shorter list, and with up to three more than are known."""
    before = [packed(*each) for each in GOOD]
    for place, (kind, fields, payload) in enumerate(GOOD):
        for count in range(len(fields) + 4):
            changed = (fields + [None, "new", {"x": [1]}])[:count]
            octets = b"".join(before[:place]) + packed(kind, changed, payload)
            scene = starts(octets, more=(("set-1", b""),))
            # what a later firmware adds takes nothing away
            if count >= len(fields):
                equal((kind, count, scene.client.journal.unknown), (kind, count, 0))
            if place % 4 == 0 or count == len(fields):
                goes_on(scene)


def test_any_type_in_any_field():
    """Each field of each kind is each JSON type once."""
    before = [packed(*each) for each in GOOD]
    for place, (kind, fields, payload) in enumerate(GOOD):
        for position in range(len(fields)):
            changed = [packed(kind, each, payload) for each in variants(fields, position)]
            starts(b"".join(before[:place] + changed)).run(1000)
    for position in range(len(SET)):
        changed = [packed("O", ["ue:b@x", "s-1", "set-1", each]) for each in variants(SET, position)]
        starts(b"".join(changed)).run(1000)


def variants(fields, position):
    return [fields[:position] + [value] + fields[position + 1 :] for value in VALUES]


def test_headers_that_are_no_list():
    for kind, _, payload in GOOD:
        changed = [packed(kind, value, payload) for value in VALUES if not isinstance(value, list)]
        for body in (
            b"",
            b"\0",
            b"\0\0",
            b"\xff\xff[]",
            b"\0\2[",
            b"\0\2\xff\xfe",
            b"\x0b\xb8" + b"[" * 3000,
        ):
            changed.append(record(ord(kind), body))
        scene = starts(b"".join(changed))
        equal(scene.client.journal.unknown, len(changed))
        scene.run(1000)


def test_an_unknown_kind_is_skipped_and_counted():
    for kind in ("X", "s", "\x00"):
        for body in (b"", b"anything", bytes(300)):
            scene = starts(bytes(record(ord(kind), body)) * 2)
            equal(scene.client.journal.unknown, 2)
            equal(scene.client.journal.damaged, 0)
    goes_on(scene)


class Broken(MemoryStorage):
    """A file system in which one file cannot be read from a place on."""

    broken = None

    def read(self, name, offset, size):
        if name == self.broken and offset + size > 40:
            raise OSError(5)
        return super().read(name, offset, size)


def test_a_file_that_cannot_be_read():
    """What can be read counts; a payload that cannot is told to be lost."""
    storage = busy()
    for name in storage.names():
        if name in ("topics", "boot"):
            continue
        broken = copy(storage, kind=Broken)
        broken.broken = name
        scene = Scene(answering(coap.CHANGED), broken, coap={"max_datagram": 640}).start()
        scene.run(200000)
        equal(scene.post(msg("after")).code, coap.CHANGED)


def test_a_payload_that_is_not_as_long_as_its_record_says():
    """The message fails, and nothing is made that large."""
    for text in (True, False):
        for cut in (None, [64, 64, "s"], [2048, 400, "s"]):
            for size in (1, 300, (1 << 29) - 1, 1 << 29, 1 << 62):
                fields = SENT[:10] + [text, size, "out-7", cut, None, False]
                scene = starts(packed("S", fields), more=(("out-7", b"x" * 299),))
                scene.run(100000)
                equal(scene.ended.get(ID), None if size == 1 else "failed")


def test_a_payload_that_was_not_needed_any_more():
    """Its message waits for a report, also after its record was written again."""
    for cut in (None, [64, 64, "s"]):
        fields = SENT[:10] + [True, 3000, "out-7", cut, None, False]
        storage = MemoryStorage()
        storage.append("log-3", packed("S", fields) + packed("A", [ID]))
        for start in range(3):
            scene = Scene(storage=storage, seed=start + 1)
            equal(
                ([each.message_id for each in scene.client.outbox.waiting], scene.client.journal.unknown),
                ([ID], 0),
            )
            scene.client.journal.SEGMENT = 400
            scene.start()
            for _ in range(20):
                scene.send()


def journal_of(storage):
    return [(name, storage.read(name, 0, 1 << 16)) for name in storage.names() if name[:4] == "log-"]


def test_each_row_of_the_journal_says_its_version():
    """The first record of a log segment is V with the version, as older firmware can read it: an unknown kind."""
    scene = Scene().start()
    for _ in range(100):
        scene.send(report=True, payload="x" * 200)
    rows = journal_of(scene.storage)
    assert len(rows) > 1, rows
    for _, octets in rows:
        head = packed("V", [1])
        equal(octets[: len(head)], head)


def test_a_newer_row_is_left_alone():
    """Neither read nor removed nor written to, nor are the payloads that it may speak of; the device goes on beside."""
    head = packed("V", [2, "and more"])
    newer = (
        ("log-2", head + b"all of it is in a form that is not known"),
        ("log-4", head + outgoing(8)),
        ("out-5", b"a payload of it"),
        ("set-9", b"segments of it"),
        ("in-1", b"a frame of it"),
    )
    storage = MemoryStorage()
    for name, content in newer:
        storage.append(name, content)
    for start in range(3):
        scene = Scene(answering(coap.SERVICE_UNAVAILABLE), storage, seed=start + 1).start()
        equal(scene.client.journal.newer, 2)
        equal(len(scene.client.outbox.queue), start)
        for _ in range(200):
            scene.post(msg("m-%d" % scene.arrivals, sender="ue:%d@x" % start))
            scene.take()
        scene.send(payload=bytes(3000))
        for name, content in newer:
            equal((name, storage.read(name, 0, 999)), (name, content))
    # and its own payloads are still given up when nothing needs them
    own = [each.source.file for each in scene.client.outbox.queue]
    equal(len(own), 3)
    equal(sorted(scene.files), sorted(["in-1", "out-5", "set-9"] + own))


def test_files_of_octets_that_mean_nothing():
    """Random octets, in every file that the firmware knows."""
    for seed in range(30 if _CPYTHON else 6):
        random = Random(seed + 1)
        names = (
            "log-1",
            "log-2",
            "log-9",
            "log-x",
            "log-",
            "topics",
            "boot",
            "out-1",
            "set-1",
            "in-1",
            "out-",
            "x~",
        )
        more = [(name, random.bytes(random.below(600))) for name in names]
        scene = starts(random.bytes(200), more=more)
        if seed < 3:
            goes_on(scene)


def busy():
    """The storage of a client with something at every stage."""
    scene = Scene(answering(coap.CHANGED), coap={"max_datagram": 640}).start()
    scene.client.journal.SEGMENT = 1500
    scene.send(report=True)
    for number in range(4):
        scene.post(msg("m-%d" % number, more='"isDelivStatReq":true,'))
    scene.take()
    scene.post(
        msg(
            "p-1", '"one"', more='"isSegmented":true,"segParams":{"segId":"s","segNumb":1,"totalSegCount":2},'
        )
    )
    scene.client.subscribe("alerts", scene.tick)
    scene.answer = answering(coap.SERVICE_UNAVAILABLE)
    scene.send("ue:c@x", "é" * 1500)
    scene.send("as:d@x", bytes(2000), to_type="AS")
    scene.client.flush()
    return scene.storage


def copy(storage, name=None, octets=None, kind=MemoryStorage):
    made = kind()
    for each in storage.names():
        made.append(each, octets if each == name else storage.read(each, 0, 1 << 16))
    return made


def survives(storage):
    scene = Scene(answering(coap.CHANGED), storage, coap={"max_datagram": 640}).start()
    scene.run(30000)
    while scene.take():
        pass
    scene.run(30000)
    assert scene.send().final


def test_each_file_cut_short_at_any_place():
    storage = busy()
    for name in storage.names():
        octets = storage.read(name, 0, 1 << 16)
        step = 1 if len(octets) < 50 else 67 if _CPYTHON else 997
        for size in range(0, len(octets), step):
            survives(copy(storage, name, octets[:size]))


def test_a_bit_that_changed_at_any_place():
    storage = busy()
    for name in storage.names():
        octets = storage.read(name, 0, 1 << 16)
        step = 1 if len(octets) < 50 else 71 if _CPYTHON else 997
        for place in range(0, len(octets), step):
            changed = bytearray(octets)
            changed[place] ^= 1 << place % 8
            survives(copy(storage, name, changed))
        survives(copy(storage, name, b"\x80" * len(octets)))
        survives(copy(storage, name, b"\xff" * len(octets)))
        survives(copy(storage, name, bytes(len(octets))))


def fields_of(storage, kind):
    """The last record of this kind, as the firmware reads it back: the tables give its fields their names."""
    from msgin5g.store.records import Records
    from msgin5g.store.recovery import KINDS, _Fields
    from msgin5g.store.storage import loads

    (table,) = [fields for known, _, fields in KINDS if known == kind]
    for name in storage.names():
        if name[:4] == "log-":
            for each, _, body in Records(storage, name):
                if each == ord(kind):
                    header = loads(body[2 : 2 + int.from_bytes(body[:2], "big")])
    fields = _Fields(table, header)
    return [(name, getattr(fields, name)) for name, _ in table]


def test_each_field_has_the_name_that_the_tables_give_it():
    """What is written by position is what the page says of that position."""
    scene = Scene(
        answering(coap.SERVICE_UNAVAILABLE), clock=lambda: 1767225600, coap={"max_datagram": 640}
    ).start()
    outgoing = scene.send(
        "as:b@x",
        "x" * 2000,
        to_type="AS",
        app_id="thermo",
        report=True,
        priority="HIGH",
        store_forward=True,
        expires=60,
    )
    equal(
        fields_of(scene.storage, "S"),
        [
            ("order", 1),
            ("message_id", outgoing.message_id),
            ("to", "as:b@x"),
            ("to_type", "AS"),
            ("app_id", "thermo"),
            ("report", True),
            ("priority", "HIGH"),
            ("store_forward", True),
            ("left", 60000),
            ("expire_time", "2026-01-01T00:01:00Z"),
            ("text", True),
            ("size", 2000),
            ("file", "out-1"),
            ("segmentation", list(outgoing.segmentation)),
            ("progress", None),
            ("accepted", False),
            ("success", 0),
            ("failure", 0),
            ("cause", None),
        ],
    )
    scene.post(msg("m-1", more='"isDelivStatReq":true,"appId":"hygro","priority":"LOW",'))
    equal(
        fields_of(scene.storage, "R"),
        [
            ("order", 2),
            ("sender", "ue:b@x"),
            ("sender_type", "UE"),
            ("to", "ue:a@x"),
            ("to_type", "UE"),
            ("message_id", "m-1"),
            ("app_id", "hygro"),
            ("priority", "LOW"),
            ("report_requested", True),
            ("report_owed", False),
            ("taken", False),
            ("file", None),
            ("set_id", None),
        ],
    )


def test_any_record_in_a_device_of_the_other_role():
    """A board that was a client and is an application client now, over L3 and over CoAP, or the other way round."""
    for scheme in ("l3+uart", "coap"):
        scene = application_scene.Scene(scheme, copy(busy()))
        scene.client.start(0)
        if scheme != "coap":
            scene.receive(b"\x08" + application_scene.REGISTRATION_ID)
        for _ in range(20):
            scene.sent()
            scene.pass_time(5000)
            scene.client.take(scene.now)
