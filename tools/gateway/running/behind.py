# SPDX-License-Identifier: MIT
"""What a running gateway has behind it: serial lines, and applications on other UEs (MSGin5G-5)."""

import asyncio
import contextlib

from tools.gateway import applications
from tools.gateway.appjson import ApplicationJson
from tools.gateway.applications import Applications
from tools.gateway.l3lines import L3Line
from tools.store.opening import open_file
from tools.transport.lines import Line
from tools.wire import l3
from tools.wire.answers import Refusal


class Behind:
    """For a Running that has `coap` and a `_sender`."""

    def opened(self, where):
        return open_file(where)

    def _open_lines(self):
        options = self.options
        self.lines = [
            Line(name, options.baudrate, options.max_frame, self.events.emit, options.rtscts)
            for name in options.serial
        ]

    def _set_up(self, settings, request):
        """`request`: as Applications has it."""
        self._l3 = {}  # by identifier: the L3Line
        self.applications = Applications(self.store, settings, request, self._emit, self._in_use)
        self._json = ApplicationJson(self.applications, self._application_event, self.coap.exchange)
        self._sender.set_behind(self.applications, self._of_application, self._json, self._l3)

    def open(self):
        super().open()
        for line in self.lines:
            bridge = L3Line(line, self.applications, self._application_event, self.options.ack_timeout)
            self._l3[bridge.identifier] = bridge
            line.start()
        self.task(self._refresh())

    def stopping(self):
        super().stopping()
        for bridge in self._l3.values():
            bridge.stop()

    async def _of_application(self, method, *arguments):
        """The result of an event of Applications."""
        return await self._event(method, *arguments)

    async def _application_event(self, function, *arguments):
        """The same for MSGin5G-5, which says in its own words what went wrong here."""
        try:
            return await self._of_application(function, *arguments)
        except Refusal as refusal:
            raise refused(refusal) from refusal

    def _in_use(self, identifier):
        return identifier in self._l3 and self._l3[identifier].open

    async def _refresh(self):
        while True:
            await asyncio.sleep(self.options.settings.lifetime / 2)
            await self._refreshed()

    async def _refreshed(self):
        with contextlib.suppress(Exception):  # the error was told, and the next try comes soon
            await self._of_application(self.applications.refresh)


def refused(refusal):
    """The RefusedError that says the same."""
    later = refusal.answer.code in ("5.02", "5.03", "5.04")
    return applications.RefusedError(l3.CONGESTION if later else l3.LACK_OF_RESOURCES)
