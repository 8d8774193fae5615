# SPDX-License-Identifier: MIT
# heap: 272k, the flash of the board lies in it too
"""The storage fails while a client starts: recovery raises nothing, the device registers, and nothing that lies there
is lost by what it does meanwhile."""

import application_scene
import coap
from common import equal, raises
from msgin5g import MemoryStorage, StorageError
from msgin5g_scene import Scene, agree, msg, segment

LARGE = "x" * 3000


class Sick(MemoryStorage):
    """`fails` has the names of calls that raise OSError; `after` so many of each that go well."""

    fails = ()
    after = 0

    def _call(self, name):
        if name in self.fails:
            if self.after <= 0:
                raise OSError(5)
            self.after -= 1

    def names(self):
        self._call("names")
        return super().names()

    def read(self, name, offset, size):
        self._call("read")
        return super().read(name, offset, size)

    def append(self, name, octets, more=False):
        self._call("append")
        super().append(name, octets, more)

    def replace(self, name, octets):
        self._call("replace")
        super().replace(name, octets)

    def remove(self, name):
        self._call("remove")
        super().remove(name)

    def all(self):
        return {name: MemoryStorage.read(self, name, 0, 1 << 20) for name in MemoryStorage.names(self)}


def silent(asked):
    """Registered, and no answer to anything else."""
    return agree(asked) if asked.kind == "REG" else None


def lived():
    """A storage with what an earlier run left: messages out and in, short and long, a set in progress, a topic."""
    storage = Sick()
    scene = Scene(silent, storage).start()
    scene.send(payload="short")
    scene.send(payload=LARGE)
    equal(scene.post(msg("m-1")).code, coap.CHANGED)
    for number in (1, 2):
        equal(scene.post(segment(number, 2, message_id="m-2")).code, coap.CHANGED)
    equal(scene.post(segment(1, 3, set_id="s-2", message_id="m-3")).code, coap.CHANGED)
    scene.client.subscribe("news", scene.tick)
    scene._pump()
    return storage


def found(storage):
    """What a start on a storage that is well finds there."""
    storage.fails = ()
    client = Scene(silent, storage).client
    topics = client.procedure("topics").subscriptions
    return (
        [(each.message_id, each.size) for each in client.outbox.queue],
        [(each.message_id, each.size) for each in client.inbox],
        [each[1] for each in client.store.sets],
        [each.topic for each in topics],
    )


def test_a_storage_that_cannot_say_its_rows():
    """Once or always, at the first question or the second."""
    for after in (0, 1):
        storage = lived()
        before = found(storage)
        equal([len(each) for each in before], [2, 2, 1, 1])
        rows = storage.all()
        storage.fails, storage.after = ("names",), after
        scene = Scene(agree, storage, seed=2).start()
        client = scene.client
        assert client.registered
        assert client.journal.unread, "it is not told"
        storage.fails = ()  # it is well again, and this client knows no more than before
        error = raises(StorageError, scene.send)
        assert "not taken" in str(error.args), error.args
        raises(StorageError, scene.send, payload=LARGE)
        outgoing = scene.send("ue:z@x", volatile=True)
        scene.run(60000)
        equal(outgoing.state, "accepted")
        equal(scene.post(msg("m-9")).code, coap.INTERNAL_SERVER_ERROR)
        equal(scene.post(segment(1, 2, set_id="s-9", message_id="m-8")).code, coap.INTERNAL_SERVER_ERROR)
        client.flush()
        scene.run(600000)
        assert client.registered and client.journal.failed >= 4
        if not after:
            equal(storage.all(), rows)
            equal(found(storage), before)
        else:
            equal(found(storage)[1:], before[1:])


def test_any_call_fails_at_a_start():
    """Each alone, and all of them; from the first call on, or from a later one. It registers, and a message goes."""
    for fails in (
        ("names",),
        ("read",),
        ("append",),
        ("remove",),
        ("names", "read", "append", "replace", "remove"),
    ):
        for after in (0, 1, 2, 3, 5, 8):
            storage = lived()
            storage.fails, storage.after = fails, after
            scene = Scene(agree, storage, seed=2).start()
            assert scene.client.registered, (fails, after)
            outgoing = scene.send("ue:z@x", volatile=True)
            scene.run(60000)
            equal((fails, after, outgoing.state), (fails, after, "accepted"))
            assert scene.client.registered, (fails, after)


def test_topics_that_cannot_be_read_stay():
    storage = lived()
    storage.fails = ("read",)
    scene = Scene(agree, storage, seed=2).start()
    storage.fails = ()
    raises(StorageError, scene.client.subscribe, "other", scene.tick)
    equal(found(storage)[3], ["news"])


def test_an_application_client_starts_too():
    for fails in (("names",), ("read",), ("names", "read", "append", "replace", "remove")):
        for scheme in ("l3+uart", "coap"):
            storage = Sick()
            storage.append("log-1", b"what an earlier run left")
            storage.fails = fails
            scene = application_scene.Scene(scheme, storage)
            scene.client.start(0)
            assert scene.sent(), "no registration went out"
            equal(bool(scene.client.journal.unread), "names" in fails)
