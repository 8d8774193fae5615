# SPDX-License-Identifier: MIT
"""A request is answered late, or once more, long after its answer: as a separate response to the same Token, in the
clear and under OSCORE, by the program that answered it or by a later one. The device is made by hand."""

import asyncio
import contextlib
import socket

import aiocoap
import pytest
from aiocoap import oscore
from aiocoap.messagemanager import MessageManager

from host_tests.conformance.raw import Keys
from host_tests.gateway.scripted import run
from tools.gateway import keys as key_files
from tools.page.events import Events
from tools.store.store import Store
from tools.transport.coap import CoapTransport, peer_of
from tools.transport.security import Guard
from tools.transport.unguarded import Unguarded
from tools.wire.answers import Answer
from tools.wire.identity import Peer

UE = "ue:sensor-1@example.org"
TOKEN = b"\x01\xfe\x77"
ACK_TIMEOUT = 0.05  # s
FIRST, SECOND = Answer("2.05", {"maxConfTime": 30}), Answer("2.05", [{"ueConfigDocId": "1"}])


class Device:
    """A socket. With keys it protects its request, and opens what is bound to that."""

    def __init__(self, port, section=None):
        self._to = ("127.0.0.1", port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self._keys = section and Keys(section)
        self._bound = None
        self.seen = set()  # (sequence number or None) of each response
        self.peer = Peer(*self._socket.getsockname())

    def ask(self):
        message = aiocoap.Message(code=aiocoap.POST, uri_path=("msgin5g",), content_format=50, payload=b"{}")
        if self._keys:
            message.direction = aiocoap.message.Direction.OUTGOING
            message, self._bound = self._keys.protect(message)
        message.mtype, message.mid, message.token = aiocoap.CON, 7, TOKEN
        self._socket.sendto(message.encode(), self._to)

    def aim(self, port):
        self._to = ("127.0.0.1", port)

    async def hear(self):
        """(type, message ID, Token, code, payload) of the next datagram, opened."""
        octets = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self._socket, 2048), 20)
        outer = aiocoap.Message.decode(octets)
        plain = outer
        if self._keys and outer.code is not aiocoap.EMPTY:
            assert outer.payload and outer.code in (aiocoap.CHANGED, aiocoap.CONTENT)
            fields = oscore.CanUnprotect._uncompress(outer.opt.oscore, outer.payload)[2]
            number = fields.get(oscore.COSE_PIV)
            assert number not in self.seen  # no nonce twice
            self.seen.add(number)
            plain, _ = self._keys.unprotect(outer, self._bound)
        return outer.mtype, outer.mid, outer.token, plain.code.dotted, plain.payload

    def say(self, mtype, mid):
        self._socket.sendto(bytes((0x40 | mtype << 4, 0)) + mid.to_bytes(2, "big"), self._to)


@contextlib.asynccontextmanager
async def transport(store, protected, ready=None, straight=False):
    """What listens, and `backs` of the requests that it answered; each waits for `ready`, an asyncio.Event.
    `straight`: they go past aiocoap's pipes (`arrival.straight`)."""
    events, backs = Events(out=None), []

    async def handle(peer, request):
        if ready is not None:
            await ready.wait()
        backs.append(request.back)
        return FIRST

    guard = Guard(store, events.emit, peer_of) if protected else None
    watch = guard or Unguarded(events.emit, lambda peer: True, peer_of, 1000)

    def begin(peer, request, respond):
        handling = asyncio.ensure_future(handle(peer, request))
        handling.add_done_callback(lambda done: respond(done.result()))
        return True

    made = CoapTransport(handle, None, lambda peer: 4096, ACK_TIMEOUT, guard=guard, watch=watch)
    made.begin = begin if straight else None
    made.port, made.backs = await made.start("127.0.0.1", 0), backs
    try:
        yield made
    finally:
        await made.stop()


@contextlib.contextmanager
def world(tmp_path, protected):
    """(store, the device's section `security` or None)"""
    store = Store(str(tmp_path / "gateway.db"))
    section = None
    if protected:
        section = key_files.new_section(())
        store.add_device(UE)
        assert store.bind_keys(UE, key_files.of_section("here", section)) is None
    try:
        yield store, section
    finally:
        store.close()


@pytest.mark.parametrize("protected", [False, True], ids=["none", "oscore"])
@pytest.mark.parametrize("restarted", [False, True], ids=["same", "later"])
def test_it_is_a_separate_response_to_the_same_token(tmp_path, protected, restarted):
    async def main():
        with world(tmp_path, protected) as (store, section):
            async with transport(store, protected) as first:
                device = Device(first.port, section)
                device.ask()
                first_mid = (await device.hear())[1]
                if not restarted:
                    await answered_again(first, device, first.backs[0], first_mid)
            if restarted:
                async with transport(store, protected) as second:
                    device.aim(second.port)
                    await answered_again(second, device, first.backs[0], first_mid)

    async def answered_again(by, device, back, first_mid):
        task = asyncio.ensure_future(by.respond(device.peer, back, SECOND))
        mtype, mid, token, code, payload = await device.hear()
        assert (mtype, token, code, payload) == (aiocoap.CON, TOKEN, "2.05", b'[{"ueConfigDocId":"1"}]')
        assert not task.done()
        device.say(aiocoap.ACK, mid)
        assert (await task).verdict == "done"

    run(main())


@pytest.mark.parametrize("protected", [False, True], ids=["none", "oscore"])
@pytest.mark.parametrize("straight", [False, True], ids=["pipe", "straight"])
def test_an_answer_that_comes_late_is_repeated_as_whatever_goes_out(
    tmp_path, protected, straight, monkeypatch
):
    """ACK_TIMEOUT to 1.5 times that after it, and then after twice as long each time (RFC 7252 section 4.2). For so
    long nothing else goes out to that device (NSTART)."""
    pauses, schedule = [], MessageManager._schedule_retransmit

    def scheduling(manager, message, pause, counter):
        pauses.append(pause)
        return schedule(manager, message, pause, counter)

    monkeypatch.setattr(MessageManager, "_schedule_retransmit", scheduling)

    async def main():
        ready = asyncio.Event()
        with world(tmp_path, protected) as (store, section):
            async with transport(store, protected, ready, straight) as gateway:
                device = Device(gateway.port, section)
                device.ask()
                assert (await device.hear())[:4] == (aiocoap.ACK, 7, b"", "0.00")
                assert pauses == []
                ready.set()
                mtype, mid, token, code, _ = await device.hear()
                assert (mtype, token, code) == (aiocoap.CON, TOKEN, "2.05")
                assert ACK_TIMEOUT <= pauses[0] <= 1.5 * ACK_TIMEOUT
                device.seen.clear()  # the same octets come again, and no other ones
                assert (await device.hear())[:4] == (aiocoap.CON, mid, TOKEN, "2.05")
                assert pauses[1] == 2 * pauses[0]
                device.say(aiocoap.ACK, mid)

    run(main())


@pytest.mark.parametrize("protected", [False, True], ids=["none", "oscore"])
def test_what_is_reset_or_not_acknowledged_is_not_done(tmp_path, protected):
    async def main():
        with world(tmp_path, protected) as (store, section):
            async with transport(store, protected) as gateway:
                device = Device(gateway.port, section)
                device.ask()
                await device.hear()
                task = asyncio.ensure_future(gateway.respond(device.peer, gateway.backs[0], SECOND))
                device.say(aiocoap.RST, (await device.hear())[1])
                outcome = await task
                assert (outcome.verdict, outcome.detail, outcome.answered) == ("later", "RST", True)
                outcome = await gateway.respond(device.peer, gateway.backs[0], SECOND)
                assert (outcome.verdict, outcome.answered) == ("later", False)

    run(main())


def test_a_key_that_was_changed_opens_nothing(tmp_path):
    async def main():
        with world(tmp_path, True) as (store, section):
            async with transport(store, True) as gateway:
                device = Device(gateway.port, section)
                device.ask()
                await device.hear()
                store.unbind_keys(UE)
                outcome = await gateway.respond(device.peer, gateway.backs[0], SECOND)
                assert (outcome.verdict, outcome.detail) == ("refused", "the key of its request is void")

    run(main())


def test_nothing_goes_out_in_the_clear_to_a_request_that_was_protected(tmp_path):
    async def main():
        with world(tmp_path, True) as (store, section):
            async with transport(store, True) as gateway:
                device = Device(gateway.port, section)
                device.ask()
                await device.hear()
            async with transport(store, False) as other:
                outcome = await other.respond(device.peer, gateway.backs[0], SECOND)
                assert outcome.verdict == "refused"
            async with transport(store, True) as third:
                outcome = await third.respond(device.peer, '{"token": "01"}', SECOND)
                assert outcome.verdict == "refused"

    run(main())
