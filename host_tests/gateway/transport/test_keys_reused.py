# SPDX-License-Identifier: MIT
"""One key on two boards, a flash put back from a copy, a store that its devices know to be old: all are named."""

import asyncio
import contextlib
import json

import aiocoap
import pytest
from aiocoap import oscore

from host_tests.gateway.devices import UE, run
from host_tests.gateway.transport.test_oscore_gateway import OTHER, Raw, _Keys, msg, peer, protected, reg
from tools.demo.processes import Gateway
from tools.gateway import keys as key_files
from tools.store.store import Store
from tools.transport.keys import contexts
from tools.transport.keys.contexts import StoreContext
from tools.transport.keys.window import WentBack


@contextlib.asynccontextmanager
async def guarded(folder, *ues):
    """A gateway in mode oscore, and the keys of these UE Service IDs."""
    store = Store(str(folder / "gateway.db"), serving=False)
    sections = []
    with store.transaction():
        for ue in ues:
            sections.append(key_files.new_section(store.kids_in_use()))
            key_files.add(store, ue, key_files.of_section(ue, sections[-1]), ue)
    store.close()
    async with Gateway(folder, "--retry-min", "0.1", security="oscore") as gateway:
        yield gateway, *({"security": section} for section in sections)


def test_two_boards_with_one_key_are_named(tmp_path):
    """Each begins at number 0, and registers in turns with the other."""

    async def talk():
        async with guarded(tmp_path, UE) as (gateway, keys):
            one, two = Raw(gateway), Raw(gateway)
            first, second = _Keys(keys["security"], 0), _Keys(keys["security"], 0)
            assert one.ask(protected(first, reg(UE), 1))[1] == 0x44
            assert two.ask(protected(second, msg(UE), 1))[1] == 0x81
            told = await gateway.event("key-reused", ue=UE, number=0)
            ports = [str(each._socket.getsockname()[1]) for each in (one, two)]
            assert told["other"].endswith(ports[0]) and told["peer"].endswith(ports[1])
            assert two.ask(protected(second, reg(UE), 2))[1] == 0x44  # number 1 was free
            assert one.ask(protected(first, msg(UE), 2))[1] == 0x81
            assert gateway.count("accepted") == 0

    run(talk())


def test_a_recording_names_nobody(tmp_path):
    async def talk():
        async with guarded(tmp_path, UE) as (gateway, keys):
            device, other = Raw(gateway), Raw(gateway)
            keys = _Keys(keys["security"], 0)
            recorded = protected(keys, reg(UE), 1)
            device.ask(recorded)
            for _ in range(3):
                assert other.ask(recorded)[1] == 0x81
            forged = recorded[:-1] + bytes(
                [recorded[-1] ^ 1]
            )  # another text, and nobody with the key wrote it
            assert other.ask(forged)[1] == 0x81
            assert device.ask(protected(keys, reg(UE), 2))[1] == 0x44
            assert gateway.count("key-reused") == 0
            told = await gateway.event("refused", code="4.01")
            assert "seen before, or the device lost its sequence numbers" in told["reason"]

    run(talk())


@pytest.fixture
def context(tmp_path):
    """context() is what a gateway has of a device's key after its start."""
    opened = []

    def start():
        while opened:
            opened.pop().close()
        opened.append(Store(str(tmp_path / "gateway.db")))
        return StoreContext(opened[0], opened[0].keys_of_ue(UE))

    store = Store(str(tmp_path / "gateway.db"), serving=False)
    with store.transaction():
        key_files.add(store, UE, key_files.of_section(UE, key_files.new_section(set())), UE)
    store.close()
    yield start
    opened.pop().close()


def test_a_device_that_went_back_is_not_taken_after_a_restart_of_the_gateway(context):
    """The gateway asks for Echo then; a fresh answer under an old number is of a flash that was put back."""
    window = context().recipient_replay_window
    for number in range(1000):
        window.strike_out(number)
    window = context().recipient_replay_window
    for number in (0, 500, 850):  # noted once in 64 numbers, and the window has 32
        with pytest.raises(WentBack):
            window.initialize_from_freshlyseen(number)
    assert not window.is_initialized()
    window.initialize_from_freshlyseen(1000)
    assert window.is_valid(1001) and not window.is_valid(999)


def test_a_device_that_went_on_is_taken(context):
    window = context().recipient_replay_window
    for number in range(1000):
        window.strike_out(number)
    window = context().recipient_replay_window
    window.initialize_from_freshlyseen(1000)
    assert window.is_valid(1001)


def test_a_flash_put_back_while_the_gateway_was_restarted(tmp_path):
    async def talk():
        async with guarded(tmp_path, UE) as (gateway, keys):
            context = _Keys(keys["security"], 0)
            device = Raw(gateway)
            for mid in range(130):
                assert device.ask(protected(context, reg(UE), mid))[1] == 0x44
            await gateway.end(9)
            await gateway.start()
            async with peer(gateway, keys, 20) as old:
                with pytest.raises(oscore.NotAProtectedMessage) as caught:
                    await old.post(reg(UE))
                assert caught.value.plain_message.payload == b"Replay detected"
            await gateway.event("key-reused", ue=UE)
            async with peer(gateway, keys, 300) as ahead:
                assert (await ahead.post(reg(UE)))[1]["result"] is True

    run(talk())


# ---- the store is old, and nothing on this machine tells (a snapshot of it was put back)


class Board:
    """A device's address that answers as one whose window is beyond our numbers (RFC 8613 section 8.2), or takes them:
    the numbers that it was sent."""

    def __init__(self, gateway, section, seen):
        self.numbers = []
        self._gateway, self._section, self._seen = gateway, section, seen

    async def register(self):
        self._socket = Raw(self._gateway)._socket
        self._keys = _Keys(self._section, 0)
        self._socket.send(protected(self._keys, reg(UE), 1))
        assert self._socket.recv(2048)[1] == 0x44

    async def answer(self):
        """Answers one request of the gateway's."""
        self._socket.setblocking(False)
        octets = await asyncio.get_running_loop().sock_recv(self._socket, 2048)
        request = aiocoap.Message.decode(octets)
        request.direction = aiocoap.message.Direction.INCOMING
        fields = oscore.verify_start(request)
        self.numbers.append(int.from_bytes(fields[oscore.COSE_PIV], "big"))
        answer = aiocoap.Message(code=aiocoap.UNAUTHORIZED, payload=b"Replay detected")
        if self.numbers[-1] > self._seen:
            plain, bound = self._keys.unprotect(request)
            answer = aiocoap.Message(code=aiocoap.CHANGED)
            answer.direction = aiocoap.message.Direction.OUTGOING
            answer, _ = self._keys.protect(answer, bound)
            self.got = json.loads(plain.payload)
        answer.mtype, answer.mid, answer.token = aiocoap.ACK, request.mid, request.token
        self._socket.send(answer.encode())


def test_a_device_that_has_seen_our_numbers_is_believed(tmp_path):
    """One nonce was used twice by then; no second one is."""

    async def talk():
        async with guarded(tmp_path, UE, OTHER) as (gateway, keys, others):
            board = Board(gateway, keys["security"], seen=5000)
            await board.register()
            sender = Raw(gateway)
            context = _Keys(others["security"], 0)
            assert sender.ask(protected(context, reg(OTHER), 1))[1] == 0x44
            assert sender.ask(protected(context, msg(OTHER, UE), 2))[1] == 0x44
            await board.answer()
            told = await gateway.event("numbers-jumped", ue=UE)
            await board.answer()
            await gateway.event("delivered", to=UE)
            assert board.got["payload"] == "secret words"
            assert len(board.numbers) == 2 and board.numbers[1] >= board.numbers[0] + told["ahead"]

    run(talk())


def test_the_numbers_jump_only_so_often_by_what_anybody_may_say(context):
    first = context()
    before = first.sender_sequence_number
    steps = [first.jump() for _ in range(10)]
    assert steps[4:] == [0] * 6 and all(steps[:4])
    assert first.sender_sequence_number == before + sum(steps) < 1 << 40
    again = context()
    assert again.sender_sequence_number >= first.sender_sequence_number  # a restart does not go back
    assert len(contexts._JUMPS) == 4


def test_numbers_at_their_end_do_not_jump_beyond(context):
    last = context()
    last.sender_sequence_number = (1 << 40) - 10
    assert last.jump() == 0
