# SPDX-License-Identifier: MIT
"""Messages that the gateway accepts a second, each on its disk before its 2.04 leaves, beside what a bare server of
aiocoap echoes, with as many devices, in turns of one run.

A device is a socket with one request out at a time, of 100 octets of text. What it sends is for a UE that is registered
and silent, so that nothing but accepting is measured. Requests with OSCORE are protected before the clock starts; the
echo that they are compared with is the plain one, so what OSCORE costs is in the figure.
"""

import json
import secrets
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import aiocoap

from tools.bench import Row
from tools.device import ROOT
from tools.errors import UsageError
from tools.store.keys.sectables import Keys
from tools.store.store import Store
from tools.transport.keys.contexts import StoreContext
from tools.wire import bodies
from tools.wire.bodies import Address

DEVICES, ROUNDS, SECONDS = 50, 21, 0.5  # short rounds: what else the computer does falls into few of them
FIRST = (
    1500  # requests a second of all devices that are made beforehand; twice as many where they do not last
)
FULL = 10_000  # messages that wait at one gateway, half of what it takes; then another one begins
TEXT = "x" * 100
SERVICE = "urn:3gpp:msgin5g"
KINDS = ("echo", "plain", "oscore")
CHANGED, LATER = 0x44, 0xA3
CHART = "Accepted a second, 50 devices"


def measure():
    found = told()
    names = {
        "echo": f"{DEVICES} devices, echoed by a bare aiocoap",
        "plain": "accepted by the gateway",
        "oscore": "accepted with OSCORE",
    }
    for kind in KINDS:
        rate = round(statistics.median(each for each, _ in found[kind]))
        by = "aiocoap" if kind == "echo" else ""
        yield Row(names[kind], rate, "a second", kind="machine", chart=CHART, by=by)
        if kind != "echo":
            yield Row("  of the echo", ratio(found, kind), "times", f"accepted.{kind}", kind="ratio")
        spent = statistics.median(each for _, each in found[kind])
        yield Row("  time of the processor for each", round(spent * 1000, 2), "ms", kind="machine")
        if kind != "echo":
            yield Row("  of that the echo takes", round(1 / ratio(found, kind, 1), 2), "times", kind="ratio")


def ratio(found, kind, what=0):
    """The median of the rounds' ratios to the echo: of the rates (0), or of the processor's time (1)."""
    pairs = zip(found[kind], found["echo"], strict=True)
    return round(statistics.median(one[what] / echo[what] for one, echo in pairs), 2)


def told(kinds=KINDS, devices=DEVICES, rounds=ROUNDS, seconds=SECONDS):
    """{kind: [(requests answered a second, s of the processor for each)]}, one pair for each round."""
    found = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory() as folder:
        worlds = {}
        try:
            for kind in kinds:
                worlds[kind] = _World(kind, Path(folder, kind), devices)
            for _ in range(rounds):
                for kind in kinds:
                    if worlds[kind].answered > FULL:
                        worlds[kind].end()
                        worlds[kind] = _World(kind, Path(tempfile.mkdtemp(dir=folder), kind), devices)
                    found[kind].append(worlds[kind].round(seconds))
        finally:
            for world in worlds.values():
                world.end()
    return found


class _Device:
    def __init__(self, number, port, keys, store):
        self.number = number
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.ready = []  # requests that wait for their turn
        self._mid = secrets.randbelow(1 << 16)
        self._context = None
        if keys is not None:
            mine = Keys(keys.sender_id, keys.recipient_id, keys.secret)
            store.know_context(mine)
            self._context = StoreContext(store, mine)

    @property
    def ue(self):
        return "ue:%d@example.org" % self.number

    def request(self, kind, **members):
        """The octets of a Confirmable POST."""
        head = {"msgIden": SERVICE, "msgType": kind, "oriAddr": bodies.origin(Address("UE", self.ue))}
        self._mid = (self._mid + 1) % (1 << 16)
        message = aiocoap.Message(code=aiocoap.POST, payload=bodies.encode(head | members))
        message.opt.uri_path, message.opt.content_format = ("msgin5g",), 50
        if self._context is not None:
            message, _ = self._context.protect(message)
        message.mtype, message.mid, message.token = aiocoap.CON, self._mid, b""
        return message.encode()

    def message(self, to):
        destination = {"destAddrType": "UE", "addr": to.ue}
        return self.request("MSG", destAddr=destination, msgId=str(uuid.uuid4()), sfFlag=False, payload=TEXT)

    def ask(self):
        """The code of the answer, by itself."""
        octets = self.ready.pop()
        for _ in range(5):
            self.socket.send(octets)
            with selectors.DefaultSelector() as selector:
                selector.register(self.socket, selectors.EVENT_READ)
                if selector.select(2):
                    return self.socket.recv(2048)
        raise UsageError("bench: nobody answers")


class _World:
    """A server, and the devices that speak to it; as many more take what those send, and never answer."""

    def __init__(self, kind, folder, devices):
        folder.mkdir()
        self._kind = kind
        self._made = FIRST
        self.answered = 0  # in all
        keys = [None] * 2 * devices
        self._store = Store(":memory:")
        if kind == "oscore":
            keys = [
                Keys(b"\1" + n.to_bytes(2, "big"), b"\2", secrets.token_bytes(16)) for n in range(2 * devices)
            ]
            store = Store(str(folder / "gateway.db"))
            with store.transaction():
                for number, each in enumerate(keys):
                    store.add_device("ue:%d@example.org" % number)
                    store.bind_keys("ue:%d@example.org" % number, each)
            store.close()
        self._program, port = _echo() if kind == "echo" else _gateway(folder, kind)
        try:
            made = [_Device(n, port, keys[n], self._store) for n in range(2 * devices)]
            self._devices, self._silent = made[:devices], made[devices:]
            for each in made:
                each.ready = [each.request("REG")]
                code = each.ask()[1]
                if self._kind == "oscore" and code != CHANGED:  # it asks for Echo... a new key needs none
                    raise UsageError("bench: a device with a key was not registered")
        except BaseException:
            self.end()
            raise

    def end(self):
        self._program.terminate()
        self._program.wait()

    def round(self, seconds):
        """(requests answered a second, s of the processor for each)"""
        while True:
            count = int(self._made * seconds / len(self._devices))
            for each, to in zip(self._devices, self._silent, strict=True):
                each.ready = [each.message(to) for _ in range(count)][::-1]
            before, began = _spent(self._program.pid), time.monotonic()
            answered = self._play(began + seconds)
            self.answered += answered
            spent, took = _spent(self._program.pid) - before, time.monotonic() - began
            if not answered:
                raise UsageError("bench: nobody answers")
            if all(each.ready for each in self._devices):
                return answered / took, spent / answered
            self._made *= 2

    def _play(self, end):
        """Requests that were answered 2.04 by then; each device sends the next one then."""
        answered = 0
        out = {}
        with selectors.DefaultSelector() as selector:
            for each in self._devices:
                selector.register(each.socket, selectors.EVENT_READ, each)
                out[each] = each.ready.pop()
                each.socket.send(out[each])
            while time.monotonic() < end:
                for key, _ in selector.select(0.1):
                    each = key.data
                    octets = each.socket.recv(2048)
                    if octets[0] >> 4 & 3 == 0:  # a separate response: the device acknowledges it
                        each.socket.send(b"\x60\0" + octets[2:4])
                    elif octets[2:4] != out[each][2:4] or octets[1] == 0:
                        continue
                    if octets[1] != CHANGED:
                        raise UsageError("bench: answered %d.%02d" % (octets[1] >> 5, octets[1] & 31))
                    answered += 1
                    if each.ready:
                        out[each] = each.ready.pop()
                        each.socket.send(out[each])
        return answered


def _echo():
    command = [sys.executable, "-m", "tools.bench.server.echo"]
    program = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    return program, int(program.stdout.readline())


def _gateway(folder, kind):
    events = folder / "events"
    words = ("--open", "--no-discovery", "--retry-min", "300", "--retry-max", "600")
    listen = ("--coap", "127.0.0.1:0", "--http", "127.0.0.1:0", "--store", folder / "gateway.db")
    security = "oscore" if kind == "oscore" else "none"
    command = [sys.executable, "-m", "tools.cli", "gateway", "--security", security, "--events", events]
    command = [str(word) for word in (*command, *listen, *words)]
    program = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    while True:
        for line in events.read_text().splitlines() if events.exists() else ():
            said = json.loads(line)
            if said["event"] == "listening":
                return program, int(said["coap"].rpartition(":")[2])
        if program.poll() is not None:
            raise UsageError("bench: the gateway has ended")
        time.sleep(0.05)


def _spent(pid):
    """Seconds of the processor that a process has used."""
    fields = Path("/proc/%d/stat" % pid).read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
