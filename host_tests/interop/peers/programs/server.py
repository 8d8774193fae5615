# SPDX-License-Identifier: MIT
"""A server of ours: server.py PORT [FOLDER of its OSCORE keys]. It says "ready" once it listens."""

import asyncio
import sys

from coap.aio import Context, Site

site = Site()
count = 0


class Pattern:
    """A body of so many octets that is nowhere whole: 0123456789abcdef, again and again."""

    def __init__(self, size):
        self._size = size
        self._at = 0

    def read(self, most):
        size = max(0, min(most, self._size - self._at))
        start = self._at % 16
        self._at += size
        return (b"0123456789abcdef" * (size // 16 + 2))[start : start + size]

    def seek(self, offset, whence=0):
        self._at = self._size + offset if whence == 2 else offset
        return self._at

    def tell(self):
        return self._at


@site.get("/hello")
async def hello(request):
    return "hello"


@site.get("/slow")
async def slow(request):
    await asyncio.sleep(1)
    return "at last"


@site.get("/large/<int:size>")
async def large(request, size):
    return Pattern(size)


@site.post("/length", stream=True)
async def length(request):
    total = 0
    async for piece in request:
        total += len(piece)
    return "%d octets" % total


@site.get("/count", observe=True)
async def counted(request):
    return "%d" % count


async def main(port, folder=None):
    global count
    security = None
    if folder is not None:
        from keys import security as made

        security = made(folder, b"\x02", b"\x01")
    async with Context(host="127.0.0.1", port=int(port), site=site, security=security):
        print("ready")
        while True:
            await asyncio.sleep(0.1)
            count += 1
            site.changed("/count")


asyncio.run(main(*sys.argv[1:]))
