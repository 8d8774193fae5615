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
