# SPDX-License-Identifier: MIT
"""A network between a node and its database that a test cuts: nothing goes through and nothing is closed, or one thing
gets lost and the node is cut off."""

import asyncio


class Line:
    """`async with Line(port) as line`: what connects to `line.port` speaks to that port, while it is not `cut`."""

    def __init__(self, port):
        self._to = port
        self._open = asyncio.Event()
        self._open.set()
        self._tasks = set()
        self._losing = None  # the direction in which the next thing gets lost

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._begin, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exception):
        self._server.close()
        for each in self._tasks:
            each.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self):
        self._open.clear()

    def mend(self):
        """What was under way is lost: connections that were cut stay so."""
        for each in self._tasks:
            each.cancel()
        self._open.set()

    def lose(self, what):
        """The next "question" that comes, or the next "answer", gets lost, and with it that connection of the node:
        of a question the database hears nothing, nor that nobody waits.
        """
        self._losing = what

    async def _begin(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        ends = [writer]
        try:
            await self._open.wait()
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
            ends.append(back)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry(reader, back, "question", writer))
                group.create_task(self._carry(there, writer, "answer", writer))
        except* (OSError, EOFError, asyncio.CancelledError):
            pass  # the port is nobody's, one of both has gone, or it was cut: asyncio would print each
        finally:
            for each in ends:
                each.close()

    async def _carry(self, from_, to, what, node):
        while octets := await from_.read(65536):
            await self._open.wait()
            if self._losing == what:
                self._losing = None
                node.transport.abort()
                await asyncio.Event().wait()
            to.write(octets)
            await to.drain()
        raise EOFError
