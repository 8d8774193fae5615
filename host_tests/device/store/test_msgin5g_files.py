# SPDX-License-Identifier: MIT
"""Payloads that come from files: copied to the storage piece by piece, and nothing left behind there."""

import io

import coap
from common import equal, raises
from msgin5g import MemoryStorage, StorageError
from msgin5g_scene import Scene, agree, always, answering, clean, segconfir


class Stream:
    """Reads like a socket or a pipe: no seek, and fewer octets than asked for."""

    def __init__(self, octets):
        self._octets = octets

    def read(self, size):
        piece = self._octets[: min(size, 100)]
        self._octets = self._octets[len(piece) :]
        return piece


class Failing(MemoryStorage):
    """Its n-th append fails, as on a full flash; with `cut`, payloads lose their end."""

    def __init__(self, fails=0):
        super().__init__()
        self.fails = fails
        self.cut = False

    def append(self, name, octets, more=False):
        self.fails -= 1
        if self.fails == 0:
            raise OSError(28)
        super().append(name, octets, more)

    def read(self, name, offset, size):
        octets = super().read(name, offset, size)
        return octets[: size - 1] if self.cut and name[:4] == "out-" else octets


class Broken:
    def read(self, size):
        raise OSError(5)


def test_a_file_with_and_without_its_size():
    for payload in (
        io.BytesIO(b"\x00\xffhi"),
        (io.BytesIO(b"\x00\xffhi more"), 4),
        (Stream(b"\x00\xffhi"), 4),
    ):
        scene = Scene().start()
        outgoing = scene.send(payload=payload)
        # 00 ff 68 69 in base64
        equal(scene.asked[-1].body["payload"], "data:;base64,AP9oaQ==")
        equal((outgoing.size, outgoing.state), (4, "accepted"))
        clean(scene)


def test_a_file_is_read_from_where_it_stands():
    file = io.BytesIO(b"head:body")
    file.seek(5)
    scene = Scene().start()
    scene.send(payload=file)
    equal(scene.asked[-1].body["payload"], "data:;base64,Ym9keQ==")


def test_the_file_may_change_afterwards():
    scene = Scene(lambda asked: agree(asked) if asked.kind == "REG" else coap.SERVICE_UNAVAILABLE).start()
    file = io.BytesIO(b"old!")
    scene.send(payload=file)
    file.seek(0)
    file.write(b"new!")
    scene.forget()
    scene.answer = agree
    scene.run(10000)
    equal(scene.asked[-1].body["payload"], "data:;base64,b2xkIQ==")


def test_an_empty_file():
    scene = Scene().start()
    scene.send(payload=io.BytesIO(b""))
    equal(scene.asked[-1].body["payload"], "data:;base64,")
    clean(scene)


def test_a_file_that_ends_too_soon():
    scene = Scene().start()
    error = raises(ValueError, scene.send, payload=(Stream(b"x" * 700), 701))
    assert "700 of 701" in str(error), error
    clean(scene)


def test_files_that_cannot_be_read():
    scene = Scene().start()
    for payload, word in (
        (Stream(b"x"), "(file, size)"),
        ((Stream(b"x"), -1), "integer"),
        ((Stream(b"x"), "1"), "integer"),
        ((Stream(b"x"), None), "integer"),
        ((Stream(b"x"), True), "integer"),
        (io.StringIO("text"), "binary"),
        ((io.StringIO("text"), 4), "binary"),
    ):
        error = raises(ValueError, scene.send, payload=payload)
        assert word in str(error), (payload, error)
    raises(OSError, scene.send, payload=(Broken(), 4))
    clean(scene)
    equal(scene.kinds(), ["REG"])


def test_the_storage_fails_at_the_nth_write():
    # 9000 octets in pieces that end with a block of littlefs (DESIGN.md, "CTZ skip-lists"), 4096 and 4092 octets, are 3
    # writes; the record in the journal is the fourth and last
    payload = b"x" * 9000
    for fails in (1, 2, 3, 4):
        scene = Scene(storage=Failing(fails)).start()
        error = raises(StorageError, scene.send, payload=io.BytesIO(payload))
        equal(error.args[0], 28)
        clean(scene)
    scene = Scene(always(None), storage=Failing(5)).start()
    scene.send(payload=io.BytesIO(payload))
    equal(scene.storage.fails, 1)


def test_a_message_that_does_not_fit_writes_nothing():
    scene = Scene(storage=Failing(1), outbox={"bytes": 100}).start()
    raises(ValueError, scene.send, payload=(Stream(b"x" * 101), 101))
    equal(scene.storage.fails, 1)


def test_ids_that_leave_no_room_write_nothing_that_stays():
    scene = Scene(coap={"max_datagram": 512}).start()
    error = raises(ValueError, scene.send, to="x" * 255, payload=io.BytesIO(b"x"), app_id="y" * 100)
    assert "max_datagram" in str(error), error
    clean(scene)


def test_a_row_that_the_storage_lost_fails_its_message_only():
    scene = Scene(answering(coap.CHANGED, None), storage=Failing()).start()
    lost = scene.send(payload=io.BytesIO(b"x" * 2000))
    kept = scene.send("ue:c@x")
    scene.storage.cut = True
    scene.answer = agree
    scene.run(100000)
    equal((lost.state, lost.final), ("failed", True))
    assert lost.cause.startswith("storage: "), lost.cause
    equal(kept.state, "accepted")
    clean(scene)


def test_the_row_goes_when_the_message_ends():
    scene = Scene().start()
    for end in ("accepted", "failed", "expired"):
        outgoing = scene.send(payload=io.BytesIO(b"x" * 2000), expires=9 if end == "expired" else None)
        equal(len(scene.files), 1)
        if end == "expired":
            scene.run(10000)
        else:
            scene.post(segconfir(outgoing.segments.set_id, "true" if end == "accepted" else "false"))
        equal(outgoing.state, end)
        clean(scene)


def test_rows_of_an_earlier_run_are_cleared():
    storage = MemoryStorage()
    for name in ("out-7", "set-3", "other"):
        storage.append(name, b"x")
    Scene(storage=storage)
    equal(sorted(storage.names()), ["other"])
