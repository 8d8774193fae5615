# SPDX-License-Identifier: MIT
"""Device triggering: the device says with its registration how it is woken (TS 24.538 clause 6.3.1.1.1 i), and does
what a trigger asks for (TS 23.554 clause 8.9.3). Loaded where the configuration has `triggers`, or with the first one.

Nobody vouches for a trigger. So all that it can make the device do is to ask its server, which it trusts, and to tell
the application, each once in a while.
"""

from coap.compat import const, printable

from .. import events
from ..rules.requests import Source
from ..timing import Countdown
from ..wire.bodies import Body
from ..wire.identifiers import BodyError

LONGEST = const(140)  # octets of a trigger: what a short message holds
_PAUSE = const(30000)  # ms in which the same is not done again
# What a trigger may ask for, and what is done then: a method of this class.
_PURPOSES = {
    "receive": "_register",
    "register": "_register",
    "configure": "_configure",
    "contact": "_contact",
}


class Triggers(Source):
    """What wakes a Client."""

    def __init__(self, client):
        self._client = client
        self._pauses = {}  # by what was done: Countdown to when it may be done again
        client.stats["triggered"] = 0  # triggers that something was done for
        client.stats["triggers_ignored"] = 0  # which were none, or came too soon after another
        if client.config.triggers is not None:
            client.procedure("registration").announcing += (self,)

    def profile(self):
        """Return the pairs of cliProfile that a registration says."""
        config = self._client.config
        port = {"portNum": config.triggers["port"], "Protocol": "OTHER"}
        return (("triInfo", (("ueId", config.ue_id), ("cliPorts", [port]))),)

    def triggered(self, octets, now):
        """Do what the trigger in `octets` asks for; return whether that was anything."""
        client = self._client
        done = False
        try:
            done = not client.registration.stopping and self._act(octets, now)
        except BodyError:
            pass
        client.stats["triggered" if done else "triggers_ignored"] += 1
        return done

    def _act(self, octets, now):
        if len(octets) > LONGEST:
            return False
        body = Body.read(octets)
        method = _PURPOSES.get(body.text("purpose"))
        if method is None or body.text("msgIden") != self._client.config.service_identifier:
            return False
        addr = body.text("addr", None)
        if addr is not None and (not addr or printable(addr) != addr):
            return False
        pause = self._pauses.get(method)
        if pause is not None and pause.left(now) > 0:
            return False
        pause = Countdown(_PAUSE, now)
        if not getattr(self, method)(addr, now):
            return False
        self._pauses[method] = pause
        return True

    def _register(self, _, now):
        client = self._client
        for source in client.sources:
            if source is not None:
                source.on_peer_alive()  # somebody wants us: what silence put off is tried again
        if not client.registration.busy:
            client.registration.renew(now)
        return True

    def _configure(self, _, now):
        if self._client.config.ue_id is None:
            return False
        self._client.procedure("configuration").fetch(now)
        return True

    def _contact(self, addr, now):
        self._client.events.append((events.TRIGGER, addr))
        return True

    def poll(self, now):
        for name in list(self._pauses):
            pause = self._pauses[name]
            pause.advance(now)
            if pause.left(now) <= 0 or self._client.registration.stopping:
                del self._pauses[name]


def start(client):
    """Return the Triggers of a Client."""
    return Triggers(client)
