# SPDX-License-Identifier: MIT
"""Bundles that were here before: what was confirmed and runs no more comes again."""

import os

import base
from base.record import load
from common import equal
from update_scene import APP, NUMBER, Bundle, Place, Scene, tree


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
