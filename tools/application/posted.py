# SPDX-License-Identifier: MIT
"""Where the MSGin5G Server posts to: each message once, and none that nobody has taken is answered as if it were."""

import asyncio
import collections
import hmac
import logging
import secrets

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from tools.application.values import Report
from tools.wire.bodies import Malformed, parse

LARGEST = 1 << 22  # octets of a body
PATIENCE = 20  # s that a message waits to be taken until the server is asked to bring it again
WAITING = 256  # messages at most, each in memory
ENDING = 5  # s for the answers, and the reports, of what was taken
_PATH = "/in"
_LOG = logging.getLogger(__name__)
# What is no HTTP is a mistake of who sent it, and the answer says so.
_LOG.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError)))
KNOWN = 4096  # messages that are known again, and reports


class Posted:
    """Messages wait in it to be taken. `report(message)` is a coroutine that reports one that wants it, or None;
    `hear(report)` is told each Report; where it raises OSError, that comes again. `path` ends in a key that is hard to
    guess: who knows it could make messages up. It stands in the query, which a server does not show of a URI."""

    def __init__(self, report, hear, make, paths=None):
        """`make(body)` gives a Message. `paths`: where it is posted to, for who may not choose and has no key there."""
        self._key = secrets.token_urlsafe(16)
        self.path = _PATH + "?key=" + self._key
        self._paths = paths
        self.repeated = 0
        self._report = report
        self._hear = hear
        self._make = make
        self._waiting = asyncio.Queue()
        self._places = {}  # of what is not taken: key to (Message, future that is done when it is)
        self._busy = set()  # keys of those that a loop has
        self._taken = collections.OrderedDict()  # keys, the oldest first
        self._heard = collections.OrderedDict()  # Reports, the oldest first
        self._runner = None

    async def listen(self, host, port):
        """Its port. Raises OSError."""
        app = web.Application(client_max_size=LARGEST)
        for path in self._paths or (_PATH,):
            app.router.add_post(path, self._posted)
        self._runner = web.AppRunner(app, access_log=None, logger=_LOG, shutdown_timeout=ENDING)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        return self._runner.addresses[0][1]

    def give_back(self):
        """What was not answered for yet, the server brings again."""
        for _, taken in self._places.values():
            taken.cancel()
        self._places.clear()
        self._busy.clear()
        while not self._waiting.empty():
            self._waiting.get_nowait()

    async def close(self):
        """What was taken is answered yet."""
        for key in list(self._busy):
            self._take(key, self._places.get(key))
        self.give_back()
        if self._runner is not None:
            await self._runner.cleanup()

    async def each(self):
        """The Messages, one by one. Each is answered for when the next one is asked for, or the loop is left: what a
        program was busy with when it died comes again."""
        while True:
            key = await self._waiting.get()
            place = self._places[key]
            self._busy.add(key)
            try:
                yield place[0]
            finally:
                self._take(key, place)

    def _take(self, key, place):
        """Not where it was given back: a loop that an error has ended is closed at any time after that, and the same
        message may have come again."""
        if place is None or self._places.get(key) is not place:
            return
        self._busy.discard(key)
        del self._places[key]
        _remember(self._taken, key)
        place[1].set_result(None)

    async def _posted(self, request):
        given = request.query.get("key", "").encode(errors="replace")
        if self._paths is None and not hmac.compare_digest(given, self._key.encode()):
            return web.Response(status=403, text="another key")
        try:
            body = parse(await request.read())
            report = Report.of(body) if "delivSt" in body else None  # which only a DeliveryStatusReport has
            message = self._make(body) if report is None else None
        except (Malformed, KeyError, TypeError, ValueError):
            return web.Response(status=400, text="neither a UEMessageDelivery nor a DeliveryStatusReport")
        if report is not None:
            return self._told(report)
        key = (message.message_id, message.sender, message.to)
        if key in self._taken:
            self.repeated += 1
        elif not await self._is_taken(key, message):
            return _later()
        if self._report is not None and message.wants_report and not await self._report(message):
            return _later()  # it comes again, and the report with it
        return web.Response(status=204)

    def _told(self, report):
        if report in self._heard:
            self.repeated += 1
            return web.Response(status=204)
        try:
            self._hear(report)
        except OSError:  # it could not be kept
            return _later()
        _remember(self._heard, report)
        return web.Response(status=204)

    async def _is_taken(self, key, message):
        if key not in self._places:
            if len(self._places) >= WAITING:
                return False
            self._places[key] = (message, asyncio.get_running_loop().create_future())
            self._waiting.put_nowait(key)
        else:
            self.repeated += 1
        _, taken = self._places[key]
        await asyncio.wait((taken,), timeout=PATIENCE)
        return taken.done() and not taken.cancelled()


def _remember(known, key):
    known[key] = None
    if len(known) > KNOWN:
        known.popitem(last=False)


def _later():
    return web.Response(status=503, headers={"Retry-After": "1"})
