# SPDX-License-Identifier: MIT
"""A gateway in a thread of its own, and who speaks to it, for tests that wait for a browser."""

import asyncio
import contextlib
import threading

from host_tests.gateway.scripted import LONG, ApplicationServer, Ue, gateway


class Scene:
    """`do(coroutine)` runs it beside the gateway `g`, and gives its result. Who is asked for lives as long as it."""

    def __init__(self, **settings):
        self._settings = settings
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._stack = contextlib.AsyncExitStack()

    def __enter__(self):
        self._thread.start()
        try:
            self.begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def begin(self):
        """Has the gateway there."""
        self.g = self.there(gateway(**self._settings))

    def __exit__(self, *exception):
        try:
            self.do(self._stack.aclose())
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(LONG)
            self.loop.close()

    def do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(LONG)

    def call(self, function, *arguments):
        """A function that is none of asyncio's, in the thread of the gateway."""

        async def called():
            return function(*arguments)

        return self.do(called())

    def there(self, manager):
        """What an asynchronous context manager gives, until the scene ends."""
        return self.do(self._stack.enter_async_context(manager))

    @property
    def url(self):
        return "http://127.0.0.1:%d/" % self.g.http_port

    def device(self, name="ue:sensor-1@example.org", **members):
        """A device that has registered."""
        ue = self.there(Ue(self.g, name))
        self.do(ue.register(**members))
        return ue

    def server(self, name="as:weather@example.org"):
        """An Application Server that has registered."""
        server = self.there(ApplicationServer(self.g, name))
        self.do(server.register())
        return server
