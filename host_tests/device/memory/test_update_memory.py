# SPDX-License-Identifier: MIT
"""An update that finds no memory, at each place where it takes some, goes on later with what is on flash; and what it
takes while a piece comes."""

import asyncio
import gc
import sys

import device.update.lms as lms
import device.update.slot as slot
import device.update.taking as taking
import starving
from common import Skip, equal
from update_scene import Bundle, Incoming, Long, Place, Scene

FILES = {"app/app.py": b"a" * 700, "app/b": b"b" * 300}


async def nothing():
    pass


def right(public, message, signature):
    yield True


def finish(coroutine):
    """Let it run to its end; nothing in it waits."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration:
        pass


class Quiet:
    """Without the pauses of an update, and without the hashes of a signature, which would be most of the places."""

    def __enter__(self):
        self._before = taking.pause, lms.steps
        taking.pause = slot.pause = nothing
        lms.steps = right

    def __exit__(self, *error):
        slot.pause, lms.steps = self._before
        taking.pause = slot.pause


def starved(payload, loaded):
    """`payload(bundle)` comes while memory fails at each place in turn; in the end the bundle is verified."""
    if sys.implementation.name == "micropython":
        raise Skip("it fails at each block of the heap, and takes half a minute: CPython does at each object")
    bundle, before = Bundle(FILES), Bundle({"app/app.py": b""}, number=1)
    message = payload(bundle)

    def prepare():
        scene = Scene()
        scene.on_update = lambda name, version: False
        scene.start().run()
        scene.offer(before)  # it is verified, and leaves its place
        scene.now += 30000
        if loaded:
            scene.offer(bundle)
        scene.message = Incoming(message)
        return scene

    def act(scene):
        finish(scene.updates.handle(scene.message, scene.now))

    def check(scene, raised):
        complete = not raised and scene.client.said and scene.last()["id"] == bundle.id
        complete = complete and scene.last()["state"] == ("verified" if loaded else "loading")
        scene.updates._looked = False  # as its task does before it goes on
        scene.run(60000)
        if scene.updates.noted.id != bundle.id:
            scene.offer(bundle)
        if scene.updates.noted.state == "loading":
            scene.run(600000)
            scene.load(bundle)
        equal(scene.updates.noted.state, "verified")
        equal(scene.board.resets, 0)
        return complete

    with Place(), Quiet():
        assert starving.each(prepare, act, check) > 10


def test_an_offer():
    starved(lambda bundle: bundle.offer(), False)


def test_a_piece_and_what_follows_from_it():
    starved(lambda bundle: bundle.piece(0, 1000), True)


def test_the_heap_while_a_piece_comes():
    """8 KiB at most beside what the message itself takes, whatever its length."""
    if not hasattr(gc, "mem_alloc"):
        raise Skip("CPython's heap is not counted")
    bundle = Bundle({"app/app.py": Long(b"a", 40000)})
    most = []

    class Stored:
        """A message of 16 KiB that lies in the storage, and comes by pieces of 2 KiB as the segments did."""

        sender, sender_type, size = "as:updates@example.org", "AS", 13 + 16384

        def __init__(self, offset):
            self._head = bundle.piece(offset, 0)

        def chunks(self):
            for at in range(0, self.size, 2048):
                gc.collect()
                most[-1] = max(most[-1], gc.mem_alloc() - before)
                head = self._head if not at else b""
                yield head + b"a" * (min(2048, self.size - at) - len(head))

        def close(self):
            pass

    with Place():
        scene = Scene()
        scene.offer(bundle)
        for offset in (None, 0, 16384):  # read by nobody; with the first one the modules come in
            message = Stored(offset or 0)
            gc.collect()
            before = gc.mem_alloc()
            most.append(0)
            if offset is None:
                for part in message.chunks():
                    equal(len(part) > 0, True)
            else:
                asyncio.run(scene.updates.handle(message, scene.now))
        equal(scene.last()["get"], [[32768, 7232]])
        assert most[0] < most[2] < most[0] + 8192, most
        print("a message takes %d octets, a piece %d" % (most[0], most[2]))
