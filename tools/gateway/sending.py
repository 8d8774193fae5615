# SPDX-License-Identifier: MIT
"""Brings a Push to its recipient, by CoAP, HTTP or MSGin5G-5, and returns the Outcome. No exception leaves it."""

import math
import time

from tools.gateway import applications
from tools.server.delivery.pushes import BROKEN, DONE, LATER, REFUSED, Outcome
from tools.server.isolation import reason_of
from tools.store.faults import store_failed
from tools.transport.departure import datagram
from tools.wire import aggregates, bodies
from tools.wire.answers import Refusal


def _to(push):
    """Who it is for, in one of a few words."""
    if applications.is_peer(push.where):
        return "application"
    if push.via is not None:
        return "gateway"
    if push.octets is not None:
        return "trigger port"
    if push.method:
        return "network"
    return push.target.type if push.way is None else "elsewhere"


class Sender:
    """`await event(function, *arguments)` gives a decision's result; `emit_error(kind, error, to=...)` tells an
    exception."""

    def __init__(self, program, event, emit_error):
        self._program = program
        self._event = event
        self._emit_error = emit_error
        self._applications = self._json = None
        self._l3 = {}

    def set_behind(self, applications_, event, json, bridges):
        """For a program with applications behind it: `event` as in ApplicationJson; `bridges`, by identifier: the
        L3Line."""
        self._applications, self._json, self._l3 = applications_, json, bridges
        self._applications_event = event

    async def send(self, push):
        self._tell(self._program.sent.sent, push)
        began = time.monotonic()
        outcome = await self._sent(push)
        self._program.tallies.delivered(_to(push), outcome.verdict, time.monotonic() - began)
        self._tell(self._program.sent.answered, push, outcome)
        return outcome

    def _tell(self, hear, *arguments):
        """What is made for people of what goes out changes nothing of it."""
        try:
            hear(*arguments)
        except Exception as error:
            self._emit_error("page", error)

    async def _sent(self, push):
        try:
            if applications.is_peer(push.where):
                outcome = await self.to_application(push.where, push.body)
            elif push.via is not None:  # a gateway, which observes nothing in the place of its UE
                outcome = (await self._program.coap.exchange(push.where, push.body, push.via))[0]
            elif push.octets is not None:
                outcome = datagram.send(push.where, push.octets)
            elif push.back:
                outcome = await self._program.coap.respond(push.where, push.back, push.answer)
            elif push.target.type == "UE" and push.way is None:
                outcome = await self._program.coap.push(
                    push.where, push.body, push.target.id, **self._means(push)
                )
            else:
                heard, token = push.way is not None or bool(push.method), push.way and push.way.token
                outcome = await self._program.http.post(
                    push.where, push.body, heard, token, push.method or "POST"
                )
        except Exception as error:  # a bug, or a library's: the recipient must not stay blocked by it
            passing = store_failed(error) or isinstance(error, OSError | TimeoutError)
            if isinstance(error, Refusal):  # told already
                passing = error.answer.code == "5.03"
            outcome = Outcome(LATER if passing else BROKEN, reason_of(error), answered=False)
            if not passing and not isinstance(error, Refusal):
                self._emit_error("push", error, to=push.target.id)
        return outcome

    def _means(self, push):
        """How long its recipient listens, where that ends, and whether it takes several at once."""
        means = {"beside": True} if push.window > 1 else {}
        if push.until is not None and push.until != math.inf:
            means["seconds"] = push.until - self._program.clock()
        return means

    async def to_application(self, peer, body):
        """A push to the applications of MSGin5G-5 behind one UE; the Outcome: later while one of them must wait.

        MSGin5G-5 has no aggregated messages: each is brought as a single one (TS 24.538 clause 6.4.1.1.7). What was
        brought already is not brought again. Where some are refused and others taken, the whole is taken.
        """
        if body["msgType"] != "MSG" or "msgList" not in body:
            return await self._to_application(peer, body)
        came = []
        for head, value in aggregates.singles(body, body["msgList"]):
            one = bodies.msg(head, value)
            came.append((one, await self._to_application(peer, one)))
            if came[-1][1].verdict == LATER:
                return came[-1][1]
        taken = [outcome for _, outcome in came if outcome.verdict == DONE]
        for one, outcome in came if taken else ():
            if outcome.verdict != DONE:
                await self._note(self._applications.refused, peer, one, outcome)
        return taken[0] if taken else came[0][1]

    async def _to_application(self, peer, body):
        what = await self._applications_event(self._applications.pushed, peer, body)
        if not isinstance(what, Outcome):
            outcomes = [await self._brought(application, item, body) for application, item in what]
            what = min(outcomes, key=lambda each: (LATER, DONE, BROKEN, REFUSED).index(each.verdict))
        await self._note(self._applications.ended, peer, body, what)
        return what

    async def _brought(self, application, item, body):
        try:
            outcome = await self._bring(application.identifier, item)
        except Exception as error:  # the other applications behind this UE still get theirs
            self._emit_error("push", error, to=application.identifier)
            outcome = Outcome(BROKEN, reason_of(error), answered=False)
        await self._note(self._applications.brought, application, item, body, outcome)
        return outcome

    async def _note(self, function, *arguments):
        """Records what has happened already. An exception does not change that: the device has taken it."""
        try:
            await self._applications_event(function, *arguments)
        except Refusal:
            pass  # it was told
        except Exception as error:
            self._emit_error("push", error)

    async def _bring(self, identifier, item):
        if identifier in self._l3:
            return await self._l3[identifier].bring(item)
        if identifier.startswith("coap:"):
            return await self._json.bring(identifier, item)
        return Outcome(LATER, "%s is not one of --serial" % identifier, answered=False)
