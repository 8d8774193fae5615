# SPDX-License-Identifier: MIT
"""A device of several nodes, octet by octet: what it hears is looked at by what RFC 7252 and RFC 8613 say of the
octets, and not by what any node believes."""

import asyncio
import collections
import itertools
import socket

import aiocoap
from aiocoap import oscore

from tools.gateway import keys as key_files

OSCORE, ECHO = 9, 252
CON, ACK, RST = 0, 2, 3


def read(octets):
    """(type, code, message ID, token, {option: value}, payload) of a datagram."""
    end = 4 + (octets[0] & 15)
    options, number, at = {}, 0, end
    while at < len(octets) and octets[at] != 0xFF:
        delta, length = octets[at] >> 4, octets[at] & 15
        at += 1
        parts = []
        for part in (delta, length):
            if part == 13:
                part, at = 13 + octets[at], at + 1
            elif part == 14:
                part, at = 269 + int.from_bytes(octets[at : at + 2], "big"), at + 2
            parts.append(part)
        number += parts[0]
        options[number] = octets[at : at + parts[1]]
        at += parts[1]
    return (
        octets[0] >> 4 & 3,
        octets[1],
        int.from_bytes(octets[2:4], "big"),
        octets[4:end],
        options,
        octets[at + 1 :],
    )


class Nonces:
    """What each nonce of the nodes' key has gone out with. A response without a Partial IV has that of its request
    (RFC 8613 section 5.2); all else has one of the node's own."""

    def __init__(self):
        self.texts = collections.defaultdict(set)
        self.own = []  # the Partial IVs in the order in which they were first heard

    def note(self, options, payload, asked):
        """`asked`: the number of the request that the token is of."""
        value = options[OSCORE]
        length = value[0] & 7 if value else 0
        if length:
            nonce = "own", int.from_bytes(value[1 : 1 + length], "big")
            if nonce not in self.texts:
                self.own.append(nonce[1])
        else:
            assert asked is not None
            nonce = "asked", asked
        self.texts[nonce].add(payload)

    def used_twice(self):
        return {nonce: texts for nonce, texts in self.texts.items() if len(texts) > 1}


class Keys(oscore.CanProtect, oscore.CanUnprotect, oscore.SecurityContextUtils):
    """The device's end of a key, by aiocoap alone."""

    alg_aead = oscore.AES_CCM_16_64_128()
    hashfun = oscore.hashfunctions["sha256"]
    echo_recovery = None

    def __init__(self, section):
        keys = key_files.of_section("here", section)
        self.sender_id, self.recipient_id, self.id_context = keys.recipient_id, keys.sender_id, None
        self.derive_keys(keys.salt, keys.secret)
        self.sender_sequence_number = 0
        self.recipient_replay_window = oscore.ReplayWindow(32, lambda: None)
        self.recipient_replay_window.initialize_empty()

    def post_seqnoincrease(self):
        pass


class Asked:
    """A request as it went out; `heard`: what came back under its token, as (code or None where it did not verify,
    Echo, whether it was protected), `wholes` those that are neither 4.01 nor 5.03."""

    def __init__(self, number, octets, bound):
        self.number, self.octets, self._bound = number, octets, bound
        self.heard, self.wholes = [], set()

    def identifiers(self):
        """Fresh ones: a response is read by them once."""
        return oscore.RequestIdentifiers(self._bound.kid, self._bound.partial_iv, False, aiocoap.POST)


class Device:
    """`await device.ask(port, body)`: the request, of which something was heard."""

    def __init__(self, section):
        self.keys, self.nonces = Keys(section), Nonces()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self._other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # somebody who has recorded it
        self._other.bind(("127.0.0.1", 0))
        self._other.setblocking(False)
        self._ids = itertools.count(1)
        self.asked = {}  # token: Asked
        self.pushed = []  # from which port the nodes have asked something, each time
        self.answers_to = None  # the port that all its Resets go to, None where it is that of who asked
        self._came = asyncio.Event()
        loop = asyncio.get_running_loop()
        for each in (self._socket, self._other):
            loop.add_reader(each, self._hear, each)

    def close(self):
        for each in (self._socket, self._other):
            asyncio.get_running_loop().remove_reader(each)
            each.close()

    def make(self, payload, echo=None, path="msgin5g"):
        """A request that has not gone out."""
        message = aiocoap.Message(code=aiocoap.POST, payload=payload, content_format=50, uri_path=(path,))
        if echo is not None:
            message.opt.echo = echo
        number, mid = self.keys.sender_sequence_number, next(self._ids)
        outer, bound = self.keys.protect(message)
        outer.mtype, outer.mid, outer.token = aiocoap.CON, mid, mid.to_bytes(4, "big")
        made = self.asked[outer.token] = Asked(number, outer.encode(), bound)
        return made

    def send(self, port, octets, by_another=False):
        (self._other if by_another else self._socket).sendto(octets, ("127.0.0.1", port))

    def again(self, asked, mid=None):
        """The octets of a request, under another message ID perhaps."""
        return asked.octets if mid is None else asked.octets[:2] + mid.to_bytes(2, "big") + asked.octets[4:]

    async def response(self, asked, seconds=10):
        """(code, Echo, whether it is protected), the next one."""
        async with asyncio.timeout(seconds):
            while not asked.heard:
                self._came.clear()
                await self._came.wait()
        return asked.heard.pop(0)

    def _hear(self, of):
        while True:
            try:
                octets, address = of.recvfrom(4096)
            except (BlockingIOError, OSError):
                return
            self._take(of, address, octets)
            self._came.set()

    def _take(self, of, address, octets):
        mtype, code, mid, token, options, payload = read(octets)
        if code == 0:
            return
        if code >> 5 == 0:  # a node asks
            self.nonces.note(options, payload, None)
            self.pushed.append(address[1])
            to = address[1] if self.answers_to is None else self.answers_to
            of.sendto(bytes((0x40 | RST << 4, 0)) + mid.to_bytes(2, "big"), (address[0], to))
            return
        asked = self.asked[token]
        if mtype == CON:
            of.sendto(bytes((0x40 | ACK << 4, 0)) + mid.to_bytes(2, "big"), address)
        if OSCORE not in options:
            asked.heard.append(("%d.%02d" % (code >> 5, code & 31), None, False))
            return
        self.nonces.note(options, payload, asked.number)
        outer = aiocoap.Message.decode(octets)
        outer.remote = None
        outer.direction = aiocoap.message.Direction.INCOMING
        plain, _ = self.keys.unprotect(outer, asked.identifiers())
        if plain.code.dotted not in ("4.01", "5.03"):
            asked.wholes.add((payload, address))
        asked.heard.append((plain.code.dotted, plain.opt.echo, True))
