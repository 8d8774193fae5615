# SPDX-License-Identifier: MIT
"""The power goes at a write while a device is configured, and while another configuration takes effect: it comes to
that configuration, what it took is sent, and each set of segments is whole under one UE Service ID."""

import sys

from common import equal
from configuration_scene import UE, UE_ID, content, document, who
from life import AFTER, BEFORE, TORN, CutStorage, PowerCut
from msgin5g import MemoryStorage
from msgin5g_scene import HOUR, MINUTE, Scene, agree

# CPython cuts at every single write, MicroPython at a sample.
_STRIDE = 1 if sys.implementation.name == "cpython" else 5
_SIZE = 128  # of a segment, in the other configuration
NEW = "ue:a-longer-one@example.org"


class World:
    """A server that knows the device as UE, later as NEW, and takes messages from whoever is registered only."""

    def __init__(self):
        self.now_called = UE
        self.registered = None
        self.taken = {}  # message ID: who sent it, of whole ones
        self.sets = {}  # (who, set ID): numbers of the segments that came
        self.silent = False

    def __call__(self, asked):
        if asked.kind == "CONFIG":
            size = 0 if self.now_called == UE else _SIZE
            return content(document(self.now_called, size=size), 7200)
        if asked.kind == "REG":
            self.registered = who(asked)
        elif asked.kind == "DEREG":
            self.registered = None
        elif asked.kind == "MSG":
            if self.silent:
                return None
            equal(who(asked), self.registered)
            assert self.registered == UE or len(asked.body["payload"]) <= _SIZE, asked.body
            self.take(asked.body)
        return agree(asked)

    def take(self, body):
        parameters = body.get("segParams")
        if parameters is not None:
            came = self.sets.setdefault((body["oriAddr"]["addr"], parameters["segId"]), set())
            came.add(parameters["segNumb"])
            if len(came) < parameters["totalSegCount"]:
                return
        self.taken[body["msgId"]] = body["oriAddr"]["addr"]


class Story:
    """A device out of the box sends; then another configuration waits for it, and messages that it could not send."""

    def __init__(self):
        self.storage = CutStorage(MemoryStorage())
        self.world = World()
        self.sent = []
        self.restarts = 0
        self.ticks = None

    def boot(self):
        scene = Scene(self.world, self.storage, ue_service_id=None, ue_id=UE_ID)
        if self.ticks is not None:
            scene.now = self.ticks
        self.scene = scene
        return scene.start()

    def step(self, what, *arguments):
        """Does it, once more after a restart where the power went."""
        while True:
            try:
                if self.scene is None:
                    self.boot()
                what(*arguments)
                return
            except PowerCut:
                self.restarts += 1
                self.storage.restore_power()
                self.ticks = self.scene.now if self.scene else None
                self.scene = None

    def send(self, size):
        self.sent.append(self.scene.send(payload="x" * size).message_id)

    def run(self):
        self.scene = None
        self.step(lambda: self.scene.run(MINUTE))
        self.step(self.send, 10)
        self.world.silent = True
        for size in (20, 600, 1500):
            self.step(self.send, size)
        self.world.now_called = NEW
        self.step(lambda: self.scene.run(3 * HOUR))
        self.world.silent = False
        self.step(lambda: self.scene.run(3 * HOUR))

    def check(self):
        equal(self.scene.client.config.ue_service_id, NEW)
        equal((self.world.registered, self.scene.client.registration.state), (NEW, "registered"))
        missing = [message_id for message_id in self.sent if message_id not in self.world.taken]
        equal((missing, self.scene.client.outbox.queue), ([], []))
        equal({self.world.taken[message_id] for message_id in self.sent[1:]}, {NEW})
        for (sender, _), came in self.world.sets.items():
            equal((sender, sorted(came)), (NEW, list(range(1, len(came) + 1))))
        restarted = Scene(self.world, self.storage, ue_service_id=None, ue_id=UE_ID).start()
        equal((restarted.kinds(), who(restarted.asked[0])), (["REG"], NEW))


def cut_each(how):
    story = Story()
    story.run()
    story.check()
    writes = story.storage.writes
    assert writes > 8, writes
    for at in range(0, writes, _STRIDE):
        story = Story()
        story.storage.plan(at, how)
        story.run()
        try:
            equal(story.restarts, 1)
            story.check()
        except AssertionError as error:
            raise AssertionError("cut %d of write %d: %s" % (how, at, error))


def test_a_cut_before_each_write():
    cut_each(BEFORE)


def test_a_cut_within_each_write():
    cut_each(TORN)


def test_a_cut_after_each_write():
    cut_each(AFTER)
