# SPDX-License-Identifier: MIT
# heap: 256k, what 66 messages leave in it
"""Where memory ends, or the stack: a call that raises has done nothing, one that does not has done all of it, and what
counts as on the air is there."""

from application_scene import Scene as ApplicationScene
from common import Folder, equal
from configuration_scene import content, document
from configuration_scene import scene as configured
from msgin5g.store.message_store import MessageStore
from msgin5g_scene import MINUTE, Scene

try:
    from micropython import heap_lock, heap_unlock
except ImportError:  # CPython, where an attribute that is new takes memory as well, but nothing can say so
    heap_lock = heap_unlock = bool

_FRAMES = 64  # more than the deepest call of the client has


def nested(levels, call, *arguments):
    """What `call` gives, called from so far down."""
    return nested(levels - 1, call, *arguments) if levels else call(*arguments)


def deepest():
    """From how far down nothing can be called any more."""
    levels = 0
    while True:
        try:
            nested(levels, bool)
        except RuntimeError:
            return levels
        levels += 1


def names(messages):
    return sorted([message.message_id for message in messages])


def left_by(scene):
    """What another start on its storage finds."""
    store = MessageStore(scene.storage)
    store.recover()
    return names(store.queue + store.waiting)


def send(scene):
    return scene.client.send("ue:b@x", "x" * 60, scene.tick, report=True)


# --- the stack ---------------------------------------------------------------------------------------------------


def test_sent_from_far_down():
    """By an application that calls from further and further down: each message is taken or not, and goes out."""
    bottom = deepest()
    refused = sent = 0
    for frames in range(_FRAMES):
        scene = Scene().start()
        # Each message has a log segment of its own, and old ones are given up.
        scene.client.journal.SEGMENT = 300
        # The code that sends is there: to load it takes more of the stack.
        taken = [scene.send(report=True)]
        for _ in range(5):
            try:
                taken.append(nested(max(0, bottom - frames), send, scene))
            except RuntimeError:
                refused += 1
            scene._pump()
        sent += len(taken)
        equal(names(scene.client.store.queue + scene.client.store.waiting), names(taken))
        equal(left_by(scene), names(taken))
        scene.run(MINUTE)
        equal([each.state for each in taken], ["accepted"] * len(taken))
        equal((scene.client.store.queue, scene.client.on_air), ([], 0))
    assert refused and sent, (refused, sent)


# --- the heap ----------------------------------------------------------------------------------------------------


def locked_behind(scene, payload, call):
    """A message whose record is written, and then there is no memory."""
    write = scene.client.store.journal.write

    def written(records):
        ref = write(records)
        heap_lock()
        return ref

    scene.client.store.journal.write = written
    try:
        outgoing = call(scene.client)("ue:b@x", payload, scene.tick)
    finally:
        heap_unlock()
        scene.client.store.journal.write = write
    equal(left_by(scene), [outgoing.message_id])


def test_a_message_on_flash_is_taken():
    for call in (lambda client: client.send, lambda client: client.offer):
        for payload in ("x", b"x", "x" * 1000, b"x" * 3000):
            locked_behind(Scene(), payload, call)
            locked_behind(Scene().start(), payload, call)


class Locked:
    """`source.next` finds no memory, the first time that it has something to give."""

    def __init__(self, source):
        self.raised = 0
        self._next = source.next
        source.next = self.next

    def next(self, now):
        if self.raised:
            return self._next(now)
        heap_lock()
        try:
            return self._next(now)
        except MemoryError:
            self.raised += 1
            raise
        finally:
            heap_unlock()


def test_an_application_registers_all_the_same():
    scene = ApplicationScene()
    Locked(scene.client.registration)
    scene.client.start(0)
    scene.pass_time(MINUTE)
    equal([frame[0] for frame in scene.sent()][:1], [7])  # REGISTRATION REQUEST (A.2.2.1)


def test_a_configuration_is_asked_for_all_the_same():
    scene = configured(content(document()))
    Locked(scene.client.procedure("configuration"))
    scene.start()
    scene.run(MINUTE)
    equal((scene.count.get("CONFIG"), scene.client.registered), (1, True))


def test_a_message_is_discarded_all_the_same():
    scene = Scene().start()
    outgoing = scene.send(report=True, store_forward=True)
    scene.call("stored", "discard", scene.send(report=True))  # its code is there
    Locked(scene.client.procedure("stored"))
    change = scene.call("stored", "discard", outgoing)
    scene.run(MINUTE)
    equal((change.state, change.result), ("done", True))


def test_who_makes_room_ends_or_waits_on():
    """64 messages wait for their reports; where there is no memory to end one for a further, it is not forgotten."""

    def starved(*_):
        raise MemoryError

    with Folder() as storage:  # which is not in the heap
        scene = Scene(storage=storage).start()
        scene.MAX_ASKED = 1
        sent = [scene.send(report=True) for _ in range(64)]
        ended = scene.client.store.ended
        scene.client.store.ended = starved
        sent.append(scene.send(report=True))
        scene.client.store.ended = ended
        equal(names(scene.client.outbox.waiting), names(sent))
        sent.append(scene.send(report=True))
        equal(names(scene.client.outbox.waiting + [each for each in sent if each.final]), names(sent))
