# SPDX-License-Identifier: MIT
"""A bad network on one machine: a UDP proxy between devices and the gateway, with named profiles.

Each device gets a socket of its own towards the gateway, which so sees as many peers as there are. All that happens to
a datagram follows from the seed, the device's place in the order of their first words, the direction, and the
datagram's place in it; only the profiles that have to do with time look at the clock.

    async with Impairment(("127.0.0.1", 65401), "lossy-20", seed=1, scale=0.05) as proxy:
        ...  # devices talk to ("127.0.0.1", proxy.port)
        proxy.to_gateway["lost"]
"""

import argparse
import asyncio
import random
import socket
from collections import Counter
from dataclasses import dataclass

from tools.cli.parser import renamed
from tools.errors import UsageError
from tools.words import why


@dataclass(frozen=True)
class Profile:
    """What a network does. Times in ms, shares in percent; the second group concerns datagrams to the device only."""

    about: str
    delay: float = 20
    jitter: float = 0  # the delay varies by so much up and down, without changing the order
    loss: float = 0
    burst: float = 1  # how many in a row are lost, on average
    duplicate: float = 0
    reorder: float = 0
    corrupt: float = 0
    up: float = 0  # a link that comes and goes: so long up, so long down
    down: float = 0
    rebind: int = 0  # after so many datagrams to the gateway, they come from another port

    sleep: tuple = ()  # the radio wakes after this to this; what came meanwhile arrives together
    queue: int = 0  # so many may wait to be read, each for `delay`; what comes then is lost


PROFILES = {
    "clean": Profile("20 ms"),
    "lossy-2": Profile("2 % lost, 50 ms +-20", delay=50, jitter=20, loss=2),
    "lossy-20": Profile("20 % lost, 100 ms +-50", delay=100, jitter=50, loss=20),
    "burst-30": Profile("30 % lost, about 3 in a row, 100 ms", delay=100, loss=30, burst=3),
    "dup-reorder": Profile(
        "2 % lost, 10 % twice, 10 % late, 100 ms", delay=100, loss=2, duplicate=10, reorder=10
    ),
    "corrupt-2": Profile("one octet changed in 2 %, 50 ms", delay=50, corrupt=2),
    "satellite": Profile("1 % lost, 750 ms", delay=750, loss=1),
    "blackhole": Profile("5 s up, 2 s down, 50 ms", delay=50, up=5000, down=2000),
    # Longer than an exchange lasts (MAX_TRANSMIT_WAIT, 93 s): each one under way fails.
    "blackhole-120": Profile("60 s up, 120 s down, 50 ms", delay=50, up=60_000, down=120_000),
    "wifi-sleep": Profile("to the device in bunches, after 100 to 200 ms", sleep=(100, 200)),
    "rp2-queue": Profile("to the device at most 4 waiting, one read every 20 ms", queue=4),
    "rebind": Profile("another source port after 20 datagrams, 20 ms", rebind=20),
}


class Fates:
    """What becomes of each datagram of one direction of one device. Without sockets and clock: `now` is in ms."""

    def __init__(self, profile, seed, to_device=False, counts=None):
        self.counts = Counter() if counts is None else counts
        self._profile = profile
        self._random = random.Random(seed)
        self.to_device = to_device
        self._in_burst = False
        self._number = 0
        self._latest = 0  # when the last one that kept its place arrives
        self._wake = 0
        self._waiting = []  # arrival times

    def next(self, datagram, now):
        """The copies that arrive, as (ms, octets); none where it is lost."""
        # The same draws for each datagram, so that what happens to one does not depend on what happened to another.
        lost, doubled, late, broken, jitter, place, wake = (self._random.random() for _ in range(7))
        profile, counts = self._profile, self.counts
        self._number += 1
        if self._is_lost(lost, now):
            counts["lost"] += 1
            return []
        arrival = self._arrival(now, jitter, wake)
        if self.to_device and profile.queue:
            self._waiting = [time for time in self._waiting if time > now]
            if len(self._waiting) >= profile.queue:
                counts["lost"] += 1
                return []
            arrival = max([now, *self._waiting]) + profile.delay
            self._waiting.append(arrival)
        if late * 100 < profile.reorder:
            # Those that are sent within the next four delays overtake it.
            counts["reordered"] += 1
            arrival += 4 * profile.delay
        else:
            # Never two at one time: a timer does not keep the order of those.
            arrival = self._latest = max(arrival, self._latest + 0.001)
        if broken * 100 < profile.corrupt and datagram:
            counts["corrupted"] += 1
            datagram = _with_one_octet_changed(datagram, place)
        counts["forwarded"] += 1
        copies = [(arrival, datagram)]
        if doubled * 100 < profile.duplicate:
            counts["duplicated"] += 1
            copies.append((arrival + profile.delay / 2, datagram))
        return copies

    def rebinds(self):
        """True where the source port changes before the datagram that next() will be asked for."""
        rebind = self._profile.rebind
        return rebind > 0 and self._number > 0 and self._number % rebind == 0

    def _is_lost(self, draw, now):
        profile = self._profile
        if profile.down and now % (profile.up + profile.down) >= profile.up:
            return True
        share = profile.loss / 100
        if profile.burst == 1:
            return draw < share
        # Two states (Gilbert): a burst ends with probability 1/burst, and begins so often that the share comes out.
        end = 1 / profile.burst
        begin = share * end / (1 - share)
        self._in_burst = draw >= end if self._in_burst else draw < begin
        return self._in_burst

    def _arrival(self, now, jitter, wake):
        profile = self._profile
        if self.to_device and profile.sleep:
            if now >= self._wake:
                shortest, longest = profile.sleep
                self._wake = now + shortest + wake * (longest - shortest)
            return self._wake
        return now + profile.delay + (2 * jitter - 1) * profile.jitter


def _with_one_octet_changed(datagram, place):
    changed = bytearray(datagram)
    at = int(place * len(changed))
    changed[at] ^= 1 + int(place * 0xFFFF) % 255  # never 0: it does change
    return bytes(changed)


class Impairment:
    """The proxy. An async context manager; `port` is where devices go, `to_gateway` and `to_device` count."""

    def __init__(self, upstream, profile="clean", seed=1, scale=1.0, listen=("127.0.0.1", 0)):
        """`scale` below 1 shrinks all times; `profile` is a name or a Profile."""
        self.profile = PROFILES[profile] if isinstance(profile, str) else profile
        self.upstream = upstream
        self.to_gateway = Counter()
        self.to_device = Counter()
        self._seed = seed
        self._scale = scale
        self._listen = listen
        self._devices = {}

    async def __aenter__(self):
        self._loop = asyncio.get_running_loop()
        self._start = self._loop.time()
        self._family, *_, address = socket.getaddrinfo(*self._listen, type=socket.SOCK_DGRAM)[0]
        self._socket = self.open(self._from_device)
        self._socket.bind(address)
        self.port = self._socket.getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.close(self._socket)
        for device in self._devices.values():
            device.close()

    def open(self, receive):
        """A socket; receive(socket, datagram, address) gets what comes."""
        new = socket.socket(self._family, socket.SOCK_DGRAM)
        new.setblocking(False)
        self._loop.add_reader(new, self._read, new, receive)
        return new

    def close(self, old):
        self._loop.remove_reader(old)
        old.close()

    def fates(self, place, to_device):
        counts = self.to_device if to_device else self.to_gateway
        return Fates(self.profile, f"{self._seed}/{place}/{to_device}", to_device, counts)

    def pass_on(self, datagram, fates, send):
        """Calls send(datagram) when, and as often as, its fate has it."""
        now = (self._loop.time() - self._start) * 1000 / self._scale
        for time, copy in fates.next(datagram, now):
            self._loop.call_at(self._start + time * self._scale / 1000, _send, send, copy)

    def send_to_device(self, datagram, address):
        self._socket.sendto(datagram, address)

    def _from_device(self, _, datagram, address):
        if address not in self._devices:
            self._devices[address] = _Device(self, address, len(self._devices))
        self._devices[address].from_device(datagram)

    def _read(self, ready, receive):
        try:
            datagram, address = ready.recvfrom(65535)
        except OSError:
            return  # nothing there after all, or the gateway's port is closed
        receive(ready, datagram, address)


class _Device:
    """One device: its fates both ways, and its socket towards the gateway."""

    def __init__(self, proxy, address, place):
        self._proxy = proxy
        self._address = address
        self._to_gateway = proxy.fates(place, to_device=False)
        self._to_device = proxy.fates(place, to_device=True)
        self._open()

    def from_device(self, datagram):
        if self._to_gateway.rebinds():
            # As at a NAT that forgot: what still comes to the old port is lost.
            self.close()
            self._open()
        self._proxy.pass_on(datagram, self._to_gateway, lambda copy: self._socket.send(copy))

    def close(self):
        self._proxy.close(self._socket)

    def _open(self):
        self._socket = self._proxy.open(self._from_gateway)
        self._socket.connect(self._proxy.upstream)

    def _from_gateway(self, _, datagram, __):
        self._proxy.pass_on(
            datagram, self._to_device, lambda copy: self._proxy.send_to_device(copy, self._address)
        )


def _send(send, datagram):
    try:
        send(datagram)
    except OSError:
        pass  # the proxy was closed, or the other end is not there: on a network it would be lost as well


def add_arguments(parser):
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "profiles:\n" + "\n".join(f"  {name:14}{p.about}" for name, p in PROFILES.items())
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        type=_address,
        default="127.0.0.1:65402",
        help="default: 127.0.0.1:65402",
    )
    server = parser.add_argument(
        "--server",
        metavar="HOST:PORT",
        type=_address,
        default="127.0.0.1:65401",
        help="the MSGin5G Server, or a gateway (default: 127.0.0.1:65401)",
    )
    renamed(parser, "--to", server)
    parser.add_argument("--profile", choices=PROFILES, default="lossy-20", help="default: lossy-20")
    parser.add_argument(
        "--seed", metavar="TEXT", default="1", help="the same seed, the same network (default: 1)"
    )
    parser.add_argument(
        "--scale", metavar="X", type=_scale, default=1.0, help="0.05: all times 20 times shorter (default: 1)"
    )


def main(args):
    return asyncio.run(_serve(args))


async def _serve(args):
    try:
        async with Impairment(args.server, args.profile, args.seed, args.scale, args.listen) as proxy:
            print(
                f"port {proxy.port} to {args.server[0]}:{args.server[1]}: {proxy.profile.about}. Ctrl-C ends it.",
                flush=True,
            )
            try:
                await asyncio.Event().wait()
            finally:
                print(f"to the gateway: {_counted(proxy.to_gateway)}")
                print(f"to the device:  {_counted(proxy.to_device)}")
    except OSError as error:
        raise UsageError(f"can't listen at {args.listen[0]}:{args.listen[1]}: {why(error)}") from None


def _counted(counts):
    return ", ".join(f"{number} {what}" for what, number in counts.items()) or "nothing"


def _address(text):
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no HOST:PORT")
    return host.strip("[]"), int(port)


def _scale(text):
    if not (text.replace(".", "", 1).isdecimal() and float(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return float(text)
