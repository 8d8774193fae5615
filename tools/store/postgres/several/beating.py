# SPDX-License-Identifier: MIT
"""The thread that gives signs of life of a node and looks at the others, on a connection of its own: nobody waits for
it. It beats only while the event loop does, too: a program that hangs is not alive for others because a thread is."""

import contextlib
import threading
import time

import psycopg

from tools.store.faults import StoreError
from tools.store.postgres.dialing import Unreached
from tools.store.postgres.several import leases, members
from tools.store.postgres.several.wake import Wake


class Beating:
    """`dial(name)`: a psycopg connection; `wake()`: called in this thread where something is to be taken."""

    def __init__(self, dial, node, wake):
        self._dial, self._node, self._wake = dial, node, wake
        self._link = None
        self._said = (members.STARTING, None, None)
        self._seen = self._last = None
        self._suspected = {}  # nodes that are silent: since when
        self._deaf, self._fresh = False, None  # whether a new Wake is wanted; it
        self._lock = threading.Lock()
        self._again, self._ended = threading.Event(), False
        self._thread = None
        self._ticked = time.monotonic()

    def says(self, state, *addresses):
        """What of this node is said from now on."""
        self._said = (state, *(addresses or self._said[1:]))

    def start(self, loop):
        """Goes on by itself while the loop runs."""
        self._tick(loop)
        self._thread = threading.Thread(target=self._run, name="beat", daemon=True)
        self._thread.start()

    def _tick(self, loop):
        self._ticked = time.monotonic()
        if not self._ended:
            self._timer = loop.call_later(members.BEAT / 2, self._tick, loop)

    def now(self):
        """It looks at once."""
        self._again.set()

    def listens_again(self):
        """A new Wake, None where there is none yet: it is made in the thread, for that may take its time."""
        fresh, self._fresh = self._fresh, None
        if fresh is None and not self._deaf:
            self._deaf = True
            self.now()
        return fresh

    def take(self):
        """(the Members, the leases) since the last time, None where nothing is new."""
        with self._lock:
            seen, self._seen = self._seen, None
        return seen

    def step(self):
        """One sign of life, and one look."""
        if self._link is None:
            self._link = self._dial("msgin5g beat")
            self._link.execute("SET synchronous_commit=off")
        members.beat(self._link, self._node, *self._said)
        found = members.look(self._link, self._suspected, time.monotonic())
        view = {(kind, id_): node for kind, id_, node in self._link.execute(leases.ALL)}
        if self._deaf and self._fresh is None:
            fresh = Wake(self._dial("msgin5g wake"), self._node)
            self._fresh, self._deaf, self._last = fresh, False, None
        state = [(each.name, each.state, each.coap, each.http, each.lives, each.leads) for each in found]
        with self._lock:
            self._seen = found, view
        if (state, view) != self._last:
            self._last = state, view
            self._wake()

    def _run(self):
        while not self._ended:
            if time.monotonic() - self._ticked < members.SILENT - members.BEAT:
                try:
                    self.step()
                except (psycopg.Error, Unreached, StoreError):
                    self._lose()
            self._again.wait(members.BEAT)
            self._again.clear()

    def _lose(self):
        link, self._link = self._link, None
        if link is not None:
            with contextlib.suppress(psycopg.Error):
                link.close()

    def stop(self):
        self._ended = True
        self._again.set()
        if self._thread is not None:
            self._timer.cancel()
            self._thread.join(members.SILENT)
        self._lose()
        if self._fresh is not None:
            self._fresh.close()
