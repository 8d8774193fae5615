# SPDX-License-Identifier: MIT
"""Bodies that come in blocks (RFC 7959), bounded for each peer and in all; in the place of aiocoap's own tables, which
keep whatever anybody begins for 93 s."""

import time

from aiocoap import error
from aiocoap.blockwise import Block2Cache, ContinueException, IncompleteException, _extract_block_key
from aiocoap.numbers import codes
from aiocoap.numbers.constants import TransportTuning

MAX_EACH, MAX_BODIES, MAX_OCTETS = 8, 1024, 64 << 20  # bodies of one peer and of all, octets of all


class Shelf:
    """Things in progress by key, each of a peer. A peer that begins one too many loses its oldest; where all together
    are too many, the peer that has the most octets does. What nobody touches for `lifetime` s goes."""

    def __init__(
        self, each=MAX_EACH, max_items=MAX_BODIES, octets=MAX_OCTETS, lifetime=None, clock=time.monotonic
    ):
        self._each, self._max_items, self._octets = each, max_items, octets
        self._lifetime = lifetime or TransportTuning().MAX_TRANSMIT_WAIT
        self._clock = clock
        self._items = {}  # key: [peer, thing, octets, when it was touched], the longest untouched first
        self._of = {}  # peer: [its keys, the longest untouched first, as a dict; octets]
        self.octets = 0
        self.dropped = 0

    def __len__(self):
        return len(self._items)

    @property
    def counts(self):
        """For people."""
        return {"open": len(self._items), "octets": self.octets, "dropped": self.dropped}

    def get(self, key):
        """The thing, or None."""
        self._age()
        item = self._items.get(key)
        return item and item[1]

    def put(self, key, peer, thing, octets):
        """Keeps it, under its new size."""
        self.pop(key)
        self._age()
        self._items[key] = [peer, thing, octets, self._clock()]
        of = self._of.setdefault(peer, [{}, 0])
        of[0][key] = None
        of[1] += octets
        self.octets += octets
        while len(of[0]) > self._each:
            self._drop(next(iter(of[0])))
        while len(self._items) > self._max_items or self.octets > self._octets:
            largest = max(self._of.values(), key=lambda one: one[1])
            self._drop(next(iter(largest[0])))

    def _drop(self, key):
        self.dropped += 1
        self.pop(key)

    def pop(self, key):
        item = self._items.pop(key, None)
        if item is None:
            return
        of = self._of[item[0]]
        del of[0][key]
        of[1] -= item[2]
        self.octets -= item[2]
        if not of[0]:
            del self._of[item[0]]

    def _age(self):
        while self._items:
            key, item = next(iter(self._items.items()))
            if self._clock() - item[3] < self._lifetime:
                return
            self._drop(key)


class TooLarge(error.RequestEntityTooLarge):
    """4.13 with Size1, the largest body that is taken (RFC 7959 section 2.9.3)."""

    def __init__(self, limit):
        super().__init__()
        self._limit = limit

    def to_message(self):
        message = super().to_message()
        message.opt.size1 = self._limit
        return message


class TooMany(error.ConstructionRenderableError):
    """4.29 of RFC 8516."""

    code = codes.TOO_MANY_REQUESTS

    def to_message(self):
        message = super().to_message()
        message.opt.max_age = 1
        return message


class Bodies:
    """aiocoap's Block1Spool. `peer_of(request)` says whose a request is, `limit(request)` how large its body may be."""

    def __init__(self, peer_of, limit, shelf):
        self._peer_of = peer_of
        self._limit = limit
        self.shelf = shelf

    def feed_and_take(self, request):
        """The request with its whole body once that is there. Raises ContinueException for each block but the last,
        IncompleteException (4.08) for one that is not the next, TooLarge, BadRequest."""
        block = request.opt.block1
        if block is None:
            return request
        key = _extract_block_key(request)
        limit = self._limit(request)
        if block.size_exponent > 6 or not block.is_valid_for_payload_size(len(request.payload)):
            raise error.BadRequest("the payload has not the size that Block1 says")
        body = bytearray() if block.block_number == 0 else self.shelf.get(key)
        if body is None or block.start != len(body):
            raise IncompleteException
        if len(body) + len(request.payload) > limit:
            self.shelf.pop(key)
            raise TooLarge(limit)
        body += request.payload
        if block.more:
            self.shelf.put(key, self._peer_of(request), body, len(body))
            raise ContinueException(block)
        self.shelf.pop(key)
        request.payload = bytes(body)
        return request


class Answers(Block2Cache):
    """Answers that are fetched in blocks: few of one peer."""

    def __init__(self, peer_of, shelf):
        super().__init__()
        self._peer_of = peer_of
        self._shelf = shelf
        self._completes = self
        self._peer = None

    async def extract_or_insert(self, request, builder):
        whole = None
        if (
            request.opt.block2 is None
        ):  # aiocoap would make a key of all its options, for which few have a use
            whole = await builder()
            if len(whole.payload) <= request.remote.maximum_payload_size:
                return whole

        async def build():
            answer = whole or await builder()
            self._peer = self._peer_of(request)  # nothing comes between this and __setitem__
            return answer

        block = request.opt.block2
        if block is not None and block.block_number and request.code is codes.GET:
            answer = await self._made_again(_extract_block_key(request), build)
            if answer is not None:
                return answer
        return await super().extract_or_insert(request, build)

    async def _made_again(self, key, build):
        """A further block of what another node has begun to tell, or this one before its restart: the ETag says whether
        it is the same. The answer where it is another one, as an error is; None where the block is to be cut from what
        is kept, or there is none."""
        if self._shelf.get(key) is not None:
            return None
        answer = await build()
        if not answer.code.is_successful():
            return answer
        if answer.opt.etag is not None and answer.payload:
            self[key] = answer
        return None

    def __setitem__(self, key, answer):
        self._shelf.put(key, self._peer, answer, len(answer.payload))

    def __getitem__(self, key):
        answer = self._shelf.get(key)
        if answer is None:
            raise KeyError(key)
        return answer
