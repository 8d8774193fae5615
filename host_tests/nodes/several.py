# SPDX-License-Identifier: MIT
"""Several servers in one program, on one database: their decisions, one round after the other as a test says."""

import random

from host_tests.gateway.server.test_decisions import Bench
from tools.server.server import Server
from tools.server.settings import Settings
from tools.store.opening import open_store


class Node(Bench):
    """One of them. Its rounds are those of a running program: what came from others is heard, then all is decided in
    one transaction; where another node was in the way, once more."""

    def __init__(self, uri, name, open=True, **settings):
        self.uri, self.name = uri, name
        self.woken = 0
        self._options = open, settings
        self.now = 1_000_000.0
        self.told = []
        self.start()

    def start(self):
        opened, settings = self._options
        self.settings = Settings(open=opened, **settings)
        self.store = open_store(self.uri, node=self.name)
        self.server = Server(self.store, self.settings, self._emit, rng=random.Random(1))
        self.store.hear()
        with self.store.transaction():
            self.server.start(self.now)
        self.store.begin_serving(None, self._wake)
        self.beat()

    def _wake(self):
        self.woken += 1

    def beat(self):
        """A sign of life, a look at the others."""
        self.store._beating.step()
        self.hear()

    def hear(self):
        """What others have told until now: with an answer of the database comes what was told before."""
        self.store._wake.connection.execute("SELECT 1")
        self.store.hear()

    def _round(self, function, *arguments):
        self.hear()
        with self.store.transaction():
            return function(*arguments)

    def ask(self, peer, body, content_format=50):
        return self._round(super().ask, peer, body, content_format)

    def work(self, later=0.0):
        return self._round(super().work, later)

    def outcome(self, push, *arguments, **named):
        self._round(lambda: Bench.outcome(self, push, *arguments, **named))

    def event(self, function, *arguments):
        """What `function(*arguments, now)` decides."""
        return self._round(function, *arguments, self.now)

    def kill(self):
        """As kill -9 does: its sessions end, and it says nothing."""
        self.store._closed = True
        self.store._watchdog.end()
        for link in (self.store._main, self.store._aside, self.store._wake):
            link.close()
        self.store._beating.stop()


class Nodes:
    """As many as there are names, which know each other."""

    def __init__(self, uri, names="abc", **settings):
        self.all = [Node(uri, name, **settings) for name in names]
        self.settle()

    def __iter__(self):
        return iter(self.all)

    def settle(self, *more):
        """All of them, or these, have seen each other and taken what is theirs."""
        for _ in range(3):
            for each in more or self.all:
                each.beat()

    def close(self):
        for each in self.all:
            if not each.store._closed:
                each.store.close()
