# SPDX-License-Identifier: MIT
"""What the tests of `device.update` share: a signing key, bundles, a peer that offers them, and a device that takes
them into a folder of its own.

The key signs as RFC 8554 says, and was written from that, not from what verifies. It has one leaf: what lies beside its
way to the root is made up, so that it costs 765 hashes and not 32 times as many.
"""

import asyncio
import binascii
import json
import os
from hashlib import sha256

from coap.version import VERSION
from common import equal
from device import health
from device.update.driving import Updates
from msgin5g import Config, MemoryStorage

SERVER = "as:updates@example.org"
BOARD = "unix"
NUMBER = 1796000000
APP = {"app/app.py": b"import data\nprint(data.TEXT)\n", "app/data.py": b"TEXT = 'new'\n"}
MINUTE = 60000
HOUR = 3600000

_N = 24  # octets of a hash: LMOTS_SHA256_N24_W4 (7) has 51 chains, LMS_SHA256_M24_H5 (10) a tree of height 5
_CHAINS = 51
_HEIGHT = 5


def u32(number):
    return number.to_bytes(4, "big")


class Key:
    """`public` is what a device has of it."""

    def __init__(self, seed=b"k"):
        self._id = (seed * 16)[:16]
        self._secrets = [self._hash(b"secret", seed, bytes([at])) for at in range(_CHAINS)]
        ends = b"".join([self._chain(at, secret, 0, 15) for at, secret in enumerate(self._secrets)])
        node = self._hash(self._id, u32(0), b"\x80\x80", ends)
        node = self._hash(self._id, u32(1 << _HEIGHT), b"\x82\x82", node)
        self._beside = [self._hash(b"beside", seed, bytes([level])) for level in range(_HEIGHT)]
        for level, beside in enumerate(self._beside):
            node = self._hash(self._id, u32(1 << _HEIGHT - 1 - level), b"\x83\x83", node, beside)
        self.public = u32(1) + u32(10) + u32(7) + self._id + node

    def _hash(self, *parts):
        return sha256(b"".join(parts)).digest()[:_N]

    def _chain(self, at, value, first, last):
        for step in range(first, last):
            value = self._hash(self._id, u32(0), at.to_bytes(2, "big"), bytes([step]), value)
        return value

    def sign(self, octets):
        """The signature of HSS with one level. It is always the same one-time key: for tests alone."""
        seasoning = bytes(_N)
        hashed = self._hash(self._id, u32(0), b"\x81\x81", seasoning, octets)
        digits = [octet >> shift & 15 for octet in hashed for shift in (4, 0)]
        left = sum([15 - digit for digit in digits])  # of 48 digits: three digits of its own, section 4.4
        digits += [left >> 8 & 15, left >> 4 & 15, left & 15]
        ends = [self._chain(at, self._secrets[at], 0, digit) for at, digit in enumerate(digits)]
        signed = u32(0) + u32(7) + seasoning + b"".join(ends) + u32(10) + b"".join(self._beside)
        return u32(0) + signed


KEY = Key()


class Long:
    """A file of so many times the same octet, which takes no heap."""

    def __init__(self, octet, size):
        self._octet = octet
        self._size = size

    def __len__(self):
        return self._size

    def __getitem__(self, part):
        end = self._size if part.stop is None else min(part.stop, self._size)
        return self._octet * max(0, end - (part.start or 0))


class Bundle:
    """A bundle of these files, {path: octets}, signed with `key`; `lines` are others of the manifest, `text` all of it.
    The octets that it sends at the places in `wrong` are others than were signed.
    """

    def __init__(self, files=None, kind="app", number=NUMBER, key=KEY, text=None, **lines):
        files = APP if files is None else files
        self.kind = kind
        self.paths = list(files)
        self.files = list(files.values())
        self.wrong = []
        values = {"name": "garden", "version": "1.4", "number": number, "board": BOARD, "needs": VERSION}
        values.update(lines)
        said = "msgin5g 1\nkind %s\n" % kind
        for line in ("name", "version", "number", "board", "mpy", "needs", "permit", "trial"):
            if line in values:
                said += "%s %s\n" % (line, values[line])
        if "confirm" in lines:
            said += "confirm\n"
        for path, octets in files.items():
            digest = sha256()
            for at in range(0, len(octets), 512):
                digest.update(octets[at : at + 512])
            digest = str(binascii.hexlify(digest.digest()), "ascii")
            said += "file %d %s %s\n" % (len(octets), digest, path)
        self.manifest = (said if text is None else text).encode()
        self.signature = key.sign(self.manifest)

    @property
    def size(self):
        return sum([len(file) for file in self.files])

    @property
    def id(self):
        return str(binascii.hexlify(self.octets_of_id), "ascii")

    @property
    def octets_of_id(self):
        return sha256(self.manifest).digest()[:8]

    def offer(self, again=False):
        return b"O" + bytes([again]) + u32(len(self.manifest)) + self.manifest + self.signature

    def piece(self, offset, size):
        made = bytearray(b"P" + self.octets_of_id + u32(offset))
        head = len(made)
        begin = 0  # of the file, in the contents
        for file in self.files:
            first, last = max(offset - begin, 0), min(offset + size - begin, len(file))
            if first < last:
                made.extend(file[first:last])
            begin += len(file)
        for place in self.wrong:
            if head <= head + place - offset < len(made):
                made[head + place - offset] ^= 1
        return made

    def stop(self):
        return b"X" + self.octets_of_id


class Incoming:
    """A message as the application gets it: its octets come in pieces of `cut`."""

    def __init__(self, payload, sender=SERVER, cut=100):
        self.sender = sender
        self.sender_type = "AS"
        self.size = len(payload)
        self.closed = False
        self._payload = payload
        self._cut = cut

    def chunks(self):
        return _Chunks(self._payload, self._cut)

    def close(self):
        self.closed = True


class _Chunks:
    def __init__(self, payload, cut):
        self._payload, self._cut, self._at = payload, cut, 0

    def __iter__(self):
        return self

    def __next__(self):
        if self._at >= len(self._payload):
            raise StopIteration
        self._at += self._cut
        return self._payload[self._at - self._cut : self._at]


class Core:
    """What of a Client an update needs."""

    def __init__(self, config, storage):
        self.config = config
        self.storage = storage
        self.stats = {}

    def procedure(self, name):
        pass


class Board:
    name = BOARD

    def __init__(self):
        self.resets = 0

    def reset(self):
        self.resets += 1


class Running:
    """What of a RunningClient an update needs. `said` are the messages that it sent: (to, JSON, volatile)."""

    def __init__(self, core):
        self.core = core
        self.registered = True
        self.ended = False
        self.said = []
        self.fails = None  # what `send` raises
        self.drained = 0

    async def send(self, to, payload, to_type="UE", app_id=None, volatile=False):
        if self.fails is not None:
            raise self.fails
        assert (to_type, app_id) == ("AS", "msgin5g.update")
        assert len(payload.encode()) <= 400, payload
        self.said.append((to, json.loads(payload), volatile))

    async def drain(self, timeout_s):
        self.drained += 1
        return True


class Starts:
    """What counts the starts of a board: `settled` are those that were called good."""

    settled = 0
    safe = False

    def good(self):
        self.settled += 1

    def due(self, now):
        return None


class Place:
    """A folder of its own to run in, with a msgin5g.json; it goes away with what is in it."""

    def __init__(self, config=None):
        self.settings = settings() if config is None else config

    def __enter__(self):
        self._before = os.getcwd()
        health.starts = Starts()
        self._path = "/tmp/msgin5g-update-" + str(binascii.hexlify(os.urandom(6)), "ascii")
        os.mkdir(self._path)
        os.chdir(self._path)
        write("msgin5g.json", json.dumps(self.settings).encode())
        return self

    def __exit__(self, *error):
        import base

        base.on, base.folder = False, ""
        health.starts = None
        os.chdir(self._before)
        remove(self._path)


def settings(**more):
    found = {
        "role": "client",
        "ue_service_id": "ue:a@x",
        "peer": "coap://192.0.2.1:65401",
        "security": {"mode": "none"},
        "update": {"key": str(binascii.hexlify(KEY.public), "ascii")},
    }
    found.update(more)
    return found


def write(path, octets):
    with open(path, "wb") as file:
        file.write(octets)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def tree(path):
    """{path: octets} of all files below a folder."""
    found = {}
    for name in os.listdir(path):
        each = path + "/" + name
        if os.stat(each)[0] & 0x4000:
            for inner, octets in tree(each).items():
                found[name + "/" + inner] = octets
        else:
            found[name] = read(each)
    return found


def remove(path):
    for name in os.listdir(path):
        each = path + "/" + name
        if os.stat(each)[0] & 0x4000:
            remove(each)
        else:
            os.remove(each)
    os.rmdir(path)


class Scene:
    """A device in the folder that it runs in, and the server that offers it bundles."""

    def __init__(self, storage=None, **config):
        self.storage = MemoryStorage() if storage is None else storage
        self.now = 5000
        self.config = Config(settings(**config))
        self.board = Board()
        self.on_update = None
        self.start()

    def start(self):
        """Power on."""
        import base
        from base.record import load

        record = load()
        base.on = bool(record["try"])
        slot = record["try"] if record["try"] in ("a", "b") else record["now"]
        base.folder = "slots/" + slot if slot else ""
        self.client = Running(Core(self.config, self.storage))
        if self.on_update is not None:
            self.client.on_update = self.on_update
        self.updates = Updates(self.client, self.board)
        return self

    def run(self, ms=0):
        """Time goes by, with a look at its end."""
        self.now += ms
        asyncio.run(self.updates.poll(self.now))

    def give(self, payload, sender=SERVER, cut=100):
        """A message comes."""
        message = Incoming(payload, sender, cut)
        asyncio.run(self.updates.handle(message, self.now))
        assert message.closed

    def last(self):
        """What the device said last to its server, JSON."""
        return self.client.said[-1][1]

    def states(self):
        return [said["state"] for _, said, _ in self.client.said]

    def refusal(self):
        """The first word of the last refusal."""
        equal(self.last()["state"], "refused")
        return self.last()["cause"].split(":")[0]

    def offer(self, bundle, **more):
        """Offer it, half a minute after the one before."""
        self.now += 30000
        self.give(bundle.offer(**more))
        return self

    def load(self, bundle, pieces=1 << 20):
        """Give it so many of the pieces that it asks for."""
        while pieces and self.last()["state"] == "loading":
            (offset, size), *more = self.last()["get"]
            equal(more, [])
            assert 0 < size <= 16384
            self.give(bundle.piece(offset, size))
            pieces -= 1
        return self

    def take(self, bundle):
        """All of it, up to the start that tries it."""
        self.offer(bundle).load(bundle)
        self.run()
        return self

    def count(self, name):
        return self.client.core.stats["update_" + name]
