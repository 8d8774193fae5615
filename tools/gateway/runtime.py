# SPDX-License-Identifier: MIT
"""A running gateway that is both: the Gateway UE, and the MSGin5G Server that it stands before, in one process."""

from tools.gateway.applications import is_json_of_application
from tools.gateway.function.function import GatewayFunction
from tools.gateway.running.behind import Behind
from tools.gateway.running.options import AddressInUse, Options, function_settings
from tools.gateway.running.server import ServerProgram

__all__ = ["AddressInUse", "Gateway", "Options"]


class Gateway(Behind, ServerProgram):
    """`async with Gateway(options) as gateway:` runs it; `.coap_port`, `.http_port`, `.events`."""

    gateway_service = True

    def __init__(self, options, events=None, clock=None):
        super().__init__(options, events, clock)
        server = self.server
        settings = function_settings(options)
        self.function = GatewayFunction(
            self.store, settings, self._emit, binding=server.binding, turns=server.turns
        )
        self.decisions = (server, self.function)
        self._set_up(options.settings, server.request)

    def _decide(self, peer, request):
        if request.path == ("msgin5g",) and is_json_of_application(request.payload):
            return self._json.request(peer, request.payload)
        return super()._decide(peer, request)

    def _served(self, peer, request, now):
        answer = self.function.request(peer, request, now)
        if answer is None:
            answer = super()._served(peer, request, now)
            self.function.forwarded(peer, request, answer, now)
        return answer
