# SPDX-License-Identifier: MIT
"""An Application Client at the other end of a serial cable that knows nothing of our code: octets in slipmux frames
(draft-bormann-t2trg-slipmux, RFC 1055, and the CRC-16 of RFC 1662) that are made here."""

import asyncio
import os

from tools.programs.patience import patience

LONG = 20  # s, until a test that waits for something has failed
END, ESC, ESC_END, ESC_ESC = 0xC0, 0xDB, 0xDC, 0xDD
L3 = 0xC5  # the frame type of docs/serial.md


def crc(octets):
    """FCS-16 of RFC 1662 appendix C, bit by bit."""
    value = 0xFFFF
    for octet in octets:
        value ^= octet
        for _ in range(8):
            value = value >> 1 ^ (0x8408 if value & 1 else 0)
    return (value ^ 0xFFFF).to_bytes(2, "little")


def framed(octets):
    said = bytes([L3]) + octets
    said += crc(said)
    escaped = said.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
    return bytes([END]) + escaped + bytes([END])


class Line:
    """`say` sends a message, `next` is the next one that came, both in hexadecimal digits. A MESSAGE RECEIVED REQUEST
    is answered with `result` at once, and one that comes again under its Message ID is told once."""

    def __init__(self, path):
        self._path = path
        self.result = "0401"
        self.inbox = asyncio.Queue()
        self.copies = []  # all messages that came, those that came again too
        self._rest = b""

    async def __aenter__(self):
        self._file = os.open(self._path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        asyncio.get_running_loop().add_reader(self._file, self._read)
        return self

    async def __aexit__(self, *exception):
        asyncio.get_running_loop().remove_reader(self._file)
        os.close(self._file)

    def _read(self):
        *packets, self._rest = (self._rest + os.read(self._file, 4096)).split(bytes([END]))
        for packet in packets:
            said = packet.replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb")
            if said[:1] == bytes([L3]):
                assert crc(said[:-2]) == said[-2:]
                self._came(said[1:-2].hex())

    def _came(self, digits):
        again = digits[:2] in ("03", "06") and digits in self.copies
        self.copies.append(digits)
        if digits[:2] == "03":
            self.say(self.result)
        if not again:
            self.inbox.put_nowait(digits)

    def say(self, digits):
        os.write(self._file, framed(bytes.fromhex(digits)))

    async def next(self):
        async with patience(LONG):
            return await self.inbox.get()

    async def ask(self, digits):
        self.say(digits)
        return await self.next()
