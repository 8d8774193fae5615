# SPDX-License-Identifier: MIT
"""A serial cable between two pseudo-terminals: paced, with damaged octets and breaks, all by a seed.

It stands where the wire would; each end is a terminal device that a program opens as it would a UART.
"""

import asyncio
import os
import random
import tty


class Cable:
    """`ends` are the paths of its two terminals. `octet_s` is the time of an octet (10 bits), `damage` the chance
    that one is changed on its way, `cut` whether everything is lost for now."""

    def __init__(self, baudrate=115200, damage=0.0, seed=1):
        self.octet_s = 10 / baudrate
        self.damage = damage
        self.cut = False
        self.carried = [0, 0]
        self.damaged = 0
        self._chance = random.Random(seed)
        self._masters, self._slaves = [], []
        for _ in range(2):
            master, slave = os.openpty()
            tty.setraw(slave)
            os.set_blocking(master, False)
            self._masters.append(master)
            self._slaves.append(slave)  # kept open: a terminal without any reader would end for the other side
        self.ends = [os.ttyname(slave) for slave in self._slaves]
        self._tasks = []

    async def __aenter__(self):
        self._tasks = [asyncio.create_task(self._carry(*way)) for way in ((0, 1), (1, 0))]
        return self

    async def __aexit__(self, *exception):
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for fd in self._masters + self._slaves:
            os.close(fd)

    async def _carry(self, source, sink):
        loop = asyncio.get_running_loop()
        free = loop.time()  # when the wire has carried all that was put on it
        while True:
            try:
                # a small piece at a time, so that the two ends see octets come as from a UART
                octets = bytearray(os.read(self._masters[source], 128))
            except BlockingIOError:
                ready = loop.create_future()
                loop.add_reader(self._masters[source], lambda ready=ready: ready.done() or ready.set_result(None))
                try:
                    await ready
                finally:
                    loop.remove_reader(self._masters[source])
                continue
            free = max(free, loop.time()) + len(octets) * self.octet_s
            await asyncio.sleep(free - loop.time())
            if self.cut:
                continue
            for at in range(len(octets)):
                if self._chance.random() < self.damage:
                    octets[at] ^= self._chance.randrange(1, 256)
                    self.damaged += 1
            self.carried[source] += len(octets)
            os.write(self._masters[sink], octets)
