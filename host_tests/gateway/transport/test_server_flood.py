# SPDX-License-Identifier: MIT
"""Floods of forged datagrams: who holds no key takes no service from a device that does, and leaves nothing behind."""

import asyncio
import contextlib
import json
import os
import socket
import time
import uuid

import aiocoap
import pytest
from aiocoap import oscore
from aiocoap.message import Direction
from hypothesis import given
from hypothesis import strategies as st

from host_tests.gateway.scripted import Journal, Ue, run
from host_tests.gateway.transport.test_oscore_gateway import _Keys, msg, peer, protected, reg
from tools.gateway import keys as key_files
from tools.gateway.runtime import Gateway, Options
from tools.page.events import Events
from tools.server.settings import Settings
from tools.store.keys.sectables import Keys
from tools.store.store import Store
from tools.transport.arrival import datagrams
from tools.transport.arrival.recent import REPEATS, Recent
from tools.transport.arrival.turns import Turns
from tools.transport.keys.contexts import StoreContext

UE, OTHER = "ue:sensor-1@example.org", "ue:sensor-2@example.org"
FOREIGN = ("::ffff:198.51.100.9", 40000, 0, 0)
PKTINFO = (
    socket.IPPROTO_IPV6,
    socket.IPV6_PKTINFO,
    socket.inet_pton(socket.AF_INET6, "::ffff:127.0.0.1") + bytes(4),
)
REGISTRATION = reg(UE)


class Scene:
    """A gateway in this process, with the keys of two devices; what is injected comes in where the socket is read."""

    def __init__(self, gateway, sections):
        self.gateway = gateway
        self.keys = [{"security": section} for section in sections]
        self.kid = bytes.fromhex(sections[0]["sender_id"])
        self.coap = ("127.0.0.1", gateway.coap_port)  # for Peer
        self.door = gateway.coap.door
        self.interface = self.door._interface
        self.sent = []
        self._mid = 0

    def inject(self, octets, address=FOREIGN):
        self.interface.datagram_msg_received(octets, [PKTINFO], 0, address)

    def forged(self, kid=None):
        """A request that does not verify, with a number that was not used."""
        self._mid += 1
        option = b"\x0a" + (30000 + self._mid % 20000).to_bytes(2, "big") + (self.kid if kid is None else kid)
        head = b"\x40\x02" + (self._mid % 65536).to_bytes(2, "big") + bytes((0x90 | len(option),))
        return head + option + b"\xff" + os.urandom(24)

    @contextlib.asynccontextmanager
    async def flood(self, make, address, each=50):
        """So many in each round of the event loop, as long as the block takes."""
        going = True

        async def go():
            while going:
                for _ in range(each):
                    self.inject(make(), address)
                await asyncio.sleep(0)

        task = asyncio.create_task(go())
        try:
            yield
        finally:
            going = False
            await task


@contextlib.asynccontextmanager
async def scene(tmp_path, security="oscore", **settings):
    store = str(tmp_path / "gateway.db")
    sections = []
    with contextlib.closing(Store(store, serving=False)) as opened:
        for ue in (UE, OTHER):
            file = str(tmp_path / (ue[3:11] + ".json"))
            keys = key_files.make(file, opened.kids_in_use())
            key_files.add(opened, ue, keys, file)
            sections.append(
                {
                    "master_secret": keys.secret.hex(),
                    "master_salt": keys.salt.hex(),
                    "sender_id": keys.recipient_id.hex(),
                    "recipient_id": keys.sender_id.hex(),
                }
            )
    events = Events()
    options = Options(Settings(**settings), ("127.0.0.1", 0), ("127.0.0.1", 0), store, security=security)
    async with Gateway(options, events) as gateway:
        gateway.journal = Journal(events)
        yield Scene(gateway, sections)


def address_of(device):
    manager = device._context.request_interfaces[-1].token_interface
    port = manager.message_interface.transport.get_extra_info("socket").getsockname()[1]
    return ("::ffff:127.0.0.1", port, 0, 0)


@pytest.mark.parametrize("kind", ["unknown kid", "wrong tag", "old number", "recorded"])
@pytest.mark.parametrize("spoofed", [False, True], ids=["foreign", "spoofed"])
def test_devices_are_served_in_a_flood(tmp_path, kind, spoofed):
    """A registered device sends 10 messages and a fresh one registers, and none of it is lost."""

    async def main():
        async with scene(tmp_path) as s, peer(s, s.keys[0]) as device, peer(s, s.keys[1]) as fresh:
            recorded = protected(device.keys, REGISTRATION, 0x4001)
            assert (await device.post(REGISTRATION))[1]["result"] is True
            s.inject(recorded, address_of(device))
            make = {
                "unknown kid": lambda: s.forged(b"\x77" + os.urandom(2)),
                "wrong tag": s.forged,
                "old number": lambda: s.forged()[:4] + b"\x92\x09\x00" + s.kid + b"\xff" + os.urandom(24),
                "recorded": lambda: recorded,
            }[kind]
            async with s.flood(make, address_of(device) if spoofed else FOREIGN):
                for _ in range(10):
                    code, _ = await device.post({**msg(UE), "msgId": str(uuid.uuid4())})
                    assert code == "2.04"
                assert (await fresh.post(reg(OTHER)))[1]["result"] is True
            counts = s.door.counts
            assert counts["refused"] >= 500
            assert counts["lost"] == 0
            # 10 messages, 2 registrations, a recording as often as devices repeat one, and what aiocoap itself repeated
            assert 13 <= counts["requests"] <= 13 + REPEATS + 9
            assert len(s.door._recent) == 13

    run(main())


def test_after_a_restart_recordings_do_not_stand_before_the_device(tmp_path):
    """Until a number is known again, a recording verifies: it is asked for Echo a few times, and no more."""

    async def main():
        async with scene(tmp_path) as s, peer(s, s.keys[0]) as device:
            assert (await device.post(REGISTRATION))[1]["result"] is True
            used = device.keys.sender_sequence_number
        async with scene_again(tmp_path, s) as s:
            recorded = protected(_Keys(s.keys[0]["security"], 0), REGISTRATION, 0x4001)
            mids = iter(range(1 << 30))

            def again():  # the message ID is outside of what is protected
                return recorded[:2] + (next(mids) % 65536).to_bytes(2, "big") + recorded[4:]

            async with s.flood(again, FOREIGN):
                async with peer(s, s.keys[0], used) as device:
                    assert (await device.post(REGISTRATION))[1]["result"] is True
            assert s.door.counts["refused"] >= 100
            context = s.gateway.coap._guard.context_of_ue(UE)
            assert context.sender_sequence_number <= 64 + REPEATS + 8

    run(main())


@contextlib.asynccontextmanager
async def scene_again(tmp_path, before):
    options = Options(
        Settings(), ("127.0.0.1", 0), ("127.0.0.1", 0), str(tmp_path / "gateway.db"), security="oscore"
    )
    async with Gateway(options, Events()) as gateway:
        yield Scene(gateway, [keys["security"] for keys in before.keys])


def test_answers_to_a_flood_are_few_and_small(tmp_path):
    async def main():
        async with scene(tmp_path) as s:
            s.door._clock = lambda: 0.0
            sent = []
            s.interface.transport.sendmsg = lambda octets, *_: sent.append(octets)
            forged = [s.forged() for _ in range(3000)]
            for octets in forged:
                s.inject(octets)
            assert len(sent) == 100  # 20 a second to one address, five seconds' worth at once
            assert max(map(len, sent)) <= len(forged[0])

            def from_many():
                for number in range(3000):
                    s.inject(s.forged(), ("::ffff:198.51.%d.%d" % divmod(number, 250), 1, 0, 0))

            from_many()
            assert len(sent) == 1000  # 200 a second to all
            s.door._clock = lambda: 1.0
            from_many()
            assert len(sent) == 1200

    run(main())


@pytest.mark.parametrize("spoofed", [False, True], ids=["foreign", "spoofed"])
def test_when_more_comes_than_can_be_judged(tmp_path, spoofed):
    """The socket is filled before anything is read: of who never verified one of eight is looked at; the device's
    requests, before, amidst and after all that, are served, though all of it seems to come from its own address."""

    async def main():
        async with scene(tmp_path) as s, contextlib.AsyncExitStack() as stack:
            device = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            stack.callback(device.close)
            device.connect(s.coap)
            stranger = device
            if not spoofed:
                stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                stack.callback(stranger.close)
                stranger.bind(("127.0.0.2", 0))
                stranger.connect(s.coap)
            keys = _Keys(s.keys[0]["security"], 0)

            async def until(count):
                while s.gateway.coap.door.received < count:
                    await asyncio.sleep(0)

            device.send(protected(keys, REGISTRATION, 1))
            await until(1)
            await s.gateway.journal.wait("registered")
            room = s.door._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
            rounds = min(60, room // 20_000)  # the kernel keeps some 800 octets for each
            for number in range(rounds):
                for _ in range(20):
                    stranger.send(s.forged())
                if number % 20 == 10:
                    device.send(protected(keys, {**msg(UE), "msgId": str(uuid.uuid4())}, 2 + number))
            sent = (rounds + 9) // 20
            await until(1 + 20 * rounds + sent)
            await s.gateway.journal.wait("stored", count=sent)
            counts = s.door.counts
            assert counts["dropped"] == 0
            assert counts["requests"] == 1 + sent
            assert counts["refused"] + counts["skipped"] == 20 * rounds
            if spoofed:
                assert counts["skipped"] == 0
            else:  # the first batch, then 32, then one of eight
                assert counts["refused"] <= 256 + 32 + 20 * rounds / 8
            assert not s.door._refusals

    run(main())


def test_a_datagram_that_makes_us_raise_costs_only_itself(tmp_path):
    """An error of our own, where a datagram is judged and where it is handed on: counted, told, and no more."""

    async def main():
        async with scene(tmp_path) as s, peer(s, s.keys[0]) as device:
            judge, deliver = s.door._judge, s.door._deliver

            def broken(remote, *more):
                if remote.sockaddr[:2] == FOREIGN[:2]:
                    raise KeyError("a bug")
                return judge(remote, *more)

            s.door._judge = broken
            async with s.flood(s.forged, FOREIGN, each=5):
                for _ in range(5):
                    assert (await device.post(REGISTRATION))[1]["result"] is True
            s.door._judge, failed = judge, s.door.counts["failed"]
            assert failed >= 25
            told = s.gateway.journal.find("error", kind="datagram", peer="%s:%d" % FOREIGN[:2])
            assert 1 <= len(told) < failed and "KeyError" in told[0]["reason"]

            def once(*item):
                s.door._deliver = deliver
                raise KeyError("another bug")

            s.door._deliver = once
            assert (await device.post(REGISTRATION))[1]["result"] is True  # its repetition is served
            assert s.door.counts["failed"] == failed + 1

    run(main())


def test_stray_empty_messages_and_responses_end_at_the_door(tmp_path):
    async def main():
        async with scene(tmp_path) as s, peer(s, s.keys[0]) as device:
            assert (await device.post(REGISTRATION))[1]["result"] is True
            heard = []
            manager = s.door._manager
            dispatch = manager.dispatch_message
            manager.dispatch_message = lambda message: (heard.append(message), dispatch(message))
            for mid in range(2000):
                for head in (b"\x60\0", b"\x70\0", b"\x40\0", b"\x44\x45", b"\x64\x45", b"\x54\x45"):
                    token = b"abcd" if head[0] & 15 else b""
                    s.inject(head + mid.to_bytes(2, "big") + token, address_of(device))
            assert heard == []
            assert s.door.counts["stray"] == 12000
            assert (await device.post(msg(UE)))[0] == "2.04"

    run(main())


def test_looking_at_a_forgery_costs_less_than_aiocoap_takes_to_decrypt_it(tmp_path):
    """CPU time of this process, the best of several rounds of each."""

    async def main():
        async with scene(tmp_path) as s:
            forged = [s.forged() for _ in range(500)]
            context = s.gateway.coap._guard.context_of_ue(UE)

            def ours():
                for octets in forged:
                    s.inject(octets)

            def aiocoaps():
                for octets in forged:
                    message = aiocoap.Message.decode(octets, None)
                    message.direction = Direction.INCOMING
                    with pytest.raises(oscore.ProtectionInvalid):
                        context.unprotect(message)

            assert min(cost(ours) for _ in range(5)) < min(cost(aiocoaps) for _ in range(5))

    def cost(function):
        start = time.process_time()
        function()
        return time.process_time() - start

    run(main())


# ---- in the clear --------------------------------------------------------------------------------------------------


def test_in_the_clear_a_host_is_limited_before_anything_is_made_of_it(tmp_path):
    async def main():
        async with scene(tmp_path, "none", rate=100, open=True) as s:
            s.door._clock = lambda: 0.0  # the budget of answers is the one for the first moment
            sent = []
            transport = s.interface.transport
            send = transport.sendmsg

            def sending(octets, ancillary, flags, address):
                sent.append(octets) if address[0] == FOREIGN[0] else send(octets, ancillary, flags, address)

            transport.sendmsg = sending
            context = await aiocoap.Context.create_client_context(transports=["udp6"])
            body = b"\xff{}"

            def junk():
                s._mid += 1
                return b"\x40\x02" + (s._mid % 65536).to_bytes(2, "big") + b"\xb7msgin5g\x11\x32" + body

            async with s.flood(junk, FOREIGN):
                for number in range(20):
                    request = aiocoap.Message(code=aiocoap.POST, uri="coap://%s:%d/msgin5g" % s.coap)
                    request.opt.content_format = 50
                    request.payload = json.dumps(reg("ue:%d" % number)).encode()
                    assert (await context.request(request).response).code.dotted == "2.04"
            await context.shutdown()
            counts = s.door.counts
            assert counts["refused"] >= 1000
            assert len(s.door._recent) <= counts["requests"]
            codes = [octets[1] for octets in sent]
            assert codes.count(0x9D) == 100  # 4.29, as few as other refusals; silence then

    run(main())


def test_in_the_clear_strangers_of_many_hosts_do_not_stand_before_who_is_registered(tmp_path):
    async def main():
        async with scene(tmp_path, "none", open=True) as s, Ue(s.gateway, UE) as a:
            await a.register()

            def junk():
                s._mid += 1
                return b"\x50\x02" + (s._mid % 65536).to_bytes(2, "big") + b"\xb7msgin5g\x11\x32\xff{}"

            async def flood():
                while True:
                    for _ in range(50):
                        high, low = divmod(s._mid % 60_000, 240)
                        s.inject(junk(), ("::ffff:203.0.%d.%d" % (high, low), 1, 0, 0))
                    await asyncio.sleep(0)

            task = asyncio.create_task(flood())
            for _ in range(10):
                assert await a.code({**msg(UE), "msgId": str(uuid.uuid4())}) == "2.04"
            task.cancel()
            assert s.door.counts["lost"] >= 100  # of theirs, as more came than can be served
            assert s.door._turns.lost == 0
            assert len(s.door._recent) <= 16384

    run(main())


# ---- the pieces ----------------------------------------------------------------------------------------------------


@given(st.binary(max_size=60), st.booleans())
def test_a_datagram_is_read_as_aiocoap_does(octets, likely):
    if likely:  # a header that is right, so that options are met
        octets = b"\x42\x02\x01\x02ab" + octets
    ours = datagrams.read(octets)
    try:
        message = aiocoap.Message.decode(octets)
    except UnicodeError:
        return
    except aiocoap.error.UnparsableMessage:
        message = None
    if ours is None:
        # What aiocoap reads in spite of RFC 7252 section 3: an empty message with more, an empty payload,
        # a token that is cut off or too long
        token = octets[0] & 15 if octets else 0
        wrong = token > 8 or len(octets) < 4 + token
        assert message is None or octets[1] == 0 or octets.endswith(b"\xff") or wrong
        return
    if message is not None:
        assert (ours.mtype, ours.code, ours.mid) == (message.mtype, message.code, message.mid)
        assert (ours.token, ours.payload) == (message.token, message.payload)
        if ours.oscore is not None:
            assert message.opt.oscore is not None


def test_an_answer_is_no_larger_than_what_it_is_about():
    small = datagrams.read(b"\x40\x02\x00\x01")
    assert small.answer(0x81, 0, b"diagnostic") == b"\x60\x81\x00\x01"
    large = datagrams.read(b"\x41\x02\x00\x01t\xff" + bytes(40))
    assert large.answer(0x81, 0, b"why") == b"\x61\x81\x00\x01t\xd0\x01\xffwhy"
    assert large.answer(0x9D, 7) == b"\x61\x9d\x00\x01t\xd1\x01\x07"
    assert [aiocoap.Message.decode(large.answer(0x9D, age)).opt.max_age for age in (7, 0, None)] == [
        7,
        0,
        None,
    ]


def test_turns_go_round():
    turns = Turns(3, 6)
    for source, item in ("a1", "a2", "a3", "b1", "c1", "b2"):
        assert turns.put(source, item)
    assert not turns.put("a", "4") and not turns.put("b", "3")
    assert turns.put("d", "1")  # the longest queue makes room for who has nothing yet
    assert [turns.pop() for _ in range(7)] == ["1", "1", "1", "1", "2", "2", None]
    assert (len(turns), turns.lost) == (0, 3)


def test_recent_is_bounded_for_each_and_in_all():
    now = [0]
    recent = Recent(each=3, max_all=5, clock=lambda: now[0])
    for mid in range(10):
        recent["a", mid] = None
    assert list(recent) == [("a", 7), ("a", 8), ("a", 9)]
    for mid in range(10):
        recent["b", mid] = None
    assert len(recent) == 5 and ("b", 9) in recent
    recent.add(("b", 9), 77)
    assert recent.came(("b", 9), 77) and not recent.came(("b", 9), 78)
    assert [recent.again(("b", 9), 77) for _ in range(REPEATS + 1)] == [True] * REPEATS + [False]
    assert recent.again(("b", 9), 78) is None
    now[0] = 248  # EXCHANGE_LIFETIME is 247 s
    assert not recent.came(("b", 9), 77)
    recent["c", 1] = None
    assert list(recent) == [("c", 1)]
    assert recent._of.keys() == {"c"}


@pytest.fixture(scope="module")
def keys_store():
    store = Store(":memory:")
    yield store
    store.close()


@given(
    st.binary(min_size=16, max_size=16),
    st.integers(0, 2**40 - 2),
    st.binary(max_size=7),
    st.binary(max_size=80),
)
def test_what_verifies_is_what_aiocoap_decrypts(keys_store, secret, number, kid, payload):
    keys = Keys(kid, b"\x01\x02\x03\x04\x05\x06\x07"[: 7 - len(kid)], secret, b"", None)
    if keys.sender_id == kid:
        return
    keys_store.bind_keys(UE, keys)
    context = StoreContext(keys_store, keys)
    section = {"master_secret": secret.hex(), "master_salt": "", "sender_id": kid.hex()}
    octets = protected(
        _Keys({**section, "recipient_id": keys.sender_id.hex()}, number), {"p": payload.hex()}, 7
    )
    datagram = datagrams.read(octets)
    size = datagram.oscore[0] & 7
    partial_iv = datagram.oscore[1 : 1 + size]
    assert context.verifies(partial_iv, datagram.payload)
    wrong = bytearray(datagram.payload)
    wrong[number % len(wrong)] ^= 1
    assert not context.verifies(partial_iv, bytes(wrong))
    assert not context.verifies(partial_iv, datagram.payload[:8])
