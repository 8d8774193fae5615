# SPDX-License-Identifier: MIT
"""A second response to a request that was answered long ago, perhaps by a program that has ended since: a separate
response of its own, Confirmable, with the request's Token (RFC 7252 section 5.2.2).

Protected by OSCORE it is bound to that request, and has a sequence number of the gateway's own: the nonce of the
request went into the first response (RFC 8613 sections 5.2 and 8.3).
"""

import asyncio
import json

import aiocoap
from aiocoap import oscore
from aiocoap.transports.oscore import OSCOREAddress
from aiocoap.util import hostportjoin

from tools.server.delivery.pushes import DONE, LATER, REFUSED, Outcome


def back_of(message):
    """Text by which `Late.respond` answers aiocoap's request once more."""
    bound = getattr(message.remote, "bound", None)
    if bound is None:  # as JSON: it is made for each request, and hardly ever wanted
        return '{"token": "%s"}' % message.token.hex()
    context = message.remote.security_context
    kept = {"token": message.token.hex()}
    kept |= {"key": context.digest.hex(), "kid": bound.kid.hex(), "number": bound.partial_iv.hex()}
    kept["kid_context"] = None if context.id_context is None else context.id_context.hex()
    kept |= {"observed": bound.code_style is oscore.CodeStyle.FETCH_CONTENT}
    return json.dumps(kept)


class Late:
    """`context`: aiocoap's, whose interfaces tell of acknowledgements (`observers.Acknowledgements`); `known(peer)`:
    aiocoap's remote of a Peer, or None; `guard`: None without OSCORE; `tuning`: of transmission."""

    def __init__(self, context, known, guard, tuning):
        self._context = context
        self._known = known
        self._guard = guard
        self._tuning = tuning

    async def respond(self, peer, back, message):
        """Sends aiocoap's response to the request that `back` is of; the Outcome."""
        kept = json.loads(back)
        remote = await self._remote(peer)
        if "key" in kept:
            context = self._guard and self._guard.context_of_kid(
                *map(_octets, (kept["kid"], kept["kid_context"]))
            )
            if context is None or context.digest.hex() != kept["key"]:
                return Outcome(REFUSED, "the key of its request is void")
            message = self._protected(context, kept, message)
        elif self._guard:
            return Outcome(REFUSED, "its request was not protected")
        message.remote, message.token = remote, _octets(kept["token"])
        return await self._send(message)

    @staticmethod
    def _protected(context, kept, message):
        code = aiocoap.FETCH if kept["observed"] else aiocoap.POST
        identifiers = oscore.RequestIdentifiers(_octets(kept["kid"]), _octets(kept["number"]), False, code)
        return context.protect(message, identifiers)[0]

    async def _remote(self, peer):
        known = self._known(peer)
        if isinstance(known, OSCOREAddress):
            known = known.underlying_address
        if known is not None:
            return known.as_response_address()
        to = aiocoap.Message(code=aiocoap.GET)
        to.set_request_uri("coap://" + hostportjoin(peer.host, peer.port))
        await self._context.find_remote_and_interface(to)
        return to.remote

    async def _send(self, message):
        manager = self._manager(message.remote)
        if manager is None:
            return Outcome(LATER, "nothing leads there", answered=False)
        taken = message.acknowledged = asyncio.get_running_loop().create_future()
        reset = asyncio.get_running_loop().create_future()
        manager.send_message(message, lambda: reset.done() or reset.set_result(True))
        try:
            await asyncio.wait(
                [taken, reset],
                timeout=self._tuning.MAX_TRANSMIT_WAIT + 1,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if taken.done():
                return Outcome(DONE, "acknowledged")
            return Outcome(LATER, "RST") if reset.done() else Outcome(LATER, "no answer", answered=False)
        finally:
            taken.cancel()
            reset.cancel()

    def _manager(self, remote):
        """aiocoap's MessageManager that this remote belongs to."""
        for interface in self._context.request_interfaces:
            manager = getattr(interface, "token_interface", None)
            if manager is not None and manager.message_interface is remote.interface:
                return manager
        return None


def _octets(digits):
    return None if digits is None else bytes.fromhex(digits)
