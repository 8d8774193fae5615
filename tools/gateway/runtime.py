# SPDX-License-Identifier: MIT
"""A running gateway that is both: the Gateway UE, and the MSGin5G Server that it stands before, in one process."""

from tools.gateway.function.asks import Ask
from tools.gateway.function.function import GatewayFunction
from tools.gateway.running.behind import Behind
from tools.gateway.running.options import AddressInUse, Options, function_settings
from tools.gateway.running.server import ServerProgram
from tools.server.procedures.bulk import LISTS
from tools.server.unrecorded import Unrecorded
from tools.wire import bodies
from tools.wire.a3 import is_json_of_application

__all__ = ["AddressInUse", "Gateway", "Options"]


class Gateway(Behind, ServerProgram):
    """`async with Gateway(options) as gateway:` runs it; `.coap_port`, `.http_port`, `.events`.

    The server hears who each request comes from, also of those that the gateway function has held: there is no
    registration of a gateway, and none through one.
    """

    mode = "both"

    def __init__(self, options, events=None, clock=None):
        super().__init__(options, events, clock)
        server = self.server
        settings = function_settings(options)
        self.function = GatewayFunction(
            self.store, settings, self._emit, binding=server.binding, turns=server.turns
        )
        self.decisions += (self.function,)
        self._unnoted = Unrecorded(self._note_outcome, self._later)
        self._unasked = Unrecorded(self._note_answer, self._later)
        self._set_up(options.settings, server.request)

    def stopping(self):
        super().stopping()
        self._unnoted.stop()
        self._unasked.stop()

    # ---- requests of devices -----------------------------------------------------------------------------------------

    def _begin(self, peer, request, respond):
        return not is_json_of_application(request.payload) and super()._begin(peer, request, respond)

    async def _decide(self, peer, request):
        if request.path == ("msgin5g",) and is_json_of_application(request.payload):
            return await self._json.answer(peer, request.payload)
        return await super()._decide(peer, request)

    def _served(self, peer, request, now):
        return self._in_turn(super()._served, peer, request, now)

    def _configured(self, peer, request, now):
        return self._in_turn(super()._configured, peer, request, now)

    def _in_turn(self, serve, peer, request, now):
        """The gateway function first; what it does not answer goes on to the server."""
        answer = self.function.request(peer, request, now)
        if answer is None:
            answer = serve(peer, request, now)
            self.function.forwarded(peer, request, answer, now)
        return answer

    # ---- what the gateway function does by itself --------------------------------------------------------------------

    async def begin(self, decisions, item):
        if decisions is self.server:
            await super().begin(decisions, item)
        elif isinstance(item, Ask):
            answer = await self._answer("ask", item.peers[0], self._event(self._asked, item))
            await self._unasked.add(item, answer)
        else:
            await self._unnoted.add(item, await self._sender.send(item))

    def _asked(self, ask, now):
        request, peers = ask.request, ask.peers
        if request.path != ("msgin5g",):
            return self.server.configuration(peers[0], request, now, peers)
        if LISTS & bodies.parse(request.payload).keys():
            return self.server.bulk(peers, request.payload, now)
        return self.server.request(peers[0], request.content_format, request.payload, now)

    def _note_outcome(self, push, outcome):
        return self.note_down(self.function.outcome, push, outcome)

    def _note_answer(self, ask, answer):
        return self.note_down(self.function.asked, ask, answer)
