# SPDX-License-Identifier: MIT
"""A serial cable between two pseudo-terminals: paced as its baud rate asks, with damaged octets and breaks by a seed.

It stands where the wire would; each end is a terminal device that a program opens as it would a UART.
"""

import asyncio
import os
import random
import tty


class Cable:
    """`ends` are the paths of its two terminals. `octet_s` is the time of an octet (10 bits), `damage` the share of
    octets that are changed on their way, `cut` whether everything is lost for now.

    Damaged octets lie at least half their mean distance apart: a short frame has one of them at most, which FCS-16
    always notices. Of those with several it misses 1 in 65,536, and a test would fail that often.
    """

    def __init__(self, baudrate=115200, damage=0.0, seed=1):
        self.octet_s = 10 / baudrate
        self.damage = damage
        self.cut = False
        self.carried = [0, 0]
        self.damaged = 0
        self._chance = random.Random(seed)
        self._next = [self._gap(), self._gap()]  # octets until the next damaged one, each way
        self._masters, self._slaves = [], []
        for _ in range(2):
            master, slave = os.openpty()
            tty.setraw(slave)
            os.set_blocking(master, False)
            self._masters.append(master)
            self._slaves.append(
                slave
            )  # kept open: a terminal without any reader would end for the other side
        self.ends = [os.ttyname(slave) for slave in self._slaves]
        self._turns = [asyncio.Lock() for _ in self.ends]  # an event loop wakes one writer of each
        self._tasks = []

    def _gap(self):
        if not self.damage:
            return 1 << 62
        mean = round(1 / self.damage)
        return mean // 2 + self._chance.randrange(mean + 1)

    async def __aenter__(self):
        self._tasks = [asyncio.create_task(self._carry(*way)) for way in ((0, 1), (1, 0))]
        return self

    async def __aexit__(self, *exception):
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for fd in self._masters + self._slaves:
            os.close(fd)

    async def inject(self, sink, octets):
        """Octets that nobody sent arrive at this end."""
        for at in range(0, len(octets), 64):
            await self._put(sink, octets[at : at + 64])
            await asyncio.sleep(0.001)

    async def _carry(self, source, sink):
        loop = asyncio.get_running_loop()
        free = loop.time()  # when the wire has carried all that was put on it
        while True:
            try:
                # a small piece at a time, so that the two ends see octets come as from a UART
                octets = bytearray(os.read(self._masters[source], 128))
            except BlockingIOError:
                await _ready(self._masters[source], loop.add_reader, loop.remove_reader)
                continue
            free = max(free, loop.time()) + len(octets) * self.octet_s
            await asyncio.sleep(free - loop.time())
            if self.cut:
                continue
            while self._next[source] < len(octets):
                octets[self._next[source]] ^= self._chance.randrange(1, 256)
                self.damaged += 1
                self._next[source] += self._gap()
            self._next[source] -= len(octets)
            self.carried[source] += len(octets)
            await self._put(sink, octets)

    async def _put(self, sink, octets):
        """What an end does not read in time waits, as with flow control: a busy computer loses nothing by it."""
        loop = asyncio.get_running_loop()
        async with self._turns[sink]:
            while octets and not self.cut:
                try:
                    octets = octets[os.write(self._masters[sink], octets) :]
                except BlockingIOError:
                    await _ready(self._masters[sink], loop.add_writer, loop.remove_writer)


async def _ready(fd, add, remove):
    """Returns when it may be read, or written."""
    ready = asyncio.get_running_loop().create_future()
    add(fd, lambda: ready.done() or ready.set_result(None))
    try:
        await ready
    finally:
        remove(fd)
