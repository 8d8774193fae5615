# SPDX-License-Identifier: MIT
"""A running gateway that is both: the Gateway UE, and the MSGin5G Server that it stands before, in one process."""

from tools.gateway.applications import is_json_of_application
from tools.gateway.running.behind import Behind
from tools.gateway.running.options import AddressInUse, Options
from tools.gateway.running.server import ServerProgram

__all__ = ["AddressInUse", "Gateway", "Options"]


class Gateway(Behind, ServerProgram):
    """`async with Gateway(options) as gateway:` runs it; `.coap_port`, `.http_port`, `.events`."""

    def __init__(self, options, events=None, clock=None):
        super().__init__(options, events, clock)
        self._set_up(options.settings, self.server.request)

    def _decide(self, peer, content_format, octets):
        if is_json_of_application(octets):
            return self._json.request(peer, octets)
        return super()._decide(peer, content_format, octets)
