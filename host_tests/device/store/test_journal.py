# SPDX-License-Identifier: MIT
# heap: 256k, the flash of the board lies in it too
"""The journal on a storage that is damaged, full, read-only or gone: the rest is read, the device goes on."""

import coap
from common import Random, equal, raises
from msgin5g import MemoryStorage, StorageError
from msgin5g.store.journal import Journal, record
from msgin5g.store.message import Message
from msgin5g.store.message_store import MessageStore
from msgin5g.store.records import Records, opened
from msgin5g_scene import Scene, agree, answering, msg


def _journal(storage):
    journal = Journal(storage, lambda: (0x4B, b"checkpoint"), lambda ref: (0x53, b"again"))
    return journal, [(kind, body) for kind, body, _, _ in opened(journal, journal._storage)]


def _found(storage, name="log-1"):
    records = Records(storage, name)
    return [body for _, _, body in records], records.torn, records.damaged


def test_a_damaged_record_costs_only_itself():
    """Whatever octet of the middle record is changed, the two around it are read."""
    records = (record(1, b"first"), record(2, b"second"), record(3, b"third"))
    for place in range(len(records[1])):
        damaged = bytearray(records[1])
        damaged[place] ^= 0x55
        storage = MemoryStorage()
        storage.append("log-1", records[0] + damaged + records[2])
        equal(_found(storage), ([b"first", b"third"], False, 1))


def test_a_torn_record_at_the_end_is_cut_off():
    """At each length of what is left of it; what is written next goes to another log segment."""
    whole = record(1, b"first")
    last = record(2, b"second")
    for size in range(1, len(last)):
        storage = MemoryStorage()
        storage.append("log-1", whole + last[:size])
        journal, found = _journal(storage)
        equal((found, journal.torn, journal.damaged), ([(1, b"first")], 1, 0))
        journal.append(3, b"third")
        # nobody said that the first is still needed, so its log segment went with the torn end
        equal([body for _, body in _journal(storage)[1]], [b"checkpoint", b"third"])


def test_rows_of_garbage_stop_nothing():
    """Rows named like the journal's that hold anything at all."""
    random = Random(4)
    storage = MemoryStorage()
    for name in ("log-1", "log-2", "log-x", "log-", "out-y", "set-"):
        storage.append(name, random.bytes(700))
    scene = Scene(storage=storage).start()
    equal(scene.send().state, "accepted")
    equal(Scene(storage=storage).start().send().state, "accepted")


class Counting(MemoryStorage):
    """Fails when it is written to for ever."""

    appends = 0

    def append(self, name, octets, more=False):
        self.appends += 1
        assert self.appends < 1000, "written to without an end"
        super().append(name, octets, more)


def test_a_checkpoint_that_fills_a_row_does_not_write_for_ever():
    """Each record that is written again then begins a log segment, as many as the log segments that go."""

    class Small(Journal):
        SEGMENT = 64

    storage = Counting()
    journal = Small(storage, lambda: (0x4B, bytes(64)), lambda ref: (0x53, b"again"))
    list(opened(journal, journal._storage))
    for number in range(20):
        journal.append(0x53, b"live", owner=number)
    for _ in range(20):
        journal.append(0x45, b"over")
    # at the worst each live record has a log segment of its own, beside the three that are left alone and the newest
    assert len(storage.names()) <= 24, storage.names()
    # and is written again with each record: 40 records, 20 live ones at the most
    assert storage.appends <= 40 * 21, storage.appends


def test_what_was_received_is_known_over_each_restart():
    """Also where its record made the journal clean: the log segment that this begins says what was seen so far."""
    storage = MemoryStorage()
    store = MessageStore(storage)
    store.recover()
    store.journal.SEGMENT = 512
    for number in range(60):
        message = Message("ue:x", None, "ue:a", "UE", "id-%d" % number, None, "NORMAL", False)
        store.received(message, b"x" * 20, False)
        again = MessageStore(storage)
        again.recover()
        equal([n for n in range(number + 1) if not again.seen("ue:x", "id-%d" % n)], [])
        if number % 3:  # the others stay in the inbox, and are written again and again
            store.taken(message)


def test_a_server_with_long_reasons():
    """What is remembered of messages that ended stays small, and their records are as few as ever."""
    why = b"what a server has to say to a message that it does not want " * 12

    def answer(asked):
        if asked.kind != "MSG":
            return agree(asked)
        return coap.CHANGED if "isDelivStatReq" in asked.body else (coap.BAD_REQUEST, why)

    storage = Counting()
    scene = Scene(answer, storage).start()
    for number in range(60):
        last = scene.send(report=number % 4 == 0)
    # as it is for the application that runs, and cut for one that restarted
    equal((last.state, last.cause), ("failed", "4.00 " + str(why, "utf-8").strip()))
    equal(scene.client.outbox.history()[-1][4], last.cause[:80])
    equal(Scene(storage=storage).client.outbox.history()[-1][4], last.cause[:80])
    # S of each, E of those that were refused, and the few that wait for a report once more in a while
    assert storage.appends <= 60 + 45 + 6, storage.appends


class Sick(MemoryStorage):
    """Fails every write while `errno` is set; with `gone`, its log segments are not there any more."""

    errno = None
    gone = False

    def append(self, name, octets, more=False):
        if self.errno:
            raise OSError(self.errno)
        super().append(name, octets, more)

    def read(self, name, offset, size):
        return b"" if self.gone else super().read(name, offset, size)


def test_a_full_or_read_only_storage():
    """send() says so, a volatile message goes, what comes in is asked for later, and all is well again after it."""
    for errno in (28, 30):
        scene = Scene(storage=Sick()).start()
        scene.storage.errno = errno
        error = raises(StorageError, scene.send)
        assert "not taken" in str(error.args), error.args
        equal((len(scene.client.outbox.queue), scene.client.outbox.octets), (0, 0))
        equal(scene.send(volatile=True).state, "accepted")
        equal(scene.post(msg("m-1")).code, coap.INTERNAL_SERVER_ERROR)
        equal(scene.take(), None)
        scene.storage.errno = None
        equal(scene.send().state, "accepted")
        equal(scene.post(msg("m-1")).code, coap.CHANGED)
        equal(scene.take().message_id, "m-1")
        assert scene.client.journal.failed >= 2


def test_a_file_system_that_vanished():
    """What was in it is lost and said to be: the message fails, the received one is counted, the device goes on."""
    scene = Scene(answering(coap.SERVICE_UNAVAILABLE), storage=Sick()).start()
    outgoing = scene.send()
    equal(scene.post(msg("m-1")).code, coap.CHANGED)
    scene.storage.gone = True
    scene.run(20000)
    equal((outgoing.state, outgoing.final), ("failed", True))
    assert outgoing.cause.startswith("storage: "), outgoing.cause
    equal((scene.take(), scene.client.stats["vanished"]), (None, 1))
    scene.storage.gone = False
    equal(scene.post(msg("m-2")).code, coap.CHANGED)
    equal(scene.take().message_id, "m-2")
