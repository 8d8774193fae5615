# SPDX-License-Identifier: MIT
# heap: 512k, the gateway and the flash of the board lie in it too
"""New keys from the gateway under the old ones: a Client, its configuration and a gateway that holds the other end.
Whenever the power goes, both have keys in common, nothing is said twice under one nonce, and no message is lost.
"""

import gc
import json

import coap
import coap.oscore.files as files
from coap.compat import earliest
from common import Random, equal, next_deadline
from life import AFTER, BEFORE, STRIDE, CutStorage, PowerCut
from msgin5g import Client, Config, MemoryStorage, procedures
from oscore_scene import DEVICE, KEYS, PEER, Nonces

UE = "ue:a@x"
GRANTED = b'{"oriAddr":{"oriAddrType":"UE","addr":"ue:a@x"},"result":true,"regExpTime":3600}'
DONE = b'{"msgIden":"urn:3gpp:msgin5g","msgType":"MSG"}'
NEW = {
    "mode": "oscore",
    "master_secret": "6e6577206f63746574732c207369787465656e21",
    "master_salt": "0102030405060708",
    "sender_id": "02",
    "recipient_id": "67",
}
OTHER = dict(NEW, master_secret="00112233445566778899aabbccddeeff", sender_id="03")
SECOND = 1000
MINUTE = 60000
CONFIGURATION = {
    "role": "client",
    "ue_service_id": UE,
    "peer": "coap://192.0.2.1:65401",
    "security": KEYS,
    "wifi": {"ssid": "caf\xe9"},
}


class Board:
    """What outlives a power cut: the storage, and the files of the root, each write of which may be the last."""

    def __init__(self):
        self.rows = MemoryStorage()
        self.storage = CutStorage(self.rows)
        self.put("msgin5g.json", CONFIGURATION)

    def put(self, path, data):
        self.rows.replace(path, json.dumps(data).encode())

    def config(self, path="msgin5g.json"):
        return json.loads(self.rows.read(path, 0, 4096))

    @property
    def keys(self):
        """Of the configuration."""
        return self.config()["security"]

    def numbers(self):
        return sorted([name for name in self.rows.names() if name.startswith("oscore-")])

    def __enter__(self):
        storage = files.FileStorage
        self._kept = storage.read, storage.replace
        storage.read = lambda root, *arguments: self.storage.read(*arguments)
        storage.replace = lambda root, *arguments: self.storage.replace(*arguments)
        return self

    def __exit__(self, *error):
        files.FileStorage.read, files.FileStorage.replace = self._kept


def ends(section):
    """The Context of a gateway, which does not know the device's numbers: it asks for Echo before it takes a word."""
    from coap.oscore import Context

    storage = MemoryStorage()

    def made():
        named = {"master_salt": bytes.fromhex(section.get("master_salt", ""))}
        secret, mine, its = [
            bytes.fromhex(section[name]) for name in ("master_secret", "recipient_id", "sender_id")
        ]
        return Context(secret, mine, its, storage, **named)

    made().skip()
    return made()


class Gateway:
    """Takes both keys until a request under the new ones has come that has its Echo; then the new ones alone."""

    def __init__(self):
        self.old = ends(KEYS)
        self.new = None
        self.taken = False  # whether the new ones are all there is
        self.asked = []  # (whether under the new ones, msgType)
        self.messages = []  # payloads
        self.answers = []  # of requests of ours: codes
        self.lost = lambda up: False  # whether the next datagram in that direction is
        self._give(self.old)

    def _give(self, *contexts):
        from coap.oscore.keyring import Keyring

        self.security = Keyring(contexts, lambda message, peer: contexts[0])
        self.endpoint = coap.Endpoint(random=Random(7).bytes, security=self.security)

    def ask(self, section, now=0, path="/keys", code=coap.POST, form=50):
        payload = section if isinstance(section, bytes) else json.dumps(section).encode()
        options = coap.path_options(path) + [(coap.CONTENT_FORMAT, coap.uint_octets(form))]
        if self.new is None and isinstance(section, dict) and "master_secret" in section:
            self.new = ends(section)
            self._give(self.old, self.new)
        self.endpoint.request(coap.Message(code, payload, options, coap.CON), DEVICE, now)

    def take(self, datagram, now):
        if self.lost(True):
            return []
        self.endpoint.receive(datagram, DEVICE, now)
        while True:
            event = self.endpoint.next_event()
            if event is None:
                break
            if event[0] != coap.REQUEST:
                if event[0] == coap.RESPONSE:
                    self.answers.append((event[2].code, bytes(event[2].payload)))
                continue
            body = json.loads(bytes(event[2].payload))
            new = event[1].binding.context is self.new
            self.asked.append((new, body["msgType"]))
            if body["msgType"] == "MSG":
                self.messages.append(body["payload"])
            payload = GRANTED if body["msgType"] == "REG" else b""
            self.endpoint.respond(event[1], coap.Message(coap.CHANGED, payload), now)
            if new and not self.taken:
                self.taken = True
                out = list(self.out())
                self._give(self.new)
                return out
        return list(self.out())

    def out(self):
        while True:
            item = self.endpoint.outgoing()
            if item is None:
                return
            if not self.lost(False):
                yield bytes(item[0])


class Scene:
    """A device, started anew with each Scene, and its gateway."""

    now = 5000

    def __init__(self, board, gateway=None):
        self.board = board
        self.gateway = gateway or Gateway()
        gc.collect()
        config = Config(board.config())
        self.client = Client(config, board.storage, Random(3).bytes)
        self.said = []
        self._hear()

    def _hear(self):
        security = self.client.endpoint.security
        if security.trouble:
            self.said.append(security.trouble)
            security.trouble = None

    def start(self):
        self.client.start(self.now)
        self.work()
        return self

    def work(self):
        """Carries datagrams until none is left."""
        waiting = list(self.gateway.out())
        while True:
            for octets in waiting:
                self.client.receive(octets, PEER, self.now)
                self._hear()
            while self.client.next_event():
                pass
            item = self.client.outgoing()
            if item is None:
                self._hear()
                return
            waiting = self.gateway.take(bytes(item[0]), self.now)

    def run(self, ms):
        end = self.now + ms
        while True:
            deadline = earliest(next_deadline(self.client), self.gateway.endpoint.next_deadline())
            if deadline is None or deadline > end:
                break
            self.now = max(self.now, deadline)
            self.gateway.endpoint.poll(self.now)
            self.client.poll(self.now)
            self.work()
        self.now = end

    def rekey(self, section=NEW, **more):
        """The answer of the device, None for none yet."""
        self.gateway.answers = []
        self.gateway.ask(section, self.now, **more)
        self.work()
        return self.gateway.answers[0] if self.gateway.answers else None


def test_new_keys_take_the_old_ones_place():
    with Nonces(), Board() as board:
        scene = Scene(board).start()
        (old,) = board.numbers()
        scene.client.send("ue:b@x", "before", scene.now)
        scene.work()
        equal(scene.rekey(), (coap.CHANGED, b""))
        # The gateway has had its Echo back: it knows the new ones alone, and so does the device.
        equal(scene.gateway.taken, True)
        equal(scene.client.registered, True)
        equal(scene.gateway.asked[-1], (True, "REG"))
        keys = board.config()
        equal(
            keys.pop("security"), {name: NEW[name] for name in NEW if name != "mode"}
        )  # which was not there
        equal(keys, {name: CONFIGURATION[name] for name in CONFIGURATION if name != "security"})
        (new,) = board.numbers()
        assert new != old
        equal(board.rows.read("keys", 0, 10), b"")
        equal(scene.said, ["the gateway has given this device new keys"])
        equal(scene.client.sources[procedures.place("keys")], None)  # what did it is over
        scene.client.send("ue:b@x", "after", scene.now)
        scene.work()
        equal(scene.gateway.messages, ["before", "after"])
        again = Scene(board, scene.gateway).start()
        equal(again.client.registered, True)


def test_who_holds_the_old_keys_can_do_nothing_afterwards():
    with Board() as board:
        scene = Scene(board).start()
        scene.rekey()
        thief = Gateway()
        thief.ask(OTHER)
        (datagram,) = thief.out()
        scene.client.receive(datagram, PEER, scene.now)
        answer, _ = scene.client.outgoing()
        equal(coap.decode(answer).code, coap.UNAUTHORIZED)  # in the clear: of no such kid
        equal(scene.client.outgoing(), None)
        scene.run(20 * MINUTE)
        assert Config(board.config()).security == scene.client.config.security
        equal(board.keys["sender_id"], "02")


def test_the_same_keys_again_are_answered_as_before():
    """Where the answer was lost."""
    with Nonces(), Board() as board:
        scene = Scene(board).start()
        scene.gateway.lost = lambda up: up
        equal(scene.rekey(), None)
        equal(scene.gateway.taken, False)
        scene.run(3 * MINUTE)  # the gateway has given up
        scene.gateway.lost = lambda up: False
        equal(scene.rekey(), (coap.CHANGED, b""))
        scene.run(5 * MINUTE)
        equal(scene.gateway.taken, True)
        equal(scene.client.registered, True)


def test_nothing_is_taken_of_a_gateway_that_does_not_know_them():
    """It was put back from a copy, say: after ten minutes the old ones are used, and the same ones may come again."""
    with Nonces(), Board() as board:
        scene = Scene(board).start()
        gateway = scene.gateway
        scene.client.send("ue:b@x", "one", scene.now)
        scene.work()
        scene.gateway.ask(NEW)
        gateway._give(gateway.old)  # it has forgotten them before the device's word comes
        gateway.endpoint.request(
            coap.Message(
                coap.POST,
                json.dumps(NEW).encode(),
                coap.path_options("/keys") + [(coap.CONTENT_FORMAT, b"2")],
                coap.CON,
            ),
            DEVICE,
            scene.now,
        )
        scene.work()
        scene.client.send("ue:b@x", "two", scene.now)
        scene.run(9 * MINUTE)
        equal(scene.client.registered, False)
        equal(gateway.messages, ["one"])
        scene.run(3 * MINUTE)
        equal(scene.client.registered, True)
        equal(gateway.messages, ["one", "two"])
        equal(scene.said[-1], "the new keys did not prove good within 600 s: the old ones stay")
        equal(board.keys, KEYS)
        equal(board.rows.read("keys", 0, 10), b"")
        gateway._give(gateway.old, gateway.new)
        gateway.new.skip()
        scene.rekey()
        scene.run(MINUTE)
        equal(gateway.taken, True)


def test_three_starts_are_enough():
    with Nonces(), Board() as board:
        scene = Scene(board).start()
        scene.gateway.ask(NEW)
        scene.gateway.lost = lambda up: up  # whatever the device says
        scene.work()
        scene.run(3 * MINUTE)  # the gateway has given up
        for _ in range(3):
            scene = Scene(board, scene.gateway).start()
            equal(scene.client.endpoint.security.new.sender_id, b"\x02")
        scene.gateway.lost = lambda up: False
        scene = Scene(board, scene.gateway).start()
        equal(scene.said, ["new keys were given up: they did not prove good in 3 starts"])
        scene.run(MINUTE)
        equal((scene.client.registered, scene.gateway.taken), (True, False))
        equal(board.keys, KEYS)


def refused(scene, body, **more):
    code, text = scene.rekey(body, **more)
    equal(scene.board.keys, KEYS)
    equal(scene.board.rows.read("keys", 0, 10), b"")
    return code, str(text, "utf-8")


def test_what_is_no_such_request_is_refused():
    with Board() as board:
        scene = Scene(board).start()
        equal(refused(scene, b"[]"), (coap.BAD_REQUEST, "security: must be a JSON object, {...}"))
        equal(refused(scene, b"\xff"), (coap.BAD_REQUEST, "not understood"))
        equal(refused(scene, b" " * 601), (coap.BAD_REQUEST, "not understood"))
        equal(refused(scene, {}), (coap.BAD_REQUEST, "security.master_secret: is missing"))
        one = dict(NEW)
        one.pop("master_secret")
        for name, value, why in (
            ("master_secret", "00", "security.master_secret: must have 16 to 64 octets"),
            ("sender_id", "6", "security.sender_id: must be hexadecimal digits, two for an octet"),
            ("recipient_id", "02", "security.recipient_id: must differ from security.sender_id"),
            ("mode", "none", "security.mode: must be oscore"),
            ("more", 1, "security.more: is not a key of the configuration"),
        ):
            body = json.dumps(dict(NEW, **{name: value})).encode()
            equal(refused(scene, body), (coap.BAD_REQUEST, why))
        body = json.dumps(NEW).encode()
        equal(refused(scene, body, code=coap.PUT)[0], coap.METHOD_NOT_ALLOWED)
        equal(refused(scene, body, form=60)[0], coap.UNSUPPORTED_CONTENT_FORMAT)
        equal(refused(scene, body, path="/keys/1")[0], coap.NOT_FOUND)


def test_keys_that_are_not_in_the_file_cannot_be_changed():
    """A configuration that was given to start(), or one of another file."""
    with Board() as board:
        scene = Scene(board).start()
        board.put("msgin5g.json", dict(CONFIGURATION, security=OTHER))
        code, text = scene.rekey()
        equal((code, text), (coap.NOT_IMPLEMENTED, b"the keys of this device are not in its msgin5g.json"))
        equal(board.keys, OTHER)


def test_without_oscore_there_is_no_such_resource():
    with Board() as board:
        config = Config(dict(CONFIGURATION, security={"mode": "none"}))
        client = Client(config, board.storage, Random(3).bytes)
        client.start(0)
        options = coap.path_options("/keys") + [(coap.CONTENT_FORMAT, b"2")]
        body = json.dumps(NEW).encode()
        client.receive(coap.encode(coap.Message(coap.POST, body, options, mid=1, token=b"1")), PEER, 0)
        codes = []
        item = client.outgoing()
        while item:
            codes.append(coap.decode(item[0]).code)
            item = client.outgoing()
        assert coap.NOT_FOUND in codes, codes


def test_a_configuration_on_trial_gets_them_too():
    """It takes the place of the other one when it is confirmed, and must not bring the old keys back."""
    with Board() as board:
        board.put("slots/config.try", dict(CONFIGURATION, reports="arrival"))
        scene = Scene(board).start()
        scene.rekey()
        equal(scene.gateway.taken, True)
        for path in ("slots/config.try", "msgin5g.json"):
            equal(board.config(path)["security"]["sender_id"], "02")
        equal(board.config("slots/config.try")["reports"], "arrival")


def live(cut):
    """A life with the keys changed in the middle; the power goes at `cut`, (number of the write, how), and comes back.
    The writes that there were."""
    with Nonces(), Board() as board:
        board.put("slots/config.try", CONFIGURATION)
        if cut:
            board.storage.plan(*cut)
        gateway = Gateway()
        todo = ["one", NEW, "two"]
        starts = 0
        scene = None
        while todo or scene is None or not (gateway.taken and scene.client.registered and scene.client.idle):
            starts += 1
            assert starts < 40, "locked out"
            try:
                if scene is None:
                    scene = Scene(board, gateway).start()
                if todo and todo[0] is NEW:
                    answer = scene.rekey()
                    if answer and answer[0] == coap.CHANGED:
                        todo.pop(0)
                elif todo:
                    scene.client.send("ue:b@x", todo[0], scene.now)
                    todo.pop(0)
                    scene.work()
                scene.run(2 * MINUTE)
            except PowerCut:
                now = scene.now if scene else Scene.now
                board.storage.restore_power()
                scene = None
                Scene.now = now + 90 * SECOND
                gateway.endpoint.poll(Scene.now)
        Scene.now = 5000
        for payload in ("one", "two"):
            assert gateway.messages.count(payload) >= 1, gateway.messages
        for path in ("slots/config.try", "msgin5g.json"):
            equal(board.config(path)["security"]["sender_id"], "02")
        equal(board.rows.read("keys", 0, 10), b"")
        equal(len(board.numbers()), 1)
        return board.storage.writes


def test_every_cut():
    writes = live(None)
    assert writes > 8, writes
    for how in (BEFORE, AFTER):
        for at in range(how % STRIDE, writes, STRIDE if STRIDE == 1 else 3):
            live((at, how))


def test_what_is_damaged_counts_as_nothing():
    with Board() as board:
        for octets in (
            b"",
            b"1\n[]",
            b"1\n[[0,3,[],null]]",
            b"1\n[[0,3]]",
            b'1\n[["",{},1,2]]',
            b"x",
            b"1\n[7]",
        ):
            board.rows.replace("keys", octets)
            scene = Scene(board).start()
            equal(scene.client.registered, True)
            equal(board.keys, KEYS)
        board.rows.replace("keys", b"2\n[[0,3,[],null]]")  # of a newer version
        equal(Scene(board).start().client.registered, True)
        equal(board.rows.read("keys", 0, 2), b"2\n")
