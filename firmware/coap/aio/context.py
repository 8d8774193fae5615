# SPDX-License-Identifier: MIT
"""An endpoint on the network: it owns the links, and the tasks that read them and keep time.

async with Context() as coap:
    answer = await coap.get("coap://192.0.2.1/sensors/temp")
"""

import asyncio
import gc

from ..compat import const, drop_half_modules, earliest, ticks_diff
from ..endpoint import Endpoint
from ..exchange import PIECE, REQUEST
from .call import Call, Calls
from .client import Client
from .serving import Serving
from .waiting import current, now, sleep_ms, wait_for_ms

_TYPING = const(False)
if _TYPING:
    from collections.abc import Sequence
    from typing import Any

    from contracts import Link, Peer, Security

_BURST = const(8)  # datagrams read before other tasks get their turn
_LINK_RETRY = const(5000)  # ms between tries to bring a link up
_SEND_RETRY = const(20)  # ms until a link that was busy is asked again
_STUCK = const(1000)  # ms that a socket may take nothing, for there may be another one
_BEAT = const(3600000)  # ms that the timer task sleeps at most: an endpoint is polled once a day at least
_COLLECT = const(16384)  # octets that are taken between two collections
_NO_MEMORY = const(100)  # ms until it is tried again


class Context(Client, Serving, Calls):
    """A client and a server at once, to be used by `async with`.

    Without `link` it speaks UDP: a socket for IPv4 and one for IPv6, each opened when it is needed. `host` and `port`
    are where it listens: an address of this machine, "0.0.0.0" and a free port unless given. A server's socket is open
    from the start. `link`, if given, carries datagrams instead: aio.serial.SerialLink, or what has its members.

    `groups` are multicast addresses, such as "224.0.1.187" of All CoAP Nodes, whose requests it answers, too.

    `site` answers the requests of peers (aio.Site). `security` is an oscore.Security. `endpoint`, if given, is a
    coap.Endpoint with limits of its own, and has its `security` itself.

    `stats` counts the datagrams that could not be sent, "unsent" (no way to there, for example; what is confirmable is
    sent again), how often a task waited for memory, "no_memory", and the exceptions that were told since nobody awaits
    them, "raised". `endpoint.stats` has the rest.
    """

    def __init__(
        self,
        link: "Link | None" = None,
        host: str | None = None,
        port: int = 0,
        site: "Any" = None,
        security: "Security | None" = None,
        endpoint: Endpoint | None = None,
        groups: "Sequence[str]" = (),
    ) -> None:
        if endpoint is not None and security is not None:
            raise ValueError("security: an endpoint that is given has its own")
        if security is not None and not hasattr(security, "poll"):
            raise ValueError("security: give oscore.Security(CONTEXT) or a Keyring, not %r" % (security,))
        if link is not None and (host is not None or port):
            raise ValueError("host, port: a link that is given has its own")
        if groups and (link is not None or not port):
            raise ValueError("groups: they are heard by UDP, on a port that is given")
        self.endpoint = endpoint or Endpoint(security=security)
        self.site = site
        if site is not None:
            site.prepare(self.endpoint)
        self._link = link
        self._host = host
        self._port = port
        self._groups = groups
        self._sockets: list = [None, None]  # of IPv4, of IPv6
        self._names: "Any" = None
        self._tasks: list = []
        self._handlers: list = []
        self._owed = None
        self._event: "Any" = None  # what is being handed on, and what there was no memory for
        self._tried = self._handing = False
        self._calls: list = []
        self._turns: list = []  # events of the calls that wait until an exchange has ended
        self._unsent: "Any" = None
        self._late: "Any" = None  # since when there is one
        self._armed = None  # the deadline that the timer task sleeps until
        self._open = False
        self.stats = {"unsent": 0, "no_memory": 0, "raised": 0}

    # --- its life -----------------------------------------------------------------------------------

    async def __aenter__(self) -> "Context":
        """Open it. Raise OSError where the socket cannot be had: that port is taken, or there is no such address.

        After Ctrl-C the port may stay taken on a board, by what asyncio keeps of the tasks, until Ctrl-D."""
        if self._open:
            raise RuntimeError("the context is open (after Ctrl-C: make another one)")
        if hasattr(gc, "threshold") and gc.threshold() < 0:
            # A heap that is collected only when it is full gets scattered by what is kept for minutes: then a module or
            # a datagram finds no place while half of the heap is free. An application's own choice stays.
            gc.threshold(_COLLECT)
        self._kick = asyncio.Event()
        self._up = asyncio.Event()  # a given link is
        self._open = True
        try:
            if self._link is None:
                self._socket(":" in (self._host or ""))
                for group in self._groups:
                    self._join(group)
            else:
                self.begin(self._connect())
            self.begin(self._tick())
        except Exception:
            self._end()
            self._close()
            raise
        return self

    async def __aexit__(self, *error: "Any") -> None:
        try:
            self._end()
            await sleep_ms(0)  # what was cancelled ends, and does not wait for a socket any more
        finally:
            self._close()

    async def serve(self) -> None:
        """Wait until this task is cancelled, or the context is closed."""
        await self.wait(Call())

    @property
    def address(self) -> "Peer":
        """Where it listens: (host, port), None where the port of MicroPython does not say; the peer of a link that was
        given."""
        if self._link is not None:
            return self._link.peer
        for each in self._sockets:
            if each is not None:
                from .udp import peer_of

                getsockname = getattr(each.source, "getsockname", None)
                return getsockname and peer_of(getsockname())
        return None

    def _end(self):
        """End all that runs and waits."""
        self._open = False
        # Nothing here or in _close needs memory.
        for task in self._tasks:
            if task is not current():
                task.cancel()
        for entry in self._handlers:
            if entry[1] is not current():
                entry[1].cancel()
        for call in self._calls:
            call.ended.set()
        for turn in self._turns:
            turn.set()
        self._up.set()
        self._tasks.clear()
        self._handlers.clear()

    def _close(self):
        if self._link is not None:
            self._link.close()
        sockets = self._sockets
        while sockets:
            each = sockets.pop()
            if each is not None:
                each.close()
        sockets.append(None)
        sockets.append(None)
        if self.endpoint.bodies:  # in blocks, and under way: what they are read from is closed
            for body in self.endpoint.bodies[:]:
                body.poll(self.endpoint, None)

    def _join(self, group):
        from ..endpoint.multicast import LEISURE
        from .multicast import join

        self._socket(":" in group)  # what answers
        sock = join(self, group, self._host, self._port)
        self._sockets.append(sock)
        self.begin(self._read(sock, LEISURE))

    def check(self) -> None:
        """Raise Closed where the context is not open."""
        if not self._open:
            from .errors import Closed

            raise Closed()

    def begin(self, coroutine: "Any") -> "Any":
        """Run a coroutine as a task that is cancelled when the context is closed, or by `end`. Return the task. Raise
        MemoryError, and then it does not run."""
        tasks = self._tasks
        tasks.append(None)
        try:
            tasks[-1] = task = asyncio.create_task(coroutine)
        except MemoryError:
            tasks.pop()
            raise
        return task

    def end(self, task: "Any") -> None:
        """Cancel a task that `begin` gave."""
        if task in self._tasks:
            self._tasks.remove(task)
            if task is not current():
                task.cancel()

    def _socket(self, ipv6):
        """Return the socket of a family, opened now where it was not. Raise OSError."""
        sock = self._sockets[ipv6]
        if sock is None:
            import socket

            from .udp import UDPLink

            family = socket.AF_INET
            if ipv6:
                from .names import inet6

                family = inet6()
            ours = (":" in (self._host or "")) == ipv6
            sock = UDPLink(self.endpoint.max_datagram)
            options = None
            if ipv6 or self._groups:
                from .names import prepare

                group = () if self._groups else None

                def options(sock):
                    prepare(sock, family, group)

            # Of the other family it has the same port, where that was asked for without an address.
            host = self._host if ours else None
            port = self._port if ours or self._host in (None, "::") else 0
            try:
                sock.bind(family, host, port, options)
            except OSError as error:
                raise OSError(error.errno, "no UDP port %d of %s (%s)" % (port, host or "any address", error))
            try:
                self.begin(self._read(sock))
            except MemoryError:
                sock.close()  # nobody would read it
                raise
            self._sockets[ipv6] = sock
        return sock

    # --- the tasks ----------------------------------------------------------------------------------

    async def _connect(self):
        """Bring a given link up, again and again, then read it."""
        while True:
            try:
                await self._link.open()
                break
            except OSError:
                await sleep_ms(_LINK_RETRY)
            except MemoryError:
                await self._short()
            except Exception as error:
                self._raised(error)
                await sleep_ms(_LINK_RETRY)
        self._up.set()
        await self._read(self._link)

    async def _read(self, link, leisure=None):
        burst = 0
        while True:
            try:
                octets, peer = await link.receive()
                try:
                    octets = bytes(octets)  # its events may wait until the next one comes
                except MemoryError:
                    self.endpoint.stats["failed"] += 1
                    raise
                self.endpoint.receive(octets, peer, now(), leisure)
                self.flush()
                burst += 1
                if burst == _BURST:
                    burst = 0
                    await sleep_ms(0)
            except MemoryError:
                # The datagram is lost, as on a network.
                await self._short()
            except Exception as error:
                self._raised(error)
                await sleep_ms(_LINK_RETRY)

    async def _tick(self):
        while self._open:  # wait_for of CPython 3.11 may forget that it was cancelled
            try:
                tick = now()
                self.endpoint.poll(tick)
                self._flush()
                self._sweep()
                self._kick.clear()
                deadline = self._armed = self.endpoint.next_deadline()
                if self._unsent is not None:
                    wait = _SEND_RETRY
                elif deadline is None:
                    wait = _BEAT
                else:
                    wait = min(_BEAT, max(0, ticks_diff(deadline, now())))
                await wait_for_ms(self._kick.wait(), wait)
            except asyncio.TimeoutError:  # noqa: UP041
                pass
            except MemoryError:
                await self._short()
            except Exception as error:
                self._raised(error)
                await sleep_ms(_LINK_RETRY)

    async def _short(self):
        """There is no memory; the application may give some back."""
        self.stats["no_memory"] += 1
        drop_half_modules()
        gc.collect()
        await sleep_ms(_NO_MEMORY)

    def _raised(self, error):
        from .errors import tell

        self.stats["raised"] += 1
        tell(error)

    def flush(self) -> None:
        """Do what follows each call of the endpoint. Raise nothing: the timer task goes on where memory ended."""
        try:
            self._flush()
        except MemoryError:
            drop_half_modules()
            self._kick.set()

    def _flush(self):
        """Hand on events to who waits for them, then datagrams to their links, those that an event had sent too."""
        if self._owed is not None:
            self._pay()
        while not self._handing:  # else who was handed an event calls this
            if self._event is None:
                self._event = self.endpoint.next_event()
                self._tried = False
            if self._event is None:
                break
            self._handing = True
            try:
                self._hand(self._event)
                self._event = None
            finally:
                self._handing = False
        self._send()
        deadline = self.endpoint.next_deadline()
        # A later one is found when the timer wakes up. Each kick costs a task, and MicroPython keeps tasks that were
        # cancelled for a while: with one for each block, a transfer of a megabyte would take the heap.
        if self._unsent is not None or earliest(deadline, self._armed) != self._armed:
            self._kick.set()

    def _send(self):
        while self._open:
            item = self._unsent or self.endpoint.outgoing()
            if item is None:
                break
            self._unsent = None
            try:
                link = self._link or self._socket(":" in item[1][0])
                if not link.send(*item):
                    tick = now()
                    if self._late is None:
                        self._late = tick
                    if self._link is not None or 0 <= ticks_diff(tick, self._late) < _STUCK:
                        self._unsent = item
                        break
                    self.stats["unsent"] += 1  # what is behind it may be for the other socket
                self._late = None
            except Exception as error:
                self.stats["unsent"] += 1  # lost like any datagram: CoAP sends a CON again
                if not isinstance(error, (OSError, MemoryError)):
                    self._raised(error)

    def _hand(self, event):
        """Hand an event to who waits for it. Where there is no memory for that, raise MemoryError once, so that it is
        handed on later; all else that may be raised is told, for the events behind it are for others."""
        kind, subject, message = event
        request = kind == REQUEST or kind == PIECE and message is not None
        try:
            if request:
                self._serve(subject, message)
            elif subject.tag is not None:
                subject.tag(kind, subject, message)
        except Exception as error:
            if isinstance(error, MemoryError) and not self._tried:
                self._tried = True
                raise
            if request:
                self._owed = subject
                self._kick.set()
            self._raised(error)
