# SPDX-License-Identifier: MIT
"""UE configuration (TS 24.538 clause 6.2.1) over restarts, and how long it holds: docs/flash-format.md."""

import json

import coap
from common import equal, raises
from configuration_scene import ETAG, UE, UE_ID, Server, content, document, host, option, scene, state, who
from msgin5g import MemoryStorage
from msgin5g_scene import DAY, HOUR, MINUTE, SECOND, Scene, max_age


def test_what_is_kept_is_used_at_once():
    storage = MemoryStorage()
    scene(content(document(server="coap://192.0.2.9", size=512)), storage).start()
    made = scene(None, storage).start()
    equal((made.kinds(), state(made)), (["REG"], ("registered", None)))
    equal((who(made.asked[0]), host(made)[0]), (UE, [b"192.0.2.9"]))
    equal(made.of("REG")[0].body["cliProfile"]["maxSegSize"], 512)


def test_it_is_asked_for_again_when_it_is_too_old():
    made = scene(content(document(), 7200)).start()
    made.run(7199 * SECOND)
    equal(made.count["CONFIG"], 1)
    made.answer.config = (coap.VALID, b"", max_age(3600))
    made.run(12 * SECOND)
    equal(made.count["CONFIG"], 2)
    equal(option(made.of("CONFIG")[1].message, coap.ETAG), [ETAG])
    equal(made.client.registered, True)
    made.run(3590 * SECOND)
    equal(made.count["CONFIG"], 2)
    made.run(22 * SECOND)
    equal(made.count["CONFIG"], 3)


def test_how_long_it_holds_is_bounded():
    made = scene(content(document(), 0)).start()
    made.run(10 * MINUTE)
    assert 5 <= made.count["CONFIG"] <= 10, made.count
    made = scene((coap.CONTENT, document())).start()  # no Max-Age: a day
    made.run(23 * HOUR)
    equal(made.count["CONFIG"], 1)
    made.run(HOUR + MINUTE)
    equal(made.count["CONFIG"], 2)
    made = scene(content(document(), 0xFFFFFFFF)).start()  # 136 years
    made.run(30 * DAY)
    equal(made.count["CONFIG"], 1)


class Clock:
    def __init__(self, seconds):
        self.seconds = seconds

    def __call__(self):
        exact = self.seconds + 0.25  # as the clock of a computer has it
        return exact if int(exact) == self.seconds else self.seconds  # a board's floats do not reach so far


def test_a_clock_tells_how_old_it_is_after_a_restart():
    for passed, wait in ((0, 7200), (4000, 3200), (9000, 0), (-5000, 7200)):
        storage = MemoryStorage()
        more = {"ue_service_id": None, "ue_id": UE_ID}
        Scene(Server(content(document(), 7200)), storage, clock=Clock(1800000000), **more).start()
        made = Scene(Server(content(document())), storage, clock=Clock(1800000000 + passed), **more).start()
        equal(made.kinds()[0], "REG")
        if wait:
            made.run(wait * SECOND - 1)
            equal((passed, made.count.get("CONFIG")), (passed, None))
            made.run(2)
        equal((passed, made.count.get("CONFIG")), (passed, 1))


def test_without_a_clock_it_is_asked_for_after_an_hour():
    storage = MemoryStorage()
    scene(content(document()), storage).start()
    made = scene(content(document()), storage).start()
    made.run(HOUR - SECOND)
    equal(made.kinds(), ["REG", "REG"])
    made.run(2 * SECOND)
    equal(made.count["CONFIG"], 1)


def test_a_refusal_of_the_registration_makes_the_device_ask():
    storage = MemoryStorage()
    scene(content(document()), storage).start()
    made = scene(content(document("ue:new@x")), storage)
    made.answer = lambda asked: (
        (coap.FORBIDDEN, b"gone")
        if asked.kind == "REG" and who(asked) == UE
        else Server(content(document("ue:new@x")))(asked)
    )
    made.start()
    equal((made.kinds(), state(made)), (["REG", "CONFIG", "REG"], ("registered", None)))
    # what it was told just now it does not doubt
    made = scene(content(document()))
    made.answer = lambda asked: coap.FORBIDDEN if asked.kind == "REG" else content(document())
    made.start()
    made.run(HOUR)
    equal(made.count["CONFIG"], 1)
    made = scene(content(document()), storage).start()
    # and where that changes nothing, it asks no more than once a refusal
    made.answer = lambda asked: coap.FORBIDDEN if asked.kind == "REG" else (coap.VALID, b"", max_age(86400))
    made.forget()
    made.run(8 * HOUR)
    assert made.count["CONFIG"] <= 2, made.count


def test_the_application_can_have_it_asked_for():
    made = scene(content(document())).start()
    made.answer.config = content(document("ue:new@x"))
    made.call("configuration", "fetch")
    equal((made.kinds()[2:], state(made)[0]), (["CONFIG", "DEREG", "REG"], "registered"))
    # with a service ID of its own it may ask, too
    made = scene(content(document()), ue_service_id=UE).start()
    made.call("configuration", "fetch")
    equal((made.kinds(), state(made)[0]), (["REG", "CONFIG"], "registered"))
    # what was kept before it had one is no reason to change it unasked
    storage = MemoryStorage()
    scene(content(document("ue:former@x")), storage).start()
    made = scene(coap.NOT_FOUND, storage, ue_service_id=UE).start()
    made.call("configuration", "fetch")
    made.send()
    equal((who(made.of("MSG")[0]), state(made)[0]), (UE, "registered"))
    made = scene(None, ue_service_id=UE, ue_id=None).start()
    raises(ValueError, made.call, "configuration", "fetch")
    equal((made.kinds(), made.send().state), (["REG"], "accepted"))


def test_what_is_damaged_counts_as_nothing():
    storage = MemoryStorage()
    scene(content(document()), storage).start()
    good = bytes(storage.read("configuration", 0, 9999))
    for octets in damaged(good):
        storage = MemoryStorage()
        storage.replace("configuration", octets)
        made = scene(content(document()), storage).start()
        equal((octets, made.kinds()[:2]), (octets, ["CONFIG", "REG"]))
        equal(bytes(storage.read("configuration", 0, 9999)), good)


def damaged(good):
    yield b"[" * 4000
    for octets in (b"1 0\n[]", b"\n", b"\xff" * 100, b"1 xyz\n[]"):
        yield octets
    for end in range(len(good)):
        yield good[:end]
    for at in range(2, len(good)):
        yield good[:at] + bytes((good[at] ^ 4,)) + good[at + 1 :]


def kept(fields):
    import binascii

    text = json.dumps(fields).encode()
    return b"1 %x\n" % binascii.crc32(text) + text


def test_fields_of_other_forms_count_as_nothing():
    fields = [UE_ID, "3f2a", "0102", UE, "coap://192.0.2.9", 1024, None, 86400]
    for position, value in (
        (0, "urn:imei:other"),  # of another device, whose storage this was
        (0, None),
        (2, 5),
        (2, "xy"),
        (3, ""),
        (3, None),
        (4, "http://x"),
        (4, 5),
        (5, "many"),
        (6, "x"),
        (7, None),
    ):
        storage = MemoryStorage()
        storage.replace("configuration", kept(fields[:position] + [value] + fields[position + 1 :]))
        made = scene(content(document()), storage).start()
        equal((position, value, made.kinds()), (position, value, ["CONFIG", "REG"]))
    for octets in (kept(fields[:7]), kept({"a": 1}), kept([]), kept(5)):
        storage = MemoryStorage()
        storage.replace("configuration", octets)
        equal(scene(content(document()), storage).start().kinds(), ["CONFIG", "REG"])
    storage = MemoryStorage()
    storage.replace("configuration", kept(fields + ["of newer firmware"]))
    equal(scene(None, storage).start().kinds(), ["REG"])


def test_what_newer_firmware_wrote_is_left_alone():
    storage = MemoryStorage()
    newer = b"2 0 something else\nentirely"
    storage.replace("configuration", newer)
    made = scene(content(document()), storage).start()
    equal((made.kinds(), bytes(storage.read("configuration", 0, 99))), (["CONFIG", "REG"], newer))


class Failing(MemoryStorage):
    broken = False

    def read(self, name, offset, size):
        if self.broken and name == "configuration":
            raise OSError(5)
        return super().read(name, offset, size)

    def replace(self, name, octets):
        if self.broken:
            raise OSError(28)
        return super().replace(name, octets)


def test_a_storage_that_fails_costs_only_the_next_start():
    storage = Failing()
    storage.broken = True
    equal(scene(content(document()), storage).start().kinds(), ["CONFIG", "REG"])
    equal(scene(content(document()), storage).start().kinds(), ["CONFIG", "REG"])
