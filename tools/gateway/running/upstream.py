# SPDX-License-Identifier: MIT
"""What a Gateway UE asks its server for its devices: bounded in all and for each of them, with one second try where
the server has forgotten the gateway itself."""

import asyncio
from collections import Counter

from tools.gateway.running.membership import JOINED, LOST, REFUSED, Membership
from tools.server.flood import Flood
from tools.transport.coap import Unanswered
from tools.wire.answers import Answer

ALL, EACH = 64, 4  # requests that wait for an answer at once: in all, of one device
BACK = "answers"
_EVENTS = {
    JOINED: "upstream-registered",
    LOST: "upstream-lost",
    BACK: "upstream-back",
    REFUSED: "upstream-refused",
}
_TOLD, _BURST = 1, 10  # changes of the state that are told: a second, and how many seconds' worth at once
BUSY = 2  # s, after which a device may come again


class Upstream:
    """`send(request)` brings one Request to the server: its Answer, or Unanswered. `emit` tells how it goes;
    `joined()` is called whenever the gateway has registered."""

    def __init__(self, send, membership: Membership, clock, emit, joined):
        self._send = send
        self.membership = membership
        self._clock = clock
        self._emit = emit
        self._joined = joined
        self._open: Counter = Counter()  # by whom they are
        self._waking = asyncio.Event()
        self._joining = None  # a future, while the REG is on its way
        self._flood = Flood(_TOLD, burst=_BURST)
        self._told, self._cause = None, ""  # the last state that was told

    @property
    def state(self):
        """For people and programs."""
        state, cause = self.membership.state, self.membership.cause
        if self._told == LOST:
            state, cause = LOST, self._cause
        return {"ue": self.membership.ue, "state": state, "cause": cause, "open": self._open.total()}

    async def ask(self, request, who):
        """The server's Answer to a request of `who`: whatever stands for a device, None for the gateway itself. Raises
        Unanswered: nobody knows then whether the server has taken it."""
        if self._open.total() >= ALL or (who is not None and self._open[who] >= EACH):
            return Answer("5.03", None, "too many requests wait for the server", max_age=BUSY)
        self._open[who] += 1
        try:
            answer = await self._asked(request)
            if answer.code == "4.01" and await self.join_again():
                answer = await self._asked(request)
            return answer
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]

    async def _asked(self, request):
        try:
            answer = await self._send(request)
        except Unanswered as silence:
            self._tell(LOST, silence.answer.diagnostic)
            raise
        if self._told == LOST:
            self._tell(BACK, "")
            if self.membership.state == LOST:
                self._waking.set()  # it is back: no use in waiting for the next try
        return answer

    def _tell(self, state, cause):
        if state != self._told:
            self._told, self._cause = state, cause
            fields = {"cause": cause} if cause else {}
            if self._flood.allows(None, self._clock()):  # a server that answers now and then fills no disk
                self._emit(_EVENTS[state], ue=self.membership.ue, **fields)

    # ---- the gateway's own registration ------------------------------------------------------------------------------

    async def keep(self):
        """Registers the gateway, and keeps that up, for ever."""
        while True:
            try:
                async with asyncio.timeout(self.membership.due(self._clock())):
                    await self._waking.wait()
            except TimeoutError:
                pass
            if self._waking.is_set() or not self.membership.due(self._clock()):
                await self._join()
                self._waking.clear()  # also where this answer was the sign of life

    async def _join(self):
        if self._joining is not None:
            return await asyncio.shield(self._joining)
        self._joining = asyncio.get_running_loop().create_future()
        done = False
        try:
            try:
                answer = await self._asked(self.membership.request(self._clock()))
            except Unanswered:
                answer = None
            done = self.membership.answered(answer, self._clock())
            self._tell(self.membership.state, self.membership.cause)
            if done:
                self._joined()
            return done
        finally:
            joining, self._joining = self._joining, None
            joining.set_result(done)

    async def join_again(self):
        """After a 4.01: whether the gateway is registered anew, so that asking again is of use."""
        if self._joining is None and not self.membership.doubted(self._clock()):
            return False
        return await self._join()
