# SPDX-License-Identifier: MIT
"""Bundles that were here before: what was confirmed and runs no more comes again."""

import asyncio
import os

import base
from base.record import load
from common import equal
from device import health
from update_scene import APP, NUMBER, Bundle, Key, Place, Scene, tree


def test_what_was_confirmed_and_runs_no_more_is_taken_again():
    """By cable: slots/now was removed, and what was flashed runs."""
    with Place():
        scene = Scene()
        bundle = Bundle()
        scene.take(bundle).start().run()
        os.remove("slots/now")
        scene.start()
        older = Bundle(number=NUMBER - 1)
        scene.offer(older)
        equal(scene.refusal(), "number")
        scene.take(bundle)
        equal((scene.states()[-1], load()["try"]), ("verified", "a"))
        scene.start().run()
        equal((scene.states(), load()["now"]), (["confirmed"], "a"))
        scene.offer(bundle)
        equal(scene.states(), ["confirmed"] * 2)


def test_a_damaged_slot_is_mended_by_the_same_bundle():
    """A slot that cannot be imported: the start runs what was flashed, and docs/troubleshooting.md says to send the
    bundle again."""
    with Place():
        scene = Scene()
        bundle = Bundle()
        scene.take(bundle).start().run()
        scene.start()
        base.folder = ""  # base.begin() found `skip`
        scene.take(bundle)
        equal((scene.states()[-1], load()["now"], load()["try"]), ("verified", "a", "b"))
        scene.start().run()
        files = dict(APP)
        files["manifest"] = bundle.manifest
        equal((scene.states(), load()["now"], tree("slots/b")), (["confirmed"], "b", files))


def test_one_whose_end_was_not_told_yet_is_not_forgotten_for_the_next():
    from msgin5g import OutboxFull

    with Place():
        scene = Scene()
        first, second = Bundle(), Bundle(number=NUMBER + 1)
        scene.take(first).start()
        scene.client.fails = OutboxFull("no")
        scene.run()
        scene.offer(second)
        equal(scene.updates.status()["id"], first.id)
        scene.client.fails = None
        scene.offer(second)
        equal((scene.refusal(), scene.last()["id"]), ("busy", second.id))
        scene.run()
        equal((scene.last()["id"], scene.last()["state"]), (first.id, "confirmed"))
        scene.offer(second)
        equal((scene.last()["id"], scene.last()["state"]), (second.id, "loading"))


def test_what_newer_firmware_has_noted_is_not_read_as_nothing():
    """What was confirmed is unknown then, and nothing could be noted of a trial: it would never stay."""
    with Place():
        scene = Scene()
        scene.storage.replace("update", b"2\n" + b'[["floors", 4294967295]]')
        scene.start().offer(Bundle())
        equal((scene.refusal(), scene.count("refused")), ("storage", 1))
        equal(scene.storage.read("update", 0, 99), b"2\n" + b'[["floors", 4294967295]]')


def test_a_storage_that_fails_as_a_trial_begins_is_tried_each_minute():
    import device.update.driving as driving

    class Asyncio:
        @staticmethod
        async def sleep(seconds):
            pass

    def fail():
        try:
            scene.run()
        except OSError as error:
            plain = driving.asyncio, health.now
            driving.asyncio, health.now = Asyncio, lambda: scene.now
            try:
                asyncio.run(scene.updates._pause(error))
            finally:
                driving.asyncio, health.now = plain
            return True
        return False

    with Place():
        asked = []
        scene = Scene()
        scene.on_update = lambda *what: asked.append(what) or True
        os.mkdir("slots")
        os.mkdir("slots/now~")  # nothing can be written there
        scene.start().offer(Bundle()).load(Bundle())
        equal((fail(), len(asked)), (True, 1))
        for _ in range(11):
            scene.now += 5000
            equal((fail(), len(asked)), (False, 1))
        scene.now += 5000
        equal((fail(), len(asked)), (True, 2))
        os.rmdir("slots/now~")
        scene.now += 60000
        equal((fail(), len(asked), load()["try"], scene.board.resets), (False, 3, "a", 1))


def test_who_offers_what_nobody_signed_takes_no_turn_from_others():
    with Place():
        scene = Scene()
        wrong = Bundle(key=Key(b"o"))
        senders = ["ue:%d@example.org" % number for number in range(4)]
        for sender in senders[:3]:
            scene.give(wrong.offer(), sender=sender)
            equal(scene.refusal(), "signature")
            scene.give(wrong.offer(), sender=sender)
            equal(scene.refusal(), "busy")
        scene.give(Bundle().offer())
        equal(scene.last()["state"], "loading")
        scene.give(
            wrong.offer(), sender=senders[3]
        )  # a device looks at four in half a minute, whoever they are from
        equal(scene.refusal(), "busy")
        scene.now += 30000
        scene.give(wrong.offer(), sender=senders[3])
        equal(scene.refusal(), "busy")  # the first one loads
        scene.now += 300000
        scene.give(wrong.offer(), sender=senders[3])
        equal(scene.refusal(), "signature")
