# SPDX-License-Identifier: MIT
"""A peer of the MSGin5G Server that knows nothing of MSGin5G: aiocoap as it is, and bodies that a test writes."""

import asyncio
import contextlib
import json
import time

import aiocoap
from aiocoap import oscore, resource
from aiocoap.oscore_sitewrapper import OscoreSiteWrapper

from tools.programs.patience import patience

LONG = 20  # s, until a test that waits for something has failed


class _Quick(aiocoap.TransportTuning):
    ACK_TIMEOUT = 0.2
    MAX_RETRANSMIT = 6


class Keys(oscore.CanProtect, oscore.CanUnprotect, oscore.SecurityContextUtils):
    """RFC 8613 with a section `security` of a device's configuration."""

    alg_aead = oscore.AES_CCM_16_64_128()
    hashfun = oscore.hashfunctions["sha256"]
    echo_recovery = None
    id_context = None

    def __init__(self, section):
        self.sender_id = bytes.fromhex(section["sender_id"])
        self.recipient_id = bytes.fromhex(section["recipient_id"])
        self.derive_keys(bytes.fromhex(section["master_salt"]), bytes.fromhex(section["master_secret"]))
        self.sender_sequence_number = time.monotonic_ns() // 1000 % 2**38  # above those of an earlier one
        self.recipient_replay_window = oscore.ReplayWindow(32, lambda: None)
        self.recipient_replay_window.initialize_empty()

    def post_seqnoincrease(self):
        pass

    def get_oscore_context_for(self, unprotected):
        return self if unprotected.get(oscore.COSE_KID) == self.recipient_id else None


async def _hear(observation, told):
    try:
        async for message in observation:
            told.put_nowait(message)
    finally:
        told.put_nowait(None)


class Peer(resource.Resource):
    """`inbox` holds the bodies that it was sent, each answered with `code`."""

    def __init__(self, port, section=None):
        super().__init__()
        self.port, self.section = port, section
        self.code = aiocoap.CHANGED
        self.inbox = asyncio.Queue()
        self._keys = section and Keys(section)

    async def __aenter__(self):
        site = resource.Site()
        site.add_resource(["msgin5g"], self)
        made = aiocoap.Context.create_server_context(
            site, bind=("127.0.0.1", 0), transports=["oscore", "udp6"] if self._keys else ["udp6"]
        )
        self._context = await made
        if self._keys:
            self._context.client_credentials["coap://*"] = self._keys
            self._context.server_credentials[":server"] = self._keys
            self._context.serversite = OscoreSiteWrapper(site, self._context.server_credentials)
        return self

    async def __aexit__(self, *exception):
        self._context.client_credentials.clear()
        self._context.server_credentials.clear()
        await self._context.shutdown()

    async def render_post(self, request):
        if self._keys and not hasattr(request.remote, "security_context"):
            return aiocoap.Message(code=aiocoap.UNAUTHORIZED)  # nobody is heard without the keys
        self.inbox.put_nowait(json.loads(request.payload))
        return aiocoap.Message(code=self.code)

    async def next(self):
        async with patience(LONG):
            return await self.inbox.get()

    async def ask(self, body, path=("msgin5g",), code=aiocoap.POST, **options):
        """The whole response; a body that is larger than a block goes in blocks (RFC 7959)."""
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.request(code, path, payload=payload, content_format=50, **options)

    async def request(self, code, path, **more):
        """The whole response to a request with these options, and perhaps a payload."""
        async with patience(LONG):
            return await self._context.request(self._message(code, path, more)).response

    @contextlib.asynccontextmanager
    async def observing(self, path, **more):
        """(the response to a GET with Observe 0, a queue of the notifications after it, None at the end of them)."""
        asked = self._context.request(self._message(aiocoap.GET, path, {"observe": 0, **more}))
        async with patience(LONG):
            response = await asked.response
        told = asyncio.Queue()
        hearing = asyncio.create_task(_hear(asked.observation, told))
        yield response, told
        hearing.cancel()
        await asyncio.wait([hearing])

    def _message(self, code, path, more):
        message = aiocoap.Message(code=code, **more)
        message.transport_tuning = _Quick()
        message.set_request_uri("coap://127.0.0.1:%d" % self.port, set_uri_host=False)
        message.opt.uri_path = path
        if "uri_query" in more:
            message.opt.uri_query = more["uri_query"]
        return message

    async def code_of(self, body, **more):
        return (await self.ask(body, **more)).code.dotted
