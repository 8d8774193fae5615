# SPDX-License-Identifier: MIT
"""A device whose storage was lost or put back from an older copy, and one whose peer's numbers jump ahead.

The peer keeps its replay window, and answers what it has seen before with 4.01 "Replay detected", in the clear: RFC
8613 section 8.2. Nothing in the device can know before that that its numbers are old ones.
"""

import coap
from coap.oscore import StateError
from common import equal, raises
from msgin5g import Client, Config, MemoryStorage
from msgin5g_scene import GRANTED, msg
from oscore_scene import DEVICE, KEYS, PEER, Party, Renewable, talk

SECRET = bytes.fromhex(KEYS["master_secret"])


class Board:
    """A client and its storage, and the peer that stays when the storage does not."""

    def __init__(self):
        self.storage = MemoryStorage()
        self.peer = Party(PEER, b"", b"\x01", secret=SECRET)
        self.now = 0
        self.refused = 0  # answers that said "seen before"
        self.said = []  # what the device said about security
        self.boot()

    def boot(self):
        members = {
            "role": "client",
            "ue_service_id": "ue:a@x",
            "peer": "coap://192.0.2.1:65401",
            "security": KEYS,
        }
        self.client = Client(Config(members), self.storage)
        self.client.start(self.now)
        self.work()

    def work(self):
        while True:
            item = self.client.outgoing()
            if item is None:
                break
            payload = b"" if self.client.registered else GRANTED
            for octets, _ in self.peer.take(bytes(item[0]), DEVICE, self.now, payload=payload):
                self.refused += bytes(octets).endswith(b"Replay detected")
                self.client.receive(octets, PEER, self.now)
        trouble = self.client.endpoint.security.trouble
        if trouble and trouble not in self.said:
            self.said.append(trouble)

    def wait(self, seconds):
        for _ in range(seconds):
            self.now += 1000
            self.client.poll(self.now)
            self.work()

    def send(self, count):
        for number in range(count):
            outgoing = self.client.send("as:b@x", "%d" % number, self.now, to_type="AS")
            self.work()
            equal(outgoing.state, "accepted")
            self.now += 300000  # message IDs are free again
            self.client.poll(self.now & 0x1FFFFFFF)
            self.work()
            self.peer.got.clear()

    def ask(self, message_id):
        """The peer sends a message; whether the device has it afterwards."""
        for octets in self.peer.ask(self, msg(message_id), self.now):
            self.client.receive(octets, PEER, self.now)
            while True:
                item = self.client.outgoing()
                if item is None:
                    break
                for again, _ in self.peer.take(bytes(item[0]), DEVICE, self.now):
                    self.client.receive(again, PEER, self.now)
        return message_id in [each.message_id for each in self.client.inbox]

    address = DEVICE

    def sequence(self):
        return self.client.endpoint.security.context._sequence._next

    def file(self):
        return [name for name in self.storage.names() if name.startswith("oscore-")][0]


def quick(board, count):
    """The device asks for this and that, quicker than by whole messages."""
    for _ in range(count):
        board.client.endpoint.security.context.protect_request(coap.Message(coap.POST))
    board.send(1)


def test_an_older_copy_of_the_storage():
    board = Board()
    old = board.storage.read(board.file(), 0, 100)
    quick(board, 900)
    highest = board.sequence()
    board.storage.replace(board.file(), old)
    board.boot()
    assert board.sequence() < highest
    board.wait(10)
    equal(board.client.registered, True)
    equal(board.refused, 1)  # one number was used again, no more
    assert board.sequence() > highest
    assert any(["seen this sequence number before" in said for said in board.said]), board.said
    board.send(3)
    equal(board.refused, 1)


def test_a_copy_from_long_ago():
    # A year of a message a minute: the steps grow, so that few tries are needed
    board = Board()
    old = board.storage.read(board.file(), 0, 100)
    board.client.endpoint.security.context._sequence.skip(500000)
    board.send(1)
    board.storage.replace(board.file(), old)
    board.boot()
    board.wait(3600)
    equal(board.client.registered, True)
    assert board.refused <= 12, board.refused


def test_lost_storage():
    # The file is gone, the key is not: its first numbers were used. What was recorded then is not taken.
    board = Board()
    quick(board, 200)
    recorded = board.peer.ask(board, msg("recorded"), board.now)[0]
    board.client.receive(recorded, PEER, board.now)
    equal([each.message_id for each in board.client.inbox], ["recorded"])
    board.work()
    board.storage = MemoryStorage()
    board.now += 300000
    board.boot()
    board.wait(10)
    equal(board.client.registered, True)
    equal(board.refused, 1)
    board.client.receive(recorded[:2] + b"\x99\x99" + recorded[4:], PEER, board.now)
    equal(board.client.inbox, [])
    for exchange in board.peer.endpoint._exchanges[:]:
        board.peer.endpoint.cancel(exchange, board.now)
    equal(board.ask("new"), True)


def test_who_says_so_without_reason_costs_numbers_and_no_more():
    # Once a request, whatever comes; a window that was known is only known by the peer's proof again
    board = Board()
    equal(board.ask("first"), True)
    security = board.client.endpoint.security
    for _ in range(50):
        before = board.sequence()
        board.client.endpoint.request(
            coap.Message(coap.POST, b"", coap.path_options("/msgin5g")), PEER, board.now
        )
        (octets, _) = board.client.outgoing()
        for _ in range(5):
            board.client.endpoint.receive(b"\x64\x81" + octets[2:8] + b"\xffReplay detected", PEER, board.now)
        board.now += 5000
        board.client.endpoint.poll(board.now)
        equal(board.client.endpoint.next_event()[0], coap.REFUSED)
        assert 1 + 1024 <= board.sequence() - before <= 1 + 65536
    assert "Replay detected" in security.trouble
    assert board.sequence() < 1 << 22
    board.send(2)
    equal(board.ask("second"), True)


def test_a_peer_whose_numbers_jump_ahead():
    board = Board()
    equal(board.ask("m-1"), True)
    for ahead in (1000, 1 << 20, 1 << 32):
        board.peer.security.context._sequence.skip(ahead)
        equal(board.ask("m-%d" % ahead), True)
        board.send(1)


def test_a_peer_that_was_put_back_is_told_so():
    board = Board()
    board.ask("m-1")
    (file,) = board.peer.storage.names()
    old = board.peer.storage.read(file, 0, 100)
    for _ in range(200):
        board.peer.security.context._sequence.next_number()
    equal(board.ask("m-2"), True)
    board.client.endpoint.security.trouble = None
    board.peer.storage.replace(file, old)
    board.peer.restart()
    board.now += 300000
    equal(board.ask("m-3"), False)
    equal(board.client.endpoint.security.stats["replayed"], 1)
    assert "came before" in board.client.endpoint.security.trouble


# --- a second program with the same key and storage ---------------------------------------------------


def option(party, server):
    """The OSCORE option of one more request: key, Partial IV."""
    (datagram,) = party.ask(server, type=coap.NON)
    party.endpoint._exchanges.clear()
    return bytes(coap.decode(datagram).option(coap.OSCORE))


def begun_twice(kind, before):
    """The first program sends `before` requests, then a second one begins with what it has stored."""
    storage = MemoryStorage()
    first = kind(PEER, b"\x01", b"", storage)
    server = kind(DEVICE, b"", b"\x01")
    for _ in range(before):
        talk(first, server, first.ask(server))
    second = kind(PEER, b"\x01", b"", storage)
    used = [option(second, server) for _ in range(3)]
    error = None
    while not error:
        try:
            assert option(first, server) not in used, "used by both"
        except StateError as raised:
            error = raised
    assert "another program uses the key" in str(error), error
    used += [option(second, server) for _ in range(70)]  # which has begun last, and goes on
    raises(StateError, option, first, server)
    # what the error says to do helps
    assert option(kind(PEER, b"\x01", b"", storage), server) not in used


def test_a_second_program_is_noticed_before_a_number_is_used_twice():
    begun_twice(Party, 10)


def test_a_second_program_with_a_key_that_is_new():
    begun_twice(Party, 0)


def test_a_second_program_with_a_key_that_is_made_anew():
    begun_twice(Renewable, 3)


def test_a_second_program_that_answers():
    storage = MemoryStorage()
    client = Party(PEER, b"\x01", b"")
    first = Party(DEVICE, b"", b"\x01", storage)
    talk(client, first, client.ask(first))
    second = Party(DEVICE, b"", b"\x01", storage)
    talk(client, second, client.ask(second))
    equal((len(first.got), len(second.got)), (1, 1))
    for _ in range(130):
        first.got.clear()
        client.events.clear()
        client.endpoint._exchanges.clear()
        for datagram in client.ask(first, type=coap.NON):
            for answer, _ in first.take(datagram, PEER):
                client.take(answer, DEVICE)
    equal(first.got, [])
    assert "another program uses the key" in first.security.trouble, first.security.trouble
    client.endpoint._exchanges.clear()
    talk(client, second, client.ask(second))
    equal(len(second.got), 2)


def test_what_was_said_is_known_when_the_line_has_brought_something_else():
    """A datagram of a SerialLink is a view that is good until the next one; what it says counts 2 s later."""
    board = Board()
    before = board.sequence()
    endpoint = board.client.endpoint
    endpoint.request(coap.Message(coap.POST, b"", coap.path_options("/msgin5g")), PEER, board.now)
    (octets, _) = board.client.outgoing()
    buffer = bytearray(b"\x64\x81" + octets[2:8] + b"\xffReplay detected")
    endpoint.receive(memoryview(buffer), PEER, board.now)
    buffer[:] = bytes(len(buffer))
    board.now += 5000
    endpoint.poll(board.now)
    equal(endpoint.next_event()[0], coap.REFUSED)
    assert board.sequence() - before > 1024
