# SPDX-License-Identifier: MIT
"""The device and the gateway get SIGKILL again and again amid traffic: what was accepted arrives, and arrives once."""

import asyncio
import random
import signal
import uuid

import pytest

from host_tests.gateway.devices import COMBINED, LOWER, UE, UPPER, device, gateway_and_server
from tools.application import ServerError
from tools.programs.patience import doze, patience

QUICK = {"coap": {"ack_timeout": 0.05}, "segments": {"gap": 0.25}}
QUICK_GATEWAY = ("--coap-ack-timeout", "0.05", "--retry-min", "0.1", "--retry-max", "0.5")
KILLS = 100
ENOUGH = 10**6


def _numbers(board, name):
    """What the device noted; a line that the kill cut short does not count."""
    try:
        text = board.folder.joinpath(name).read_text()
    except FileNotFoundError:
        return []
    return text.split("\n")[:-1]


class _Downlink:
    """An Application Server that sends numbered messages until it is told to stop, each until it is taken."""

    def __init__(self, server):
        self.count = 0
        self._server = server
        self._stopped = asyncio.Event()

    async def send(self):
        while not self._stopped.is_set():
            message_id = str(uuid.uuid4())
            while True:
                try:
                    await self._server.send(UE, f"down {self.count}", report=False, message_id=message_id)
                    break
                except ServerError:
                    await asyncio.sleep(0.05)
            self.count += 1
            await asyncio.sleep(0.1)

    def stop(self):
        self._stopped.set()


async def _progress(board, again):
    """Calls `again` each time that the device has noted something more."""
    before = None
    while True:
        now = [len(_numbers(board, name)) for name in ("took.txt", "sent.txt", "intent.txt")]
        if now != before:
            before = now
            again()
        await asyncio.sleep(0.2)


async def _life(tmp_path, disturb, programs=COMBINED, **more):
    """Traffic both ways while `disturb(board, gateway, candidates)` goes on; then the end, and the count.

    It hangs where the device has noted nothing for a minute, however long the whole takes.
    """
    folder = tmp_path / "gateway"
    async with gateway_and_server(folder, *QUICK_GATEWAY, programs=programs) as (gateway, server):
        board = device(tmp_path, "durable.py", gateway.coap[1], **QUICK, **more)
        board.put("limit.txt", str(ENOUGH))
        downlink = _Downlink(server)
        in_hand = set()
        try:
            async with board, patience(60) as again:
                progress = asyncio.create_task(_progress(board, again))
                await _traffic(board, gateway, server, downlink, in_hand, disturb)
                progress.cancel()
        except TimeoutError:
            missing = _missing(board, downlink, in_hand)[:3], _unseen(board, server)[:3]
            raise AssertionError(f"nothing more: {missing}, {board.lines.items[-9:]}") from None
        _check(board, server, downlink, in_hand)


async def _traffic(board, gateway, server, downlink, in_hand, disturb):
    await gateway.event("registered", ue=UE)
    sending = asyncio.create_task(downlink.send())
    await disturb(board, gateway, in_hand)
    while downlink.count <= 100 or len(_numbers(board, "sent.txt")) <= 100:  # a slow machine
        await asyncio.sleep(0.05)
    downlink.stop()
    await sending
    # The last life: nothing new, and the device says when all of it is accepted and reported.
    board.put("limit.txt", "0")
    await board.end(signal.SIGKILL)
    _note_in_hand(board, in_hand)
    board.folder.joinpath("idle.txt").unlink(missing_ok=True)
    await board.start()
    while not board.folder.joinpath("idle.txt").exists() or _missing(board, downlink, in_hand):
        await asyncio.sleep(0.05)
    while _unseen(board, server):  # accepted, and on their way from the gateway still
        await asyncio.sleep(0.05)


def _note_in_hand(board, in_hand):
    """The message behind the last one noted may have been handed over in the instant of the kill."""
    in_hand.add(1 + max([int(line.split()[1]) for line in _numbers(board, "took.txt")], default=-1))


def _missing(board, downlink, in_hand):
    taken = set(_numbers(board, "took.txt"))
    return [n for n in range(downlink.count) if f"down {n}" not in taken and n not in in_hand]


def _unseen(board, server):
    """What the device sent, and its server has not seen."""
    up = {message.payload for message in server.messages.items}
    return [n for n in _numbers(board, "sent.txt") if f"up {n}" not in up]


def _check(board, server, downlink, in_hand):
    up = [message.payload for message in server.messages.items]
    assert len(set(up)) == len(up), "twice at the server"
    meant = {f"up {n}" for n in _numbers(board, "intent.txt")}
    assert len(_numbers(board, "sent.txt")) > 100
    assert _unseen(board, server) == [], "lost on the way up"
    assert set(up) <= meant
    taken = _numbers(board, "took.txt")
    assert len(set(taken)) == len(taken), "delivered twice"
    assert not _missing(board, downlink, in_hand)
    lost = [n for n in in_hand if n < downlink.count and f"down {n}" not in taken]
    print(f"{len(up)} up, {len(taken)} down, {len(lost)} handed over in the instant of a kill")
    assert downlink.count > 100


def test_a_device_that_is_killed_a_hundred_times(tmp_path):
    chance = random.Random(5)

    async def disturb(board, gateway, in_hand):
        for _ in range(KILLS):
            await doze(chance.uniform(0.05, 0.6), board.pid)
            await board.end(signal.SIGKILL)
            _note_in_hand(board, in_hand)
            await board.start()

    asyncio.run(_life(tmp_path, disturb))


def test_a_device_that_joins_messages_and_its_gateway_are_killed(tmp_path):
    chance = random.Random(7)

    async def disturb(board, gateway, in_hand):
        for kill in range(20):
            victim = gateway if kill % 4 == 3 else board
            await doze(chance.uniform(0.1, 0.8), victim.pid)
            await victim.end(signal.SIGKILL)
            _note_in_hand(board, in_hand)
            await victim.start()

    asyncio.run(_life(tmp_path, disturb, aggregation={"wait": 0.3}))


# aiocoap chooses the first message ID and token by `random`.
SAME_AGAIN = "import random\n\nrandom.seed(1)\n"


@pytest.mark.parametrize("programs", [COMBINED, LOWER, UPPER])
def test_a_gateway_that_is_killed_amid_the_traffic(programs, tmp_path, monkeypatch):
    """It comes to message IDs and tokens that it used before (RFC 7252 section 4.4): here at each start, else once in
    some hundred."""
    (tmp_path / "sitecustomize.py").write_text(SAME_AGAIN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    chance = random.Random(6)

    async def disturb(board, gateway, in_hand):
        for _ in range(10):
            await doze(chance.uniform(0.3, 1.0), gateway.pid)
            await gateway.end(signal.SIGKILL)
            await asyncio.sleep(chance.uniform(0, 0.3))
            await gateway.start()

    asyncio.run(_life(tmp_path, disturb, programs))
