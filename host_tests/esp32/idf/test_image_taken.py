# SPDX-License-Identifier: MIT
"""A new MicroPython comes as an update, is tried by the boot loader, and stays or goes: what the device says, and which
of the two runs then (device/update/image.py, on the port's own C)."""

from test_image import NEW, SINGLE, chip

import idf
from base.record import load
from common import equal
from device.update import image
from update_scene import Bundle, Place, Scene

ONE_SLOT = "image: this board has one slot for MicroPython; flash it by cable"


class Cut(BaseException):
    """The power goes."""


def taken():
    """(Scene, Bundle) of a chip that has taken it, and is about to start anew."""
    chip()
    scene = Scene()
    bundle = Bundle({"image.bin": NEW}, kind="image")
    scene.take(bundle)
    equal((scene.states()[-1], scene.board.resets), ("verified", 1))
    equal((load()["try"], load()["partition"], image.running()), ("image", "ota_1", "ota_0"))
    return scene, bundle


def test_it_is_tried_and_stays():
    with Place():
        scene, bundle = taken()
        equal(idf.boot(), "ota_1")
        scene.start().run()
        equal((scene.states(), load()["try"]), (["confirmed"], ""))
        equal([idf.boot(), idf.boot()], ["ota_1", "ota_1"])
        scene.start()
        scene.give(bundle.offer())
        equal(scene.states(), ["confirmed"])


def test_it_fails_and_goes():
    """At the first reset before it is registered: the boot loader asks nobody."""
    with Place():
        scene, bundle = taken()
        equal([idf.boot(), idf.boot()], ["ota_1", "ota_0"])
        scene.start().run()
        equal(scene.states(), ["rolled-back"])
        equal(scene.last()["cause"], "start: the boot loader went back to the image before")
        equal((load()["try"], idf.boot()), ("", "ota_0"))
        scene.give(bundle.offer())
        equal(scene.states(), ["rolled-back"] * 2)
        scene.run(30000)
        scene.give(bundle.offer(again=True))
        equal(scene.states()[-1], "loading")


def test_the_power_goes_before_the_boot_loader_is_told():
    """The record says that it is tried, and the old one runs: that is no success."""
    with Place():
        chip()
        scene = Scene()
        activate = image.activate

        def cut():
            raise Cut

        image.activate = cut
        try:
            scene.take(Bundle({"image.bin": NEW}, kind="image"))
        except Cut:
            pass
        image.activate = activate
        equal((load()["try"], idf.boot()), ("image", "ota_0"))
        scene.start().run()
        equal((scene.states(), load()["try"]), (["rolled-back"], ""))


def test_it_goes_on_where_it_was():
    with Place():
        chip()
        scene = Scene()
        bundle = Bundle({"image.bin": NEW}, kind="image")
        scene.give(bundle.offer())
        equal(scene.last()["get"], [[0, len(NEW)]])
        idf.set(flash_left=5)
        scene.give(bundle.piece(0, len(NEW)))  # the flash fails in the midst of it
        equal(scene.last()["state"], "refused")
        idf.boot()
        scene.start().run(30000)
        scene.give(bundle.offer())
        scene.load(bundle)
        equal(scene.states()[-1], "verified")


def test_one_that_is_no_image():
    """It is what was signed; ESP-IDF looks at it when it is to be started."""
    with Place():
        chip()
        scene = Scene()
        scene.take(Bundle({"image.bin": NEW[:-1] + b"?"}, kind="image"))
        scene.run()
        equal(scene.board.resets, 0)
        equal(scene.last()["state"], "refused")
        equal(scene.last()["cause"], "image: ESP-IDF refuses it (ESP_ERR_OTA_VALIDATE_FAILED)")
        equal((load()["try"], idf.boot()), ("", "ota_0"))


def test_a_board_with_one_slot():
    with Place():
        chip(SINGLE, "factory")
        scene = Scene()
        scene.give(Bundle({"image.bin": NEW}, kind="image").offer())
        equal((scene.last()["state"], scene.last()["cause"]), ("refused", ONE_SLOT))
