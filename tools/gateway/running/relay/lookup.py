# SPDX-License-Identifier: MIT
"""Where the server is: its name is looked up in the background, for ever, and a failure is told."""

import asyncio
import contextlib
import socket

from tools.words import in_words

_FIRST, _LONGEST = 2.0, 60.0  # s between tries that fail
_AGAIN = 60.0  # s between looks at a name that was found: its address may change


class Lookup:
    """`found(address, family)` is called with the first address, and whenever it is another one."""

    def __init__(self, server, found, emit, resolve=None):
        self._host, self._port = server
        self._found = found
        self._emit = emit
        self._resolve = resolve or _resolve
        self._task = None
        self.name = ("[%s]:%d" if ":" in self._host else "%s:%d") % server
        self.address = None
        self._all = []

    async def start(self):
        """An address is there at once; a name is looked up beside."""
        try:
            made = socket.getaddrinfo(
                self._host, self._port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST
            )
        except (socket.gaierror, UnicodeError):
            self._task = asyncio.create_task(self._look())
        else:
            self._take(made)

    async def stop(self):
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _look(self):
        pause, failing = _FIRST, False
        while True:
            try:
                self._take(await self._resolve(self._host, self._port))
            except (OSError, UnicodeError) as error:  # a name may be none that can be asked for
                if not failing:
                    reason = in_words(error)
                    self._emit("lookup-failed", server=self.name, reason=reason, seconds=round(pause))
                failing = True
                await self._wait(pause)
                pause = min(2 * pause, _LONGEST)
            else:
                pause, failing = _FIRST, False
                await self._wait(_AGAIN)

    async def _wait(self, seconds):
        await asyncio.sleep(seconds)

    def _take(self, made):
        """The address that we have stays as long as it is one of the server's."""
        self._all = [(address, family) for family, _, _, _, address in made]
        if self.address not in self._all:
            self._use(self._all[0])

    def next(self):
        """Another address of the server, where nobody is at the one at hand: a name may have one of each family."""
        if len(self._all) > 1 and self.address in self._all:
            self._use(self._all[(self._all.index(self.address) + 1) % len(self._all)])

    def _use(self, address):
        first, self.address = self.address is None, address
        self._found(*address)
        if self._task:
            text = "[%s]:%d" if ":" in address[0][0] else "%s:%d"
            self._emit("server-found", server=self.name, at=text % address[0][:2], moved=not first)


async def _resolve(host, port):
    return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
