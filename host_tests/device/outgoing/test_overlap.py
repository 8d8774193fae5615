# SPDX-License-Identifier: MIT
# heap: 256k, the peer, the storage and two devices one after the other lie in it
"""A message from a file goes out while it is copied to the storage; nobody has all of it before `send` has taken it."""

import io

import coap
from common import equal, raises
from msgin5g import MemoryStorage, StorageError
from msgin5g_scene import MINUTE, SECOND, Scene, agree, always, answering, clean, segconfir, segrec

SIZE = 9000
# Octets of the first blocks of a file (littlefs DESIGN.md, "CTZ skip-lists"): block n begins with a pointer of 4 octets
# for each power of 2 that divides n, 2**0 among them, and the first has none
BLOCKS = (4096, 4092, 9000 - 4096 - 4092)


class Appended(MemoryStorage):
    """Tells what was appended to each file that is none of the journal; `full` octets go into them."""

    def __init__(self, full=1 << 20):
        super().__init__()
        self.sizes = []
        self.full = full

    def append(self, name, octets):
        if name[:4] != "log-":
            if sum(self.sizes) + len(octets) > self.full:
                raise OSError(28)
            self.sizes.append(len(octets))
        return super().append(name, octets)


class Fails(MemoryStorage):
    """Whose journal takes nothing any more where `fails` is set."""

    fails = False

    def append(self, name, octets):
        if self.fails and name[:4] == "log-":
            raise OSError(5)
        return super().append(name, octets)


class File:
    """That many octets, which take no heap."""

    def __init__(self, size=SIZE, most=1 << 20):
        self.left = size
        self.most = most

    def read(self, size):
        if size > self.most:
            raise MemoryError
        size = min(size, self.left)
        self.left -= size
        return b"x" * size


def begun(answer=agree, storage=None, size=SIZE, **options):
    scene = Scene(answer, storage=storage).start()
    outgoing = offer(scene, payload=(File(size), size), **options)
    return scene, outgoing


def offer(scene, **options):
    outgoing = scene.client.offer("ue:b@x", now=scene.tick, **options)
    scene._pump()
    return outgoing


def step(scene, outgoing):
    """Copies a piece; returns whether it was done."""
    done = scene.client.spool(outgoing, scene.tick)
    scene._pump()
    return done


def finish(scene, outgoing):
    for _ in range(40):
        if step(scene, outgoing):
            return
    raise AssertionError("it has no end")


def test_segments_go_out_as_far_as_the_copy_reaches():
    scene, outgoing = begun()
    equal(scene.of("MSG"), [])
    equal(scene.files, [])
    counts = []
    for number in range(len(BLOCKS)):
        equal(step(scene, outgoing), False)
        counts.append(scene.count.get("MSG", 0))
        # a segment takes as many octets as its place says; what went out has been copied
        equal(counts[-1], sum([end <= sum(BLOCKS[: number + 1]) for end in ends(outgoing)[:-1]]))
    total = outgoing.segments.total
    equal(counts[-1], total - 1)
    equal((outgoing.state, outgoing.final), ("sent", False))
    equal(step(scene, outgoing), True)  # the message itself is there
    equal(scene.count["MSG"], total)
    equal(step(scene, outgoing), True)  # nothing happens any more
    scene.post(segconfir(outgoing.segments.set_id))
    equal(outgoing.state, "accepted")
    clean(scene)


def ends(outgoing):
    return [outgoing.segments.end(number + 1) for number in range(outgoing.segments.total)]


def test_pieces_end_with_the_blocks_of_littlefs():
    for overlap in (True, False):
        storage = Appended()
        scene = Scene(always(None), storage=storage).start()
        outgoing = (offer if overlap else Scene.send)(scene, payload=(File(), SIZE))
        finish(scene, outgoing)
        equal(tuple(storage.sizes), BLOCKS)


def test_a_heap_in_pieces_is_enough():
    storage = Appended()
    scene = Scene(always(None), storage=storage).start()
    finish(scene, offer(scene, payload=(File(most=512), SIZE)))
    equal((sum(storage.sizes), max(storage.sizes)), (SIZE, 512))


def test_a_restart_before_it_is_there_knows_nothing_of_it():
    storage = MemoryStorage()
    size = sum(BLOCKS[:2])
    scene, outgoing = begun(storage=storage, size=size)
    for _ in range(2):
        step(scene, outgoing)
        equal(held(storage), ([], []))
    scene.forget()  # three devices and their storages are in this heap
    set_id = outgoing.segments.set_id
    again = Scene(storage=copy_of(storage)).start()
    # TS 24.538 clause 6.5.3: what the receiver asks for is not held, so that it gives the set up
    equal(again.post(segrec(set_id, "(1-2)")).code, coap.NOT_FOUND)
    finish(scene, outgoing)
    again = None
    again = Scene(always(None), storage=copy_of(storage))
    (kept,) = again.client.outbox.queue
    equal((kept.message_id, kept.size, kept.source.read(0, 9)), (outgoing.message_id, size, b"x" * 9))


def held(storage):
    """What a device has of messages that wakes with such a storage; the device itself is garbage then."""
    again = Scene(storage=copy_of(storage))
    return again.client.outbox.queue, again.files


def copy_of(storage):
    other = MemoryStorage()
    for name in storage.names():
        offset = 0
        while True:
            piece = storage.read(name, offset, 512)
            if not piece:
                break
            other.append(name, piece)
            offset += len(piece)
    return other


def test_a_full_storage_takes_the_message_back():
    for full in (0, 4096, 8500):
        scene, outgoing = begun(storage=Appended(full))
        error = raises(StorageError, finish, scene, outgoing)
        equal(error.args[0], 28)
        clean(scene)
        equal(scene.client.stats["failed"], 0)
        assert scene.count.get("MSG", 0) < 30
        equal(scene.post(segrec("x", "(1-1)")).code, coap.NOT_FOUND)
        # the next one has its turn
        equal(scene.send().state, "accepted")


def test_a_journal_that_fails_takes_the_message_back():
    storage = Fails()
    scene, outgoing = begun(storage=storage)
    for _ in BLOCKS:
        step(scene, outgoing)
    sent = scene.count["MSG"]
    storage.fails = True
    raises(StorageError, step, scene, outgoing)
    storage.fails = False
    clean(scene)
    scene.run(MINUTE)
    equal(scene.count["MSG"], sent)
    equal(scene.send().state, "accepted")


def test_a_file_that_ends_too_soon_takes_the_message_back():
    scene = Scene().start()
    outgoing = offer(scene, payload=(File(5000), SIZE))
    error = raises(ValueError, finish, scene, outgoing)
    assert "5000 of 9000" in str(error), error
    clean(scene)
    equal(scene.send().state, "accepted")


def test_text_that_is_read_as_such_is_refused():
    scene = Scene().start()
    outgoing = offer(scene, payload=(io.StringIO("x" * 3000), SIZE))
    error = raises(ValueError, finish, scene, outgoing)
    assert "binary mode" in str(error), error
    clean(scene)


def test_one_that_is_taken_back_is_off_the_air():
    scene, outgoing = begun(always(None))
    scene.answer = lambda asked: agree(asked) if asked.kind == "REG" else None
    scene.run(10 * MINUTE)
    step(scene, outgoing)
    equal(scene.count["MSG"], 1)
    scene.client.drop(outgoing, scene.tick)
    scene.answer = agree
    clean(scene)
    equal(scene.send().state, "accepted")
    scene.run(MINUTE)
    equal(scene.client.stats["accepted"], 1)


def test_one_that_is_kept_is_not_taken_back():
    scene, outgoing = begun()
    finish(scene, outgoing)
    scene.client.drop(outgoing, scene.tick)
    equal(len(scene.client.outbox.queue), 1)


def test_one_that_ends_meanwhile_is_copied_no_further():
    storage = MemoryStorage()
    scene, outgoing = begun(answering((coap.REQUEST_ENTITY_TOO_LARGE, b"no room")), storage)
    step(scene, outgoing)
    equal((outgoing.state, outgoing.cause), ("failed", "4.13 no room"))
    equal(step(scene, outgoing), True)
    clean(scene)
    # as of any other that ended, this is known after a restart
    history = Scene(storage=storage).client.outbox.history()
    equal([each[0] for each in history], [outgoing.message_id])


def test_one_that_expires_meanwhile():
    scene = Scene(lambda asked: agree(asked) if asked.kind == "REG" else None).start()
    outgoing = offer(scene, payload=(File(), SIZE), expires=5)
    step(scene, outgoing)
    scene.run(6 * SECOND)
    equal(outgoing.state, "expired")
    equal(step(scene, outgoing), True)
    clean(scene)


def test_nobody_has_what_did_not_go_out_whole():
    scene, outgoing = begun(report=True)
    step(scene, outgoing)
    equal(scene.post(segconfir(outgoing.segments.set_id)).code, coap.CHANGED)
    equal(outgoing.final, False)
    equal(outgoing.state, "sent")
    equal(scene.files, ["out-1"])
    finish(scene, outgoing)
    scene.post(segconfir(outgoing.segments.set_id))
    equal(outgoing.state, "accepted")


def test_order_is_that_of_the_calls_after_a_restart_too():
    storage = MemoryStorage()
    scene = Scene(always(None), storage=storage).start()
    first = offer(scene, payload=(File(), SIZE))
    second = scene.send(payload="second")
    finish(scene, first)
    queue = Scene(always(None), storage=storage).client.outbox.queue
    equal([each.message_id for each in queue], [first.message_id, second.message_id])


def test_one_that_fits_a_datagram_is_there_at_once():
    for size in (0, 500):
        scene, outgoing = begun(size=size)
        equal(step(scene, outgoing), True)
        equal(outgoing.state, "accepted")
        clean(scene)
    scene = Scene(always(None)).start()
    outgoing = offer(scene, payload=io.BytesIO(b"x" * 3000), volatile=True)
    equal((step(scene, outgoing), scene.files), (True, []))
