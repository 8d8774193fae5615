# SPDX-License-Identifier: MIT
"""A bundle comes, is looked at, tried, and stays or goes: what the device says to the server, and has on flash."""

import asyncio

import base.trial
from base.record import load, save
from coap.version import VERSION
from common import Skip, equal
from device import update
from update_scene import APP, HOUR, MINUTE, NUMBER, SERVER, Bundle, Key, Long, Place, Scene, read, tree, write

OTHER = "as:other@example.org"


def test_from_the_offer_to_the_start_that_tries_it():
    with Place():
        scene = Scene()
        bundle = Bundle()
        whole = bundle.size
        scene.offer(bundle)
        equal(
            scene.client.said,
            [
                (
                    SERVER,
                    {"id": bundle.id, "state": "loading", "have": 0, "of": whole, "get": [[0, whole]]},
                    True,
                )
            ],
        )
        scene.load(bundle)
        equal(
            scene.client.said[1:],
            [(SERVER, {"id": bundle.id, "state": "verified", "have": whole, "of": whole}, False)],
        )
        equal(scene.board.resets, 0)
        scene.run()
        equal((scene.board.resets, scene.client.drained), (1, 1))
        files = {"manifest": bundle.manifest}
        files.update(APP)
        equal(tree("slots/a"), files)
        record = load()
        equal((record["now"], record["try"], record["left"], record["trial"]), ("", "a", 3, 600))
        equal((record["confirm"], record["kind"], record["id"]), (False, "app", bundle.id))
        scene.start()
        scene.run()
        equal(scene.states(), ["confirmed"])
        equal(scene.client.said[0][2], False)
        record = load()
        equal((record["now"], record["try"], record["why"]), ("a", "", ""))
        # the next one comes into the other slot
        newer = Bundle({"app/app.py": b"2"}, number=NUMBER + 1)
        scene.start().take(newer)
        equal((tree("slots/a"), load()["try"]), (files, "b"))
        equal(tree("slots/b"), {"manifest": newer.manifest, "app/app.py": b"2"})


def test_it_is_not_registered_so_it_is_not_confirmed():
    with Place():
        scene = Scene()
        scene.take(Bundle())
        scene.start()
        scene.client.registered = False
        scene.run(MINUTE)
        equal((scene.states(), load()["try"]), ([], "a"))
        scene.client.registered = True
        scene.run()
        equal((scene.states(), load()["now"]), (["confirmed"], "a"))


def test_an_application_that_confirms():
    with Place():
        scene = Scene()
        scene.take(Bundle(confirm=True))
        equal(load()["confirm"], True)
        scene.start()
        scene.run(MINUTE)
        scene.run(MINUTE)
        equal((scene.states(), load()["try"]), (["trying"], "a"))
        update.confirm()
        update.confirm()
        scene.run()
        equal((scene.states(), load()["now"]), (["trying", "confirmed"], "a"))


def test_an_application_that_confirms_before_the_link_is_open():
    with Place():
        scene = Scene()
        scene.take(Bundle(confirm=True))
        scene.start()
        update.confirm()
        equal(load()["now"], "a")
        scene.run()
        equal(scene.states(), ["confirmed"])


def test_a_trial_that_failed():
    with Place():
        scene = Scene()
        bundle = Bundle()
        scene.take(bundle)
        base.trial.roll_back(load(), "start: 3 starts failed: ValueError")
        scene.start()
        scene.run()
        scene.run(MINUTE)
        equal(scene.states(), ["rolled-back"])
        equal(scene.last()["cause"], "start: 3 starts failed: ValueError")
        equal(load()["why"], "")
        # not again, unless that is asked for
        scene.offer(bundle)
        equal(
            (scene.states()[-1], scene.last()["cause"]), ("rolled-back", "start: 3 starts failed: ValueError")
        )
        scene.offer(bundle, again=True)
        equal(scene.last()["state"], "loading")
        scene.load(bundle)
        scene.run()
        equal(scene.board.resets, 2)


def test_one_that_failed_and_comes_again_is_not_taken_for_tried():
    """slots/now still has the ID of its first trial, when the power goes before the second."""
    with Place():
        scene = Scene()
        bundle = Bundle()
        scene.take(bundle)
        base.trial.roll_back(load(), "start: 3 starts failed")
        scene.on_update = lambda name, version: False
        scene.start().run()
        scene.offer(bundle, again=True).load(bundle)
        scene.start().run()
        equal((scene.states(), scene.updates.status()["state"], load()["now"]), ([], "verified", ""))
        scene.updates.restart()
        scene.run()
        equal(load()["try"], "a")


def test_what_runs_is_not_taken_again():
    with Place():
        scene = Scene()
        bundle = Bundle()
        scene.take(bundle).start().run()
        scene.offer(bundle)
        equal(scene.states(), ["confirmed", "confirmed"])
        scene.start()
        scene.run()
        equal(scene.states(), [])  # it was told
        scene.offer(bundle)
        equal(scene.states(), ["confirmed"])


def test_older_ones_and_the_permit_for_them():
    with Place():
        scene = Scene()
        scene.take(Bundle(number=NUMBER)).start().run()
        for number, lines, taken in (
            (NUMBER - 1, {}, False),
            (NUMBER, {"version": "1.5"}, False),
            (NUMBER - 1, {"permit": NUMBER - 1}, False),
            (NUMBER - 1, {"permit": NUMBER}, True),
        ):
            bundle = Bundle(number=number, **lines)
            scene.offer(bundle)
            if not taken:
                equal(scene.refusal(), "number")
        scene.load(bundle)
        scene.run()
        scene.start().run()
        equal((scene.states(), load()["now"]), (["confirmed"], "b"))
        # The floor is where it was.
        scene.offer(Bundle(number=NUMBER, version="1.6"))
        equal(scene.refusal(), "number")


def test_other_boards_and_other_firmware():
    with Place():
        scene = Scene()
        for lines, cause in (
            ({"board": "rp2040 pico_w"}, "board"),
            ({"board": "uni"}, "board"),
            ({"needs": "999.0.0"}, "firmware"),
            ({"needs": "=0.0.1"}, "firmware"),
            ({"needs": "=999.0.0"}, "firmware"),
            ({"mpy": "5.1", "files": {"app/app.mpy": b"M"}}, "mpy"),
            ({"key": Key(b"o")}, "signature"),
        ):
            scene.offer(Bundle(**lines))
            equal(scene.refusal(), cause)
        equal((scene.count("refused"), scene.count("pieces")), (7, 0))
        for lines in (
            {"board": "rp2040 unix"},
            {"board": "any"},
            {"needs": "0.0.1"},
            {"needs": "=" + VERSION},
        ):
            scene.offer(Bundle(**lines))
            equal(scene.last()["state"], "loading")


def test_one_signature_in_half_a_minute():
    with Place():
        scene = Scene()
        wrong = Bundle(key=Key(b"o"))
        scene.offer(wrong)
        equal(scene.refusal(), "signature")
        scene.give(wrong.offer())
        equal(scene.refusal(), "busy")
        scene.now += 29999
        scene.give(Bundle().offer())
        equal(scene.refusal(), "busy")
        scene.now += 1
        scene.give(Bundle().offer())
        equal(scene.last()["state"], "loading")


def test_pieces_that_were_not_asked_for():
    with Place():
        scene = Scene()
        large = {"app/app.py": Long(b"1", 20000), "app/b": Long(b"2", 20000)}
        bundle, other = Bundle(large), Bundle()
        scene.offer(bundle)
        equal(scene.last()["get"], [[0, 16384]])
        # out of order, too short, too long, not at its beginning, of nothing
        wrong = ((16384, 16384), (0, 16383), (0, 16385), (1, 16384), (0, 0), (4294967295, 0))
        for offset, size in wrong:
            scene.give(bundle.piece(offset, size))
        others = (b"P", b"P" + bundle.octets_of_id, b"", b"Q" + bundle.octets_of_id)
        for each in others:
            scene.give(each)
        scene.give(bundle.piece(0, 16384), sender=OTHER)
        scene.give(other.piece(0, 5))
        equal(scene.count("ignored"), len(wrong) + len(others) + 2)
        equal((scene.count("pieces"), scene.updates.status()["have"]), (0, 0))
        scene.give(bundle.piece(0, 16384))
        equal(scene.last()["get"], [[16384, 16384]])
        scene.give(bundle.piece(0, 16384))  # doubled
        equal((scene.count("pieces"), scene.updates.status()["have"]), (1, 16384))
        scene.load(bundle)
        equal(scene.last()["state"], "verified")
        equal([len(read("slots/a/" + path)) for path in large], [20000, 20000])


def test_a_piece_in_any_cut():
    for cut in (1, 7, 512, 2048, 40000):
        with Place():
            scene = Scene()
            bundle = Bundle(
                {"app/app.py": b"abc" * 700, "fw/a/b/c.py": b"", "fw/a/b/d.py": b"x", "app/e": b"y" * 99}
            )
            scene.now += 30000
            scene.give(bundle.offer(), cut=cut)
            scene.give(bundle.piece(0, bundle.size), cut=cut)
            equal(scene.last()["state"], "verified")
            found = tree("slots/a")
            equal((len(found), found["fw/a/b/c.py"], found["fw/a/b/d.py"]), (5, b"", b"x"))


def test_it_goes_on_after_days():
    with Place():
        scene = Scene()
        bundle = Bundle({"app/app.py": Long(b"1", 50000), "app/b": Long(b"2", 50000)})
        scene.offer(bundle).load(bundle, 2)
        for _ in range(3):
            scene.start()
            scene.client.registered = False
            scene.run()
            equal(scene.states(), [])
            scene.client.registered = True
            scene.run()
            have = scene.last()["have"]
            equal(scene.last()["get"], [[have, min(16384, 100000 - have)]])
            scene.load(bundle, 1)
        scene.load(bundle)
        equal(scene.last()["state"], "verified")


def test_a_server_that_is_silent_is_asked_less_and_less():
    with Place():
        scene = Scene()
        scene.run()
        bundle = Bundle({"app/app.py": Long(b"1", 50000)})
        scene.offer(bundle)
        asked = []
        for minute in range(1, 60 * 40):
            before = len(scene.client.said)
            scene.run(MINUTE)
            if len(scene.client.said) > before:
                asked.append(minute)
        equal(asked[:7], [5, 15, 35, 75, 155, 315, 635])
        equal([later - sooner for sooner, later in zip(asked[6:], asked[7:])], [360] * len(asked[7:]))
        # a piece, and a registration, begin anew
        scene.load(bundle, 1)
        before = len(scene.client.said)
        scene.run(5 * MINUTE)
        equal(len(scene.client.said), before + 1)
        scene.client.registered = False
        scene.run(MINUTE)
        scene.client.registered = True
        scene.run(0)
        equal(len(scene.client.said), before + 2)


def test_a_wrong_hash_is_asked_for_once_more():
    with Place():
        scene = Scene()
        bundle = Bundle({"app/app.py": b"1" * 100, "app/b": b"2" * 100, "app/c": b"3" * 100})
        scene.offer(bundle)
        bundle.wrong = [150]
        scene.load(bundle, 1)
        equal((scene.last()["have"], scene.last()["get"]), (200, [[100, 100]]))
        scene.start().run()  # over a restart, too
        equal((scene.last()["have"], scene.last()["get"]), (200, [[100, 100]]))
        scene.load(bundle, 1)
        equal(scene.refusal(), "hash")
        equal(tree("slots/a"), {})
        bundle.wrong = []
        scene.take(bundle)
        equal(scene.board.resets, 1)
        scene.start().run()
        bundle = Bundle({"app/app.py": b"1" * 100}, number=NUMBER + 1)
        bundle.wrong = [0, 99]
        scene.offer(bundle).load(bundle, 1)
        equal(scene.last()["get"], [[0, 100]])
        bundle.wrong = []
        scene.load(bundle)
        equal(scene.last()["state"], "verified")


def test_a_file_that_is_longer_than_it_may_be():
    with Place():
        scene = Scene()
        bundle = Bundle({"app/app.py": Long(b"1", 20000)})
        scene.offer(bundle).load(bundle, 1)
        write("slots/a/app/app.py", b"1" * 20001)
        scene.start().run()
        equal((scene.last()["have"], scene.last()["get"]), (0, [[0, 16384]]))
        scene.load(bundle)
        equal(scene.last()["state"], "verified")


def test_stopped():
    with Place():
        scene = Scene()
        bundle = Bundle({"app/app.py": Long(b"1", 50000)})
        scene.offer(bundle).load(bundle, 1)
        scene.give(bundle.stop(), sender=OTHER)
        equal(scene.last()["state"], "loading")
        scene.give(bundle.stop())
        equal((scene.last(), scene.client.said[-1][2]), ({"id": bundle.id, "state": "stopped"}, False))
        equal(tree("slots/a"), {})
        scene.give(bundle.piece(16384, 16384))
        equal((scene.last(), scene.count("pieces")), ({"id": bundle.id, "state": "stopped"}, 1))
        scene.give(Bundle().stop())
        equal(scene.last(), {"id": Bundle().id, "state": "none"})
        # and what is on trial is not
        scene.take(bundle).start()
        scene.give(bundle.stop())
        equal((scene.last()["state"], load()["try"]), ("trying", "a"))


def test_stopped_before_the_application_lets_it_begin():
    with Place():
        scene = Scene()
        told = []
        scene.on_update = lambda *what: told.append(what)
        scene.start()
        bundle = Bundle()
        scene.take(bundle)
        scene.run(HOUR)
        equal((told, scene.board.resets), ([("garden", "1.4")], 0))
        scene.start().run()  # it is asked again
        equal((len(told), scene.board.resets), (2, 0))
        scene.give(bundle.stop())
        scene.updates.restart()
        scene.run()
        equal((scene.states()[-1], scene.board.resets), ("stopped", 0))
        scene.take(bundle)
        equal(scene.board.resets, 0)
        scene.updates.restart()
        scene.run()
        equal(scene.board.resets, 1)


def test_a_place_that_was_emptied_after_all_was_verified():
    """As a cut leaves it, within what makes room for the next one."""
    with Place():
        scene = Scene()
        scene.on_update = lambda name, version: False
        scene.start().take(Bundle())
        asyncio.run(scene.updates.taking.slot().empty())
        scene.start().run()
        equal((scene.states(), scene.updates.status()["state"]), ([], ""))
        scene.take(Bundle())
        equal(scene.states(), ["loading", "verified"])


def test_an_application_that_lets_it_begin_or_fails():
    def fails(name, version):
        raise KeyError(name)

    for on_update in (fails, lambda name, version: True):
        with Place():
            scene = Scene()
            scene.on_update = on_update
            scene.start().take(Bundle())
            equal(scene.board.resets, 1)


def test_another_sender():
    with Place():
        scene = Scene()
        first, second = Bundle({"app/app.py": Long(b"1", 50000)}), Bundle(number=NUMBER + 1)
        scene.offer(first).load(first, 1)
        scene.now += 30000
        scene.give(second.offer(), sender=OTHER)
        equal((scene.client.said[-1][0], scene.refusal()), (OTHER, "busy"))
        scene.now += 30000
        scene.give(first.offer(), sender=OTHER)
        equal((scene.client.said[-1][0], scene.refusal()), (OTHER, "busy"))
        scene.run(5 * MINUTE)
        scene.give(second.offer(), sender=OTHER)
        equal((scene.client.said[-1][0], scene.last()["state"]), (OTHER, "loading"))
        equal(tree("slots/a"), {"manifest": second.manifest})


def test_who_holds_the_place_without_sending_anything():
    """An offer again, and what was not asked for, do not count: only a piece does."""
    with Place():
        scene = Scene()
        bundle = Bundle({"app/app.py": Long(b"1", 50000)})
        scene.offer(bundle).load(bundle, 1)
        for _ in range(5):
            scene.run(MINUTE)
            scene.give(bundle.offer())
            scene.give(bundle.piece(0, 16384))
        scene.give(bundle.offer(), sender=OTHER)
        # what is there of the same bundle stays
        equal((scene.client.said[-1][0], scene.last()["get"]), (OTHER, [[16384, 16384]]))
        scene.give(bundle.piece(16384, 16384))
        equal(scene.updates.status()["have"], 16384)
        scene.give(bundle.piece(16384, 16384), sender=OTHER)
        equal((scene.last()["get"], scene.start().run()), ([[32768, 16384]], None))
        equal((scene.client.said[-1][0], scene.last()["get"]), (OTHER, [[32768, 16384]]))


def test_one_bundle_follows_another():
    with Place():
        scene = Scene()
        first, second = Bundle({"app/a/b.py": Long(b"1", 50000)}), Bundle(number=NUMBER - 1)
        scene.offer(first).load(first, 1)
        scene.offer(first)  # again: it goes on
        equal(scene.last()["get"], [[16384, 16384]])
        scene.take(second)
        equal((load()["id"], scene.board.resets), (second.id, 1))
        # while it is on trial none
        scene.start()
        scene.client.registered = False
        scene.offer(Bundle(number=NUMBER + 5))
        equal((scene.refusal(), load()["try"]), ("busy", "a"))


def test_no_room():
    with Place():
        scene = Scene()
        import device.update.taking as taking

        plain = taking.room
        taking.room = lambda files: (sum([size for size, _, _ in files]), 41)
        try:
            scene.offer(Bundle())
        finally:
            taking.room = plain
        equal(scene.last()["cause"], "space: it needs 42 octets, and has 41")
        equal(tree("slots/a"), {})


def test_a_message_of_text():
    with Place():
        scene = Scene()

        class Text:
            sender, sender_type, size = SERVER, "AS", 9

            def chunks(self):
                return iter(("O" * 9,))

            def close(self):
                self.closed = True

        asyncio.run(scene.updates.handle(Text(), scene.now))
        equal((scene.count("ignored"), scene.client.said), (1, []))


def test_an_outbox_without_room_is_tried_again():
    from msgin5g import OutboxFull

    with Place():
        scene = Scene()
        scene.take(Bundle()).start()
        scene.client.fails = OutboxFull("no")
        scene.run()
        scene.run()
        equal((scene.states(), load()["now"]), ([], "a"))
        scene.start().run()
        equal(scene.states(), ["confirmed"])


def test_a_configuration_is_changed_and_tried():
    with Place() as place:
        scene = Scene()
        changes = b'{"peer":"coap://192.0.2.9","registration":{"lifetime":600},"coap":null}'
        bundle = Bundle({"config.json": changes}, kind="config", board="any")
        scene.take(bundle)
        equal((load()["try"], load()["now"], scene.board.resets), ("config", "", 1))
        wanted = dict(place.settings)
        wanted.update({"peer": "coap://192.0.2.9", "registration": {"lifetime": 600}})
        import json

        equal(json.loads(str(read("slots/config.try"), "utf-8")), wanted)
        equal(json.loads(str(read("msgin5g.json"), "utf-8")), place.settings)
        scene.start().run()
        equal((scene.states(), load()["try"]), (["confirmed"], ""))
        equal(json.loads(str(read("msgin5g.json"), "utf-8")), wanted)
        # floors are those of a kind
        scene.offer(Bundle())
        equal(scene.last()["state"], "loading")


def test_configurations_that_are_refused():
    with Place():
        scene = Scene()
        for number, changes in enumerate((
            b'{"security":{"mode":"none"}}',
            b'{"security":null}',
            b'{"update":null}',
            b'{"peer":"nowhere"}',
            b'{"no_such_key":1}',
            b'["peer"]',
            b"{",
            b"",
        )):  # fmt: skip
            scene.take(Bundle({"config.json": changes}, kind="config", board="any", number=NUMBER + number))
            equal(scene.refusal(), "config")
        equal((scene.board.resets, scene.count("refused")), (0, 8))
        # and where the device was given another configuration than that file
        write("msgin5g.json", b"{}")
        scene.take(Bundle({"config.json": b'{"coap":{"nstart":2}}'}, kind="config", board="any"))
        equal(scene.refusal(), "config")


def test_the_record_is_gone():
    with Place():
        scene = Scene()
        scene.take(Bundle())
        record = load()
        record["id"] = record["try"] = ""
        save(record)
        scene.start().run()
        # it was verified, and nothing says that it was ever tried: it is tried again
        equal(scene.board.resets, 2)
        scene.start()
        scene.client.registered = False
        scene.run()
        record = load()
        record["id"] = record["try"] = ""
        save(record)
        scene.start().run()
        equal((scene.states(), scene.last()["cause"].split(":")[0]), (["rolled-back"], "storage"))


class Slots:
    """What stands in for the flash of an ESP32 with two places for MicroPython; device/update/image.py is tested on the
    port's own C."""

    def __init__(self):
        try:
            import device.update.image as image
        except ImportError:
            raise Skip("this board has no place for a second MicroPython, nor the module for it")
        self.module = image
        self.runs, self.next = "ota_0", None
        self.at = self.size = 0
        self.right = True
        self.said = []

    def begin(self, size, have=0):
        if size > 60000:
            raise self.module.Unable("the image has %d octets, the partition for it 60000" % size)
        self.size = size
        have -= have % 4096 if have < size else 0
        self.right = self.right or not have
        self.at = have
        return have

    def write(self, octets):
        self.right = self.right and not bytes(octets).strip(b"i")
        self.at += len(octets)

    async def end(self, digest):
        return self.at == self.size and self.right and len(digest) == 32

    def target(self):
        return "ota_1" if self.runs == "ota_0" else "ota_0"

    def running(self):
        return self.runs

    def activate(self):
        self.next = self.target()

    def confirm(self):
        self.said.append("confirm")

    def reset(self):
        """What the boot loader does."""
        if self.next is not None:
            self.runs, self.next = self.next, None

    def __enter__(self):
        self._before = {}
        for name in ("begin", "write", "end", "target", "running", "activate", "confirm"):
            self._before[name] = getattr(self.module, name)
            setattr(self.module, name, getattr(self, name))
        return self

    def __exit__(self, *error):
        for name, function in self._before.items():
            setattr(self.module, name, function)


class Timer:
    def deinit(self):
        pass


def image_of(size, **more):
    return Bundle({"image.bin": Long(b"i", size)}, kind="image", **more)


def test_an_image():
    with Place(), Slots() as slots:
        scene = Scene()
        scene.offer(image_of(60001))
        equal(scene.last()["cause"], "image: the image has 60001 octets, the partition for it 60000")
        bundle = image_of(50000)
        scene.offer(bundle).load(bundle, 2)
        equal(slots.at, 32768)
        scene.start().run()
        equal(scene.last()["get"], [[32768, 16384]])
        scene.load(bundle)
        scene.run()
        record = load()
        equal(
            (record["try"], record["partition"], slots.next, scene.board.resets),
            ("image", "ota_1", "ota_1", 1),
        )
        slots.reset()
        scene.start().run()
        equal(
            (scene.states(), slots.said, load()["try"], load()["now"]), (["confirmed"], ["confirm"], "", "")
        )
        scene.start().offer(bundle)
        equal(scene.states(), ["confirmed"])


def test_an_image_that_the_boot_loader_takes_back():
    with Place(), Slots() as slots:
        scene = Scene()
        scene.take(image_of(5000))
        slots.reset()
        slots.runs = "ota_0"
        scene.start()
        base.trial._timers.append(Timer())
        scene.run()
        equal((base.on, base.trial._timers), (False, []))  # nobody resets what runs, later
        equal(
            (scene.states(), scene.last()["cause"].split(":")[0], load()["try"]),
            (["rolled-back"], "start", ""),
        )


def test_an_image_that_the_boot_loader_refuses():
    with Place(), Slots() as slots:
        scene = Scene()

        def activate():
            raise slots.module.Unable("ESP-IDF refuses it (-5379)")

        slots.module.activate = activate
        scene.take(image_of(5000))
        scene.run()
        equal((scene.refusal(), scene.last()["cause"]), ("image", "image: ESP-IDF refuses it (-5379)"))
        equal((scene.board.resets, load()["try"]), (0, ""))


def test_an_image_with_a_wrong_hash():
    with Place(), Slots():
        scene = Scene()
        bundle = image_of(5000)
        bundle.wrong = [77]
        scene.offer(bundle).load(bundle, 1)
        equal(scene.last()["get"], [[0, 5000]])
        scene.load(bundle, 1)
        equal(scene.refusal(), "hash")


def test_a_board_without_a_second_place():
    with Place():
        scene = Scene()
        scene.offer(image_of(5000))
        equal(scene.last()["cause"], "image: this board has one slot for MicroPython; flash it by cable")
