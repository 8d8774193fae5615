# SPDX-License-Identifier: MIT
"""Pushes of one originator to one Application Server, one behind the other: the next one leaves as soon as the one
before was answered for good, while what came of that is brought to the disk. In order all the same; where a cut comes
in between, those that the Application Server knows already come again, in order, by their `msgId`s.
"""

import asyncio

from tools.server.delivery.pushes import DONE, REFUSED, UNSENT, Outcome
from tools.store.faults import DATABASE_ERRORS

AHEAD = 2  # that are ready behind the one which is on its way: an outcome may take as long as two answers


class Runs:
    """`await send(push)` gives its Outcome; `may_go(push)` says whether one that was behind another is still to be
    sent."""

    def __init__(self, send, may_go):
        self._send = send
        self._may_go = may_go
        self._goes_on = {}  # number of a Push whose outcome is not recorded: a future, whether the one behind it goes

    def begun(self, push):
        """A context, from the round of work that gave the Push to the record of its outcome."""
        return _Turn(self, push)


class _Turn:
    def __init__(self, of, push):
        self._of, self._push = of, push

    def __enter__(self):
        of, push = self._of, self._push
        self._before = of._goes_on.get(push.behind)
        self._sent = of._goes_on[push.number] = asyncio.get_running_loop().create_future()
        return self

    def __exit__(self, *exception):
        del self._of._goes_on[self._push.number]
        self._sent.cancel()

    async def send(self):
        """The Outcome of this Push, once it was its turn."""
        goes_on = False
        try:
            if self._push.behind and not await self._is_next():
                return Outcome(UNSENT)
            outcome = await self._of._send(self._push)
            goes_on = outcome.verdict in (DONE, REFUSED)
            return outcome
        finally:
            self._sent.set_result(goes_on)

    async def _is_next(self):
        if self._before is None:
            return False
        await asyncio.wait([self._before])  # which is another one's, and not cancelled with this
        if self._before.cancelled() or not self._before.result():
            return False
        try:
            return self._of._may_go(self._push)
        except DATABASE_ERRORS:  # it cannot be read now: it has its turn later
            return False
