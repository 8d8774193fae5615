# SPDX-License-Identifier: MIT
"""A client of ours: client.py URI WHAT... [FOLDER of its OSCORE keys]; one JSON line for each thing that it saw.

WHAT: get, non, put:SIZE (octets of the pattern, from a source that is read piece by piece), digest (of what a GET
gives, read block by block), observe:COUNT; each with the rest of a URI behind "@", "get@/hello".
"""

import asyncio
import hashlib
import json
import sys

from coap import code_text
from coap.aio import Context


class Pattern:
    """The same octets as the peers have, nowhere whole."""

    def __init__(self, size):
        self._left = size
        self._at = 0

    def read(self, most):
        size = min(most, self._left)
        start = self._at % 16
        self._at += size
        self._left -= size
        return (b"0123456789abcdef" * (size // 16 + 2))[start : start + size]


def say(*what):
    print(json.dumps(what))


async def do(coap, uri, what):
    what, _, number = what.partition(":")
    if what == "get" or what == "non":
        answer = await coap.get(uri, confirmable=what == "get")
        say(code_text(answer.code), answer.text[:100])
    elif what == "put":
        answer = await coap.put(uri, Pattern(int(number)))
        say(code_text(answer.code))
    elif what == "digest":
        digest, size = hashlib.sha256(), 0
        async for piece in coap.stream(uri):
            digest.update(piece)
            size += len(piece)
        say(size, "".join(["%02x" % octet for octet in digest.digest()]))
    elif what == "observe":
        left = int(number)
        async with coap.observe(uri) as changes:
            async for change in changes:
                say(code_text(change.code), change.text)
                left -= 1
                if not left:
                    break


async def main(base, *arguments):
    security = None
    if "@" not in arguments[-1]:
        from keys import security as made

        security = made(arguments[-1], b"\x01", b"\x02")
        arguments = arguments[:-1]
    async with Context(security=security) as coap:
        for each in arguments:
            what, _, path = each.partition("@")
            await do(coap, base + path, what)


asyncio.run(main(*sys.argv[1:]))
