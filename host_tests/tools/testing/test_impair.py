# SPDX-License-Identifier: MIT
"""The bad network: the same for a seed, as bad as its profile says, and really there."""

import asyncio
import socket

import pytest

from tools.impair import PROFILES, Fates, Impairment, Profile
from tools.programs.patience import patience

DATAGRAM = bytes(range(40))


def fates(profile, seed=1, number=2000, spacing=1000, to_device=False):
    """The copies of each of so many datagrams, sent `spacing` ms apart, and the counts."""
    profile = PROFILES[profile] if isinstance(profile, str) else profile
    some = Fates(profile, seed, to_device)
    return [some.next(DATAGRAM, n * spacing) for n in range(number)], some.counts


@pytest.mark.parametrize("name", PROFILES)
def test_a_seed_decides_all(name):
    assert fates(name, seed=7, to_device=True) == fates(name, seed=7, to_device=True)


def test_another_seed_is_another_network():
    assert fates("lossy-20", seed=7) != fates("lossy-20", seed=8)


@pytest.mark.parametrize("name", PROFILES)
def test_what_is_not_lost_is_forwarded_and_counted(name):
    copies, counts = fates(name)
    assert sum(1 for c in copies if not c) == counts["lost"]
    assert sum(1 for c in copies if c) == counts["forwarded"]
    assert sum(1 for c in copies if len(c) == 2) == counts["duplicated"]
    assert sum(1 for c in copies if c and c[0][1] != DATAGRAM) == counts["corrupted"]
    assert counts["lost"] + counts["forwarded"] == 2000


@pytest.mark.parametrize(
    "name, what, percent",
    [
        ("clean", "lost", 0),
        ("lossy-2", "lost", 2),
        ("lossy-20", "lost", 20),
        ("burst-30", "lost", 30),
        ("dup-reorder", "duplicated", 9.8),  # of the 98 % that are not lost
        ("dup-reorder", "reordered", 9.8),
        ("corrupt-2", "corrupted", 2),
    ],
)
def test_as_often_as_the_profile_says(name, what, percent):
    number = 20_000
    _, counts = fates(name, number=number)
    # Four standard deviations; losses that come three in a row spread sqrt(3) to sqrt(5) times as far.
    spread = 4 * (number * percent / 100 * (1 - percent / 100)) ** 0.5 * PROFILES[name].burst ** 0.75
    assert abs(counts[what] - number * percent / 100) <= spread


def test_losses_come_in_bursts():
    copies, _ = fates("burst-30", number=20_000)
    runs = "".join("." if c else "x" for c in copies).replace(".", " ").split()
    assert 2.7 < sum(map(len, runs)) / len(runs) < 3.3


def test_a_share_does_not_move_the_others():
    """A profile that loses as well still changes the same datagrams."""
    changed = [n for n, c in enumerate(fates("corrupt-2")[0]) if c[0][1] != DATAGRAM]
    also_lossy, _ = fates(Profile("", delay=50, corrupt=2, loss=20))
    assert [n for n, c in enumerate(also_lossy) if c and c[0][1] != DATAGRAM] == [
        n for n in changed if also_lossy[n]
    ]


def test_corruption_changes_one_octet():
    for copies in fates("corrupt-2")[0]:
        ((_, octets),) = copies
        assert len(octets) == len(DATAGRAM)
        assert sum(a != b for a, b in zip(octets, DATAGRAM, strict=True)) <= 1
    assert Fates(Profile("", corrupt=100), 1).next(b"", 0)[0][1] == b""


def test_jitter_keeps_the_order():
    copies, _ = fates("lossy-20", spacing=1)
    times = [c[0][0] for c in copies if c]
    assert times == sorted(set(times))


def test_late_ones_are_overtaken():
    copies, counts = fates("dup-reorder", spacing=60)
    times = [c[0][0] for c in copies if c]
    overtaken = sum(1 for n, time in enumerate(times[:-20]) if min(times[n + 1 :][:20]) < time)
    assert overtaken >= counts["reordered"] - 20 > 0


def test_the_link_comes_and_goes():
    copies, _ = fates("blackhole", number=70, spacing=100)
    # Up for 5 s, down for 2 s: 50 datagrams, then 20 that are lost.
    assert [bool(c) for c in copies] == [True] * 50 + [False] * 20


def test_a_sleeping_radio_delivers_in_bunches():
    copies, _ = fates("wifi-sleep", number=300, spacing=10, to_device=True)
    arrivals = [c[0][0] for c in copies]
    bunches = [b - a for a, b in zip(arrivals, arrivals[1:], strict=False) if b - a > 1]
    assert bunches and all(100 <= gap <= 210 for gap in bunches)
    assert all(0 <= arrival - n * 10 <= 200.1 for n, arrival in enumerate(arrivals))


def test_a_full_queue_loses_what_comes():
    copies, counts = fates("rp2-queue", number=10, spacing=0, to_device=True)
    # All at once: four wait, read 20 ms after each other.
    assert [round(c[0][0]) for c in copies if c] == [20, 40, 60, 80]
    assert counts["lost"] == 6
    assert fates("rp2-queue", number=10, spacing=0)[1]["lost"] == 0  # the gateway is no such board


# ---- with sockets


class Peer(asyncio.DatagramProtocol):
    """Keeps what it gets; answers where it is told to."""

    def __init__(self, answer=None):
        self.answer = answer
        self.got = asyncio.Queue()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, datagram, address):
        self.got.put_nowait((datagram, address))
        if self.answer:
            self.transport.sendto(self.answer(datagram), address)

    async def next(self):
        async with patience(20):
            return await self.got.get()


async def peer(answer=None, **where):
    _, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Peer(answer), family=socket.AF_INET, **where
    )
    return protocol


async def between(profile, test, **more):
    """Runs test(proxy, gateway, device, device)."""
    gateway = await peer(bytes.upper, local_addr=("127.0.0.1", 0))
    async with Impairment(gateway.transport.get_extra_info("sockname"), profile, scale=0.01, **more) as proxy:
        devices = [await peer(remote_addr=("127.0.0.1", proxy.port)) for _ in range(2)]
        await test(proxy, gateway, *devices)
        for one in devices:
            one.transport.close()
    gateway.transport.close()


def test_each_device_is_a_peer_of_its_own():
    async def test(proxy, gateway, first, second):
        first.transport.sendto(b"one")
        assert (await first.next())[0] == b"ONE"
        second.transport.sendto(b"two")
        assert (await second.next())[0] == b"TWO"
        first.transport.sendto(b"three")
        assert (await first.next())[0] == b"THREE"
        peers = [(await gateway.next())[1] for _ in range(3)]
        assert peers[0] == peers[2] != peers[1]
        assert proxy.to_gateway == proxy.to_device == {"forwarded": 3}

    asyncio.run(between("clean", test))


def test_many_datagrams_keep_their_order():
    async def test(proxy, gateway, device, _):
        sent = [b"%d" % n for n in range(100)]
        for datagram in sent:
            device.transport.sendto(datagram)
        assert [(await device.next())[0] for _ in sent] == sent

    asyncio.run(between("clean", test))


def test_the_same_ones_are_lost_for_a_seed():
    async def survivors(seed):
        got = []

        async def test(proxy, gateway, device, _):
            for n in range(60):
                device.transport.sendto(b"%d" % n)
            # All have been judged once the counts say so; what was not lost is then under way.
            while proxy.to_gateway.total() < 60:
                await asyncio.sleep(0.01)
            for _ in range(proxy.to_gateway["forwarded"]):
                got.append((await gateway.next())[0])

        await between("lossy-20", test, seed=seed)
        return got

    first = asyncio.run(survivors(5))
    assert 30 < len(first) < 60
    assert asyncio.run(survivors(5)) == first
    assert asyncio.run(survivors(6)) != first


def test_rebinding_changes_the_port_and_answers_still_come():
    async def test(proxy, gateway, device, _):
        ports = []
        for n in range(4):
            device.transport.sendto(b"a%d" % n)
            ports.append((await gateway.next())[1][1])
            assert (await device.next())[0] == b"A%d" % n
        assert ports[0] == ports[1] != ports[2] == ports[3]

    asyncio.run(between(Profile("", rebind=2), test))


def test_a_gateway_that_is_not_there_is_no_error():
    async def test():
        async with Impairment(("127.0.0.1", 9), "clean", scale=0.01) as proxy:
            device = await peer(remote_addr=("127.0.0.1", proxy.port))
            for n in range(5):
                device.transport.sendto(b"%d" % n)
            while proxy.to_gateway["forwarded"] < 5:
                await asyncio.sleep(0.01)
            device.transport.close()

    asyncio.run(test())
