# SPDX-License-Identifier: MIT
# heap: 1024k, the server, its bundles and what they must lead to, a flash chip and what was on it before
"""The power goes at each write of an update, in turn, while messages come and go: the device starts with the old
application or the new one, never with a mixture, comes to the new one in the end, and no message is lost. Then the same
with a flash that is full.
"""

import json
import sys

import base.record
import base.trial
import coap
import device.update.configuring as configuring
import device.update.slot as slot
import msgin5g_scene
from base.record import load
from coap.oscore.files import FileStorage
from common import Skip, equal
from life import BEFORE, TORN, PowerCut
from msgin5g_scene import agree, msg
from power_scene import Chip, Disk
from update_scene import NUMBER, Bundle, Long, Place, Scene, tree, write

BLOCKS = 384  # of 512 octets
# MicroPython cuts at a sample of the writes.
STRIDE = 1 if sys.implementation.name == "cpython" else 23
OLD = {"app/app.py": b"old", "app/data/a": b"A" * 30, "fw/board.py": b"b"}
BEFORE_IT = Bundle(OLD, number=NUMBER - 2)
# Verified, and waits for the application to let it begin: the new one takes its place, and has files of its names.
WAITING = Bundle(
    {"app/app.py": b"W" * 600, "app/data/b": b"W" * 99, "fw/y.py": b""}, number=NUMBER - 1, version="1.3"
)
NEW = {
    "app/app.py": b"new" * 200,
    "app/data/b": Long(b"B", 16500),
    "app/data/c/d": b"",
    "fw/device/x.py": b"x",
}


class Story:
    """A device whose old application came by an update, too; a server that offers it `bundle`; and messages."""

    device = None

    def __init__(self, disk, bundle):
        self.disk = disk
        self.bundle = bundle
        self.restarts = 0
        self.heard = []  # payloads that the peer accepted
        self.sent = []  # that `send` took
        self.unsure = []
        self.came = []  # message IDs that the device acknowledged
        self.taken = []
        self.number = 0

    def boot(self):
        self.check()
        storage = FileStorage("messages")
        self.talk = msgin5g_scene.Scene(self.answer, storage)
        self.talk.start()
        self.device = Scene(storage)
        self.device.on_update = self.wanted
        self.device.start()

    def wanted(self, name, version):
        """Let an update begin; what waits from before only after a cut: it has to be whole then, or gone."""
        return version != "1.3" or self.restarts > 0

    def answer(self, asked):
        if asked.kind == "MSG":
            self.heard.append(asked.body["payload"])
        return agree(asked)

    def check(self):
        """What lies there now is the old or the new, whole."""
        record = load()
        for name in (record["now"], record["try"]):
            if name in ("a", "b"):
                found = tree("slots/" + name)
                text = found.pop("manifest")
                (bundle,) = [each for each in (BEFORE_IT, WAITING, self.bundle) if each.manifest == text][:1]
                equal(sorted(found), sorted(bundle.paths))
                for path, octets in zip(bundle.paths, bundle.files):
                    assert found[path] == octets[: len(octets)], path

    def step(self):
        """A message each way, and what the server does by what the device said last."""
        self.number += 1
        payload = "m%d" % self.number
        self.unsure.append(payload)
        self.talk.send(payload=payload)
        self.unsure.remove(payload)
        self.sent.append(payload)
        name = "%s-%d" % (self.bundle.id, self.number)
        if self.talk.post(msg(name)).code == coap.CHANGED:
            self.came.append(name)
        self.take()
        device = self.device
        device.run(1000)
        if device.board.resets:
            device.board.resets = 0
            self.boot()
            return
        state = device.client.said and device.last()["id"] == self.bundle.id and device.last()["state"]
        if state == "loading":
            device.load(self.bundle, 1)
        elif state != "verified":
            device.offer(self.bundle)

    def take(self):
        while self.talk.client.inbox:
            self.taken.append(self.talk.client.inbox[0].message_id)
            self.talk.take()

    def until(self, done):
        """Go on until the device has said this, over cuts."""
        for _ in range(40):
            try:
                if self.device is None:
                    self.boot()
                self.step()
                if not self.disk.dead and self.device.client.said and done(self.device.last()):
                    return
            except (PowerCut, OSError):
                if not self.disk.dead:
                    raise
            if self.disk.dead:
                self.cut()
        raise AssertionError("it comes to no end: %s" % (self.device and self.device.client.said[-3:]))

    def cut(self):
        self.restarts += 1
        self.disk.restore_power()
        self.device = None

    def live(self):
        self.until(lambda said: said == {"id": self.bundle.id, "state": "confirmed"})
        self.boot()
        self.take()
        for payload in self.sent:
            assert payload in self.heard, payload
        for payload in self.heard:
            assert payload in self.sent + self.unsure, payload
        for name in self.came:
            assert name in self.taken, name


_begun = []  # what a device has on flash whose old application is confirmed


def bring(disk):
    """Bring that there as it comes there."""
    old = Story(disk, BEFORE_IT)
    old.live()
    equal(load()["now"], "a")
    old.device.offer(WAITING).load(WAITING)
    equal(old.device.last()["state"], "verified")


def begin(disk):
    """Put that there."""
    if not _begun:
        bring(disk)
        _begun.append(tree("."))
        return
    for path, octets in _begun[0].items():
        at = path.find("/")
        while at > 0:
            slot.make_folder(path[:at])
            at = path.find("/", at + 1)
        write(path, octets)


def lives(bundle, how):
    """The story of a bundle, cut at each of its writes in turn."""
    at = 0
    while True:
        with Place(), Disk(slot, configuring, base.record, base.trial) as disk:
            begin(disk)
            disk.plan(disk.writes + at, how)
            story = Story(disk, bundle())
            try:
                story.live()
            except AssertionError as error:
                raise AssertionError("cut %d of write %d: %s" % (how, at, error))
            if not story.restarts:
                assert at > 20, at
                return
            equal(story.restarts, 1)
        at += STRIDE


def app():
    return Bundle(NEW)


def test_a_cut_before_each_write():  # and after the one before it
    lives(app, BEFORE)


def test_a_cut_within_each_write():
    lives(app, TORN)


def test_a_cut_at_each_write_of_a_configuration():
    def configuration():
        return Bundle({"config.json": b'{"registration":{"lifetime":600}}'}, kind="config", board="any")

    lives(configuration, TORN)


def test_a_flash_that_is_full_from_each_write_on():
    """What is there stays whole, the server is told or hears nothing, and with room again all goes on."""
    at = 0
    refused = 0
    while True:
        with Place(), Disk(slot, configuring, base.record, base.trial) as disk:
            begin(disk)
            disk.full = disk.writes + at
            story = Story(disk, app())
            for _ in range(8):
                try:
                    if story.device is None:
                        story.boot()
                    story.step()
                    refused += story.device.count("refused")
                except OSError:
                    if story.device is not None:
                        story.device.updates._looked = False  # as its task does before it goes on
            if disk.writes < disk.full:
                assert refused or STRIDE > 1
                return
            story.check()
            disk.full = story.device = None
            story.live()
        at += max(3, STRIDE)


def test_a_cut_on_littlefs():
    """At a sample of what is programmed: the chip's own view of the same."""
    if sys.implementation.name != "micropython":
        raise Skip("CPython has no littlefs of its own")
    from device import health
    from update_scene import Starts, settings

    health.starts = Starts()
    with Chip(BLOCKS) as chip:
        write("msgin5g.json", json.dumps(settings()).encode())
        bring(chip)
        begun = bytes(chip.flash.data)
    at = restarts = 0
    story = None
    while story is None or story.restarts:
        with Chip(BLOCKS, begun) as chip:
            chip.plan(at, TORN)
            story = Story(chip, app())
            try:
                story.live()
            except AssertionError as error:
                raise AssertionError("cut within program %d: %s" % (at, error))
            restarts += story.restarts
        at += 29
    assert restarts > 5, restarts
    health.starts = None
