# SPDX-License-Identifier: MIT
"""64 KiB each way through a heap of 192 KB, with the files in files."""

import binascii
import gc

import coap
from common import Folder, equal
from msgin5g_scene import Scene, agree, segconfir, segment

SIZE = 65536


class Pattern:
    """A file of octets that can be told for each place, without holding them."""

    def __init__(self, size):
        self._left = size
        self._place = 0

    def read(self, size):
        size = min(size, self._left)
        piece = octets_at(self._place, size)
        self._place += size
        self._left -= size
        return piece


def octets_at(place, size):
    piece = bytearray(size)
    for index in range(size):
        piece[index] = (place + index) * 31 + ((place + index) >> 8) & 255
    return bytes(piece)


class Heap:
    """Highest use above the start, where the interpreter tells it; every look collects first."""

    def __init__(self):
        self.peak = 0
        gc.collect()
        self.start = gc.mem_alloc() if hasattr(gc, "mem_alloc") else None

    def look(self):
        if self.start is not None:
            gc.collect()
            self.peak = max(self.peak, gc.mem_alloc() - self.start)

    def left(self):
        gc.collect()
        return 0 if self.start is None else gc.mem_alloc() - self.start


def test_sending_64_kib_of_a_file():
    with Folder() as disk:
        place = [0]
        heap = [None]

        def answer(asked):
            if asked.kind == "MSG":
                piece = binascii.a2b_base64(asked.body["payload"][13:])
                equal(piece, octets_at(place[0], len(piece)))
                place[0] += len(piece)
                if heap[0]:
                    heap[0].look()
            return agree(asked)

        scene = Scene(answer, storage=disk)
        scene.MAX_ASKED = 1
        scene.start()
        # One before the measurement: it imports and grows what stays.
        for measured in (False, True):
            heap[0] = Heap() if measured else None
            place[0] = 0
            outgoing = scene.send(payload=(Pattern(SIZE), SIZE))
            equal(place[0], SIZE)
            equal(outgoing.state, "sent")
            scene.post(segconfir(outgoing.segments.set_id))
            equal((outgoing.state, scene.files), ("accepted", []))
        print("%d segments, heap %d above the start" % (scene.count["MSG"] // 2, heap[0].peak))
        # design, budget: 24 KB above idle
        assert heap[0].peak < 24 * 1024, heap[0].peak
        outgoing = None
        scene.asked = []
        assert heap[0].left() < 2048, heap[0].left()


def test_receiving_64_kib_in_segments():
    with Folder() as disk:
        scene = Scene(storage=disk).start()
        scene.MAX_ASKED = 1
        step = 516
        total = (SIZE + step - 1) // step
        # One before the measurement: it imports and grows what stays.
        receive(scene, total, step, "m-0", "s-0")
        heap = Heap()
        peak = receive(scene, total, step, "m-1", "s-1", heap)
        print("%d segments, heap %d above the start" % (total, peak))
        assert peak < 24 * 1024, peak
        scene.asked = []
        assert heap.left() < 2048, heap.left()
        equal(scene.files, [])


def receive(scene, total, step, message_id, set_id, heap=None):
    for number in range(total, 0, -1):
        piece = octets_at((number - 1) * step, min(step, SIZE - (number - 1) * step))
        value = '"data:;base64,%s"' % str(binascii.b2a_base64(piece), "ascii").strip()
        equal(scene.post(segment(number, total, value, set_id, message_id)).code, coap.CHANGED)
        if heap and number % 8 == 0:
            heap.look()
    message = scene.take()
    equal(message.size, SIZE)
    place = 0
    for chunk in message.chunks():
        equal(chunk, octets_at(place, len(chunk)))
        place += len(chunk)
        if heap and place % 8 == 0:
            heap.look()
    equal(place, SIZE)
    message.close()
    return heap.peak if heap else 0
