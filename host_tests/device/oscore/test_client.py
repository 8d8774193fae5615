# SPDX-License-Identifier: MIT
"""A Client in security mode oscore, and a peer that holds the other end of the key."""

import gc
import json

from common import equal, raises
from msgin5g import Client, Config, ConfigError, MemoryStorage
from oscore_scene import Party

UE = "ue:a@x"
PEER = ("192.0.2.1", 65401)
SECRET = "736978746565 6e206f63746574732e2e".replace(" ", "")  # "sixteen octets.."
KEYS = {"master_secret": SECRET, "sender_id": "01", "recipient_id": ""}
GRANTED = b'{"oriAddr":{"oriAddrType":"UE","addr":"ue:a@x"},"result":true,"regExpTime":3600}'


def configuration(security, **more):
    members = {"role": "client", "ue_service_id": UE, "peer": "coap://192.0.2.1:65401", "security": security}
    members.update(more)
    return Config(members)


class Scene:
    def __init__(self, storage=None, **more):
        self.storage = storage or MemoryStorage()
        self.client = Client(configuration(KEYS, **more), self.storage)
        self.peer = Party(PEER, b"", b"\x01")
        self.sizes = []
        self.now = 0

    def work(self, before=None):
        """Carries datagrams until none is left; `before` is called before each of the device's."""
        while True:
            item = self.client.outgoing()
            if item is None:
                return
            if before:
                before()
            self.sizes.append(len(item[0]))
            kind = self._kind()
            for octets, _ in self.peer.take(bytes(item[0]), ("device", 1), self.now, payload=kind):
                self.client.receive(octets, PEER, self.now)

    def _kind(self):
        return GRANTED if not self.client.registered else b""


def test_registers_and_sends():
    scene = Scene()
    scene.client.start(0)
    scene.work()
    equal(scene.client.registered, True)
    outgoing = scene.client.send("as:b@x", "text", 0, to_type="AS")
    scene.work()
    equal(outgoing.state, "accepted")
    equal([json.loads(str(each.payload, "utf-8"))["msgType"] for each in scene.peer.got], ["REG", "MSG"])


def test_goes_on_after_a_restart():
    scene = Scene()
    scene.client.start(0)
    scene.work()
    again = Scene(scene.storage)
    again.peer = scene.peer
    again.client.start(0)
    again.work()
    equal(again.client.registered, True)
    equal(scene.peer.security.stats["replayed"], 0)


def test_the_row_of_the_key_stays():
    scene = Scene()
    scene.client.start(0)
    scene.work()
    (name,) = [name for name in scene.storage.names() if name.startswith("oscore-")]
    before = scene.storage.read(name, 0, 100)
    Scene(scene.storage)
    equal(scene.storage.read(name, 0, 100), before)


def test_segments_fit_even_with_echo():
    # The peer restarts at each message, so that each comes a second time, with Echo. Small datagrams, for the heap.
    scene = Scene(coap={"max_datagram": 512})
    scene.client.start(0)
    scene.work()
    scene.client.send("as:b@x", bytes(1000), 0, to_type="AS")
    challenged = []

    def restart():
        scene.peer.got.clear()
        gc.collect()  # both ends and their code are in one heap here
        if len(scene.sizes) % 2:
            scene.peer.restart()
            challenged.append(scene.peer)

    scene.work(restart)
    assert len(challenged) > 3
    largest = max(scene.sizes)
    # Nearly full: a Partial IV of 1 octet and not 5, numbers of 1 digit and not 4, base64 in steps of 4
    assert 512 - 4 - 6 - 22 - 4 <= largest <= 512, largest
    equal(scene.client.stats["failed"], 0)


def test_keys_are_needed_or_none_by_name():
    for security, key in (
        ({}, "security.master_secret"),
        ({"mode": "oscore"}, "security.master_secret"),
        ({"master_secret": SECRET}, "security.sender_id"),
        ({"master_secret": SECRET, "sender_id": "01"}, "security.recipient_id"),
        ({"master_secret": SECRET, "sender_id": "01", "recipient_id": "01"}, "security.recipient_id"),
    ):
        error = raises(ConfigError, Client, configuration(security), MemoryStorage())
        equal(error.key, key)
        assert SECRET not in str(error)
    assert '{"mode": "none"}' in str(raises(ConfigError, Client, configuration({}), MemoryStorage()))
    Client(configuration({"mode": "none"}), MemoryStorage())


def test_a_key_whose_numbers_are_damaged():
    storage = MemoryStorage()
    scene = Scene(storage)
    scene.client.start(0)
    scene.work()
    (name,) = [name for name in storage.names() if name.startswith("oscore-")]
    storage.replace(name, b"12345678")
    error = raises(ConfigError, Scene, storage)
    equal(error.key, "security.master_secret")
    assert "provision a new key" in str(error)


def test_storage_that_fails_ends_nothing():
    class Failing(MemoryStorage):
        works = True

        def replace(self, name, octets):
            if not self.works and name.startswith("oscore-"):
                raise OSError(28)
            MemoryStorage.replace(self, name, octets)

    storage = Failing()
    scene = Scene(storage)
    storage.works = False
    scene.client.start(0)
    scene.work()
    equal((scene.client.registered, scene.sizes), (False, []))
    storage.works = True
    deadline = scene.client.next_deadline()
    scene.client.poll(deadline)
    scene.now = deadline
    scene.work()
    equal(scene.client.registered, True)


def test_refused_by_a_peer_with_another_key():
    scene = Scene()
    scene.peer = Party(PEER, b"", b"\x01", secret=b"another sixteen.")
    scene.client.start(0)
    scene.work()
    scene.client.poll(2000)  # ACK_TIMEOUT, in which the true answer could have come
    equal(scene.client.registration.state, "unreachable")
    equal(
        scene.client.registration.cause,
        "the peer answers unprotected: 4.00 (it has another key for this sender_id)",
    )


def test_plain_requests_are_refused():
    scene = Scene()
    scene.client.receive(b"\x40\x02\x00\x01\xb7msgin5g\xff{}", PEER, 0)
    equal(bytes(scene.client.outgoing()[0]), b"\x60\x81\x00\x01")
    equal(scene.client.endpoint.security.stats["unprotected"], 1)
