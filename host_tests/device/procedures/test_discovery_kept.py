# SPDX-License-Identifier: MIT
"""The gateway that was found last, over a restart: docs/flash-format.md."""

from common import equal
from discovery_scene import ONE, REFUSED, TWO, Place, link
from life import AFTER, BEFORE, TORN, CutStorage, PowerCut
from msgin5g import MemoryStorage
from msgin5g_scene import DAY, HOUR, MINUTE, SECOND, agree, always


def test_the_last_one_is_tried_first_without_asking():
    storage = MemoryStorage()
    Place({ONE: link(700)}, storage=storage).start().run(4 * SECOND)
    place = Place({}, {ONE: agree}, storage=storage).start()
    equal((place.state, place.asks, place.who()), (("registered", None), [], [ONE]))
    equal(place.client.config.coap["max_datagram"], 700)


def test_where_that_one_is_silent_the_others_are_asked_at_once():
    for said in (None, REFUSED):
        storage = MemoryStorage()
        Place({ONE: link()}, storage=storage).start().run(4 * SECOND)
        place = Place({TWO: link()}, {ONE: always(said), TWO: agree}, storage=storage).start()
        place.run(100 * SECOND)
        equal((place.who(), place.state), ([ONE, TWO], ("registered", None)))
        # and that is the one from now on
        place = Place({}, {TWO: agree}, storage=storage).start()
        equal((place.who(), place.asks), ([TWO], []))


def test_one_that_never_registered_us_is_not_kept():
    storage = MemoryStorage()
    Place({ONE: link()}, {}, storage=storage).start().run(HOUR)
    place = Place(storage=storage).start()
    equal((place.times, storage.read("gateway", 0, 99)), (1, b""))


def test_of_those_alike_the_last_one_is_chosen():
    storage = MemoryStorage()
    Place({TWO: link()}, storage=storage).start().run(4 * SECOND)
    place = Place({ONE: link(), TWO: link()}, {}, storage=storage).start()
    place.run(95 * SECOND)
    equal(place.times, 1)
    place.run(5 * SECOND)
    equal(place.who()[:2], [TWO, ONE])  # TWO was tried in vain a moment ago


def test_it_is_written_once():
    class Counting(MemoryStorage):
        count = 0

        def replace(self, name, octets):
            if name == "gateway":
                self.count += 1
            return super().replace(name, octets)

    storage = Counting()
    place = Place({ONE: link()}, storage=storage).start()
    place.run(3 * DAY)
    equal(storage.count, 1)
    Place({ONE: link()}, storage=storage).start().run(DAY)
    equal(storage.count, 1)
    equal(storage.read("gateway", 0, 99), b'1\n["192.0.2.11",65401,1152]')


def test_a_storage_that_fails_changes_nothing():
    class Broken(MemoryStorage):
        def replace(self, name, octets):
            if name == "gateway":
                raise OSError(28)
            return super().replace(name, octets)

        def read(self, name, offset, size):
            if name == "gateway":
                raise OSError(5)
            return super().read(name, offset, size)

    place = Place({ONE: link()}, storage=Broken()).start()
    place.run(4 * SECOND)
    equal(place.state, ("registered", None))


def kept(octets):
    """Whom a device tries first that finds this in its file, None for nobody; and what lies there once it has found
    another one."""
    storage = MemoryStorage()
    storage.replace("gateway", octets)
    place = Place({TWO: link(800)}, {ONE: agree, TWO: agree}, storage=storage).start()
    first = place.who()[0] if place.to else None
    place.run(4 * SECOND)
    equal(place.state, ("registered", None))
    return first, storage.read("gateway", 0, 999)


def test_its_file():
    second = b'1\n["192.0.2.12",5683,800]'
    for octets in (
        b'1\n["192.0.2.11",65401,1152]',
        b'1\n["192.0.2.11",65401,null]',
        b'0\n["192.0.2.11",65401,1,"x"]',
    ):
        equal(kept(octets), (ONE, octets))
    for octets in (
        b"\xff\xfe\x00",
        b"1",
        b"1\n",
        b"1\n[",
        b"1\n{}",
        b"1\n[]",
        b'1\n["192.0.2.11",65401]',
        b'1\n["192.0.2.11","65401",1152]',
        b'1\n["192.0.2.11",true,1152]',
        b'1\n["192.0.2.11",0,1152]',
        b'1\n["192.0.2.11",65536,1152]',
        b'1\n["192.0.2.11",65401,"x"]',
        b'1\n["",65401,1152]',
        b"1\n[[],65401,1152]",
        b"1\n" + b"[" * 300,
        b'x\n["192.0.2.11",65401,1152]',
    ):
        equal(kept(octets), (None, second))


def test_a_file_of_a_newer_version_is_left_alone():
    for octets in (b'2\n["192.0.2.11",65401,1152]', b"10\n\xff\xfe"):
        equal(kept(octets), (None, octets))


def test_a_power_cut_leaves_the_one_or_the_other():
    # ONE registered it last; it is silent now, and TWO takes its place
    for how in (BEFORE, TORN, AFTER):
        for at in range(3):
            storage = CutStorage(MemoryStorage())
            Place({ONE: link()}, storage=storage).start().run(4 * SECOND)
            storage.plan(storage.writes + at, how)
            try:
                Place({TWO: link()}, {TWO: agree}, storage=storage).start().run(2 * MINUTE)
            except PowerCut:
                pass
            storage.restore_power()
            place = Place({TWO: link()}, {TWO: agree}, storage=storage).start()
            equal(place.who(), [TWO] if b".12" in storage.read("gateway", 0, 99) else [ONE])
            place.run(2 * MINUTE)
            equal(place.state, ("registered", None))


def test_a_device_that_does_not_look_has_nothing_of_it():
    place = Place(peer="coap://192.0.2.1")
    equal(place.client.sources[0], None)
    assert "strangers" not in place.client.stats
