# SPDX-License-Identifier: MIT
"""All resources below one path, as one: each request goes as a `Request` to who decides about it, whatever its code,
and its Answer comes back, in blocks where it is large. What is observed (RFC 7641) is asked for again when something
may have changed, and told where it has.
"""

import asyncio
import itertools
from dataclasses import replace

import aiocoap
from aiocoap import resource

from tools.transport.blocks import Answers, TooMany
from tools.transport.requests import request_of, response, unknown_option

_SEQUENCE = 1 << 24
EACH, ALL = 16, 1024  # observations of one peer and of all


class _Observation:
    """`of`: whose it is and of what, None where nobody has proved that."""

    def __init__(self, of):
        self.of = of
        self.changed = asyncio.Event()
        self.about = None  # of its last Answer
        self.over = False  # another one has taken its place

    def end(self):
        self.over = True
        self.changed.set()


class Path(resource.Resource):
    """The resource at `name`. `decide(peer, request)` is a coroutine that gives an Answer."""

    def __init__(self, name, transport, decide):
        super().__init__()
        self.prefix = (name,)
        self._transport = transport
        self._decide = decide
        self._block1 = transport.bodies  # in the place of aiocoap's
        self._block2 = Answers(transport.whose, transport.answers)
        self._watching = {}  # whose share of the room: its _Observations
        self._numbers = itertools.count(1)

    def look(self, names=frozenset()):
        """What has one of these names may have changed, without them anything: who observes hears of it, if it has."""
        for observations in self._watching.values():
            for each in observations:
                if not names or each.about is None or not names.isdisjoint(each.about):
                    each.changed.set()

    async def render(self, request):
        return (await self._ask(request))[1]

    async def _ask(self, message, again=False):
        """(the Answer, aiocoap's Message of it); no Answer where nobody was asked. `again`: it is no new request."""
        objection = unknown_option(message)
        if objection:
            return None, objection
        peer = self._transport.met(message.remote)
        request = replace(request_of(message, self.prefix), again=again)
        answer = await self._decide(peer, request)
        return answer, response(answer)

    async def render_to_pipe(self, pipe):
        request = pipe.request
        block = request.opt.block1
        if block and block.more and not self._transport.allows(request.remote):
            raise TooMany
        if request.opt.observe == 0 and block is None:
            await self._observe(pipe)
        else:
            await super().render_to_pipe(pipe)

    async def _observe(self, pipe):
        """Answers; and again with each change, where that is possible and there is room."""
        whose, observation = self._transport.whose(pipe.request), _Observation(self._observed(pipe.request))
        mine = self._watching.setdefault(whose, set())
        earlier = {each for each in mine if observation.of is not None and each.of == observation.of}
        for each in earlier:
            each.end()
        mine -= earlier
        mine.add(observation)
        try:
            fresh = len(mine) <= EACH and sum(map(len, self._watching.values())) <= ALL
            before = None
            while not observation.over:
                observation.changed.clear()
                answer, message = await self._in_blocks(pipe.request, before is not None)
                if observation.over:
                    break
                observation.about = answer.about if answer else frozenset()
                last = not (fresh and answer and answer.observable and answer.code < "3")
                if not last:
                    message.opt.observe = next(self._numbers) % _SEQUENCE
                if last or self._differs(answer, before):
                    pipe.add_response(message, is_last=last)
                if last:
                    return
                before = answer
                await observation.changed.wait()
            # an end of which nothing goes out
            pipe.add_response(aiocoap.Message(code=aiocoap.CONTENT, no_response=26), is_last=True)
        finally:
            mine.discard(observation)
            if not mine:
                self._watching.pop(whose, None)

    def _observed(self, request):
        """What says that an observation is the same as an earlier one: a device that has restarted, with each window
        perhaps, asks anew with another Token, and would have as many as it had lives. Who has no key may be several."""
        identity = getattr(self._transport.met(request.remote), "identity", None)
        if identity is None:
            return None
        return identity, request.code, request.opt.uri_path, request.opt.uri_query, request.opt.accept

    @staticmethod
    def _differs(answer, before):
        return before is None or (answer.etag, answer.octets, answer.body) != (
            before.etag,
            before.octets,
            before.body,
        )

    async def _in_blocks(self, request, again):
        found = []

        async def build():
            found[:] = await self._ask(request, again)
            return found[1]

        message = await self._block2.extract_or_insert(request, build)
        return (found[0] if found else None), message


class Paths(Path, resource.PathCapable):
    """What is below the segment `name`, in the same way."""
