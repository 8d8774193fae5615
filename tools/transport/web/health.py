# SPDX-License-Identifier: MIT
"""What whoever watches over a program asks it: `/healthz`, whether it lives, and `/readyz`, whether to send it more.

Both are for anybody who calls it by its name, cost a few lines of Python, and say nothing of what it holds.
"""

from aiohttp import web

from tools.transport.web.problems import problem

AGAIN = 1  # s, after which whoever asks may ask again
_NEVER_KEPT = {"Cache-Control": "no-store"}


class Health:
    """`why_not()`: a sentence on why it should be sent nothing now, None where it serves."""

    def __init__(self, why_not):
        self._why_not = why_not

    def add_to(self, app):
        """Adds the routes; gives the handlers, which need no token."""
        app.router.add_get("/healthz", self._lives)
        app.router.add_get("/readyz", self._serves)
        return {self._lives, self._serves}

    async def _lives(self, request):
        """The loop has come to this answer, which is what there is to say."""
        return web.json_response({"status": "ok"}, headers=_NEVER_KEPT)

    async def _serves(self, request):
        reason = self._why_not()
        if reason is None:
            return web.json_response({"status": "ready"}, headers=_NEVER_KEPT)
        return problem(503, reason, headers=_NEVER_KEPT | {"Retry-After": str(AGAIN)})
