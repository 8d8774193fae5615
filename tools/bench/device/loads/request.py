# SPDX-License-Identifier: MIT
# A GET by coap.aio.Context, whose peer answers at once in memory. Runs on MicroPython.
import asyncio
import gc
import json
import sys
import time

# An ACK with 2.05, Content-Format text/plain and the payload "21.5"; token and message ID are those of the request
_ANSWER = b"\xc0\xff21.5"


class Peer:
    peer = "memory"
    scheme = "coap+uart"

    async def open(self):
        self._came = asyncio.Event()
        self._answer = None

    async def receive(self):
        await self._came.wait()
        self._came.clear()
        return self._answer, self.peer

    def send(self, octets, address):
        token = octets[0] & 15
        self._answer = bytes((0x60 | token, 0x45)) + octets[2 : 4 + token] + _ANSWER
        self._came.set()
        return True

    def close(self):
        pass


def allocated():
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


async def measure(times):
    link = Peer()
    before = allocated()
    from coap.aio import Context

    imported = allocated()
    async with Context(link) as context:
        await asyncio.sleep(0)
        answer = await context.get("coap+uart:///sensors/temp")
        assert (answer.code, answer.text) == (69, "21.5")
        del answer
        idle = allocated()
        start = time.ticks_us()
        for _ in range(times):
            await context.get("coap+uart:///sensors/temp")
        took = time.ticks_diff(time.ticks_us(), start) / 1000 / times
    names = sorted(name for name in sys.modules if name.split(".")[0] == "coap")
    print(json.dumps({"imported": imported - before, "idle": idle - before, "ms": took, "modules": names}))


asyncio.run(measure(10))
