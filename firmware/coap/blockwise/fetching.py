# SPDX-License-Identifier: MIT
"""Responses that come in blocks: Block2 of RFC 7959 sections 2.4 and 2.7, the client's side; and those that go into a
file as they come. Imported when the first of them comes or is asked for.
"""

from .. import numbers
from ..compat import const
from ..exchange import RESPONSE
from ..message import MessageError
from .bodies import add, joined
from .option import block, fits, octets, without

_RESTARTS = const(3)  # how often a GET begins again because the resource has changed on the way


class Fetch:
    """The body of a response, on its way to us: collected, or written to `into`.

    `length` is how many octets came, from where the request asked for. `observed` is (the Observe option of the first
    block, its token, its binding), None before it came.
    """

    source = None  # of a body of ours, which this is not: see Upload

    def __init__(self, message, into=None, cut=None):
        self.into = into
        self._cut = cut  # uploading.cut, where the request went out in one
        self.length = 0
        self.observed = None
        # where the request begins, and where the block begins that is asked for
        self._start = 0
        if message is not None and message.option(numbers.BLOCK2) is not None:
            self._start = block(message, numbers.BLOCK2)[0]
        self._asked = self._start
        self._pieces = []
        self._etag = None
        self._restarts = 0
        self.failure = None  # why it ended, where it was not whole
        self._torn = False  # whether a write to `into` has failed, or is under way

    def go_on(self, endpoint, exchange, response):
        """Take a response: return None where the next block is asked for, else the kind of event that ends the
        exchange. Raise where it can't go on, and MemoryError: then the same response may come again."""
        code = response.code
        asked = self._asked
        into = self.into
        if code == numbers.VALID:
            return RESPONSE
        blocks = response.option(numbers.BLOCK2) is not None
        if not numbers.is_success(code) and (into is not None or asked != self._start or not blocks):
            # an error is no part of the body
            body = None
            if code == numbers.REQUEST_ENTITY_TOO_LARGE and self._cut:
                body = self._cut(endpoint, exchange, response, into)
            return body.go_on(endpoint, exchange, response) if body else RESPONSE
        if blocks:
            return self._take_block(endpoint, exchange, response)
        if asked and (into is not None or self._start):
            raise MessageError("the response is not the block that was asked for")
        if not asked:
            self._end(response, len(response.payload))
        return RESPONSE  # the whole, in one

    def _take_block(self, endpoint, exchange, response):
        start, more, exponent = block(response, numbers.BLOCK2)
        etag = response.option(numbers.ETAG)
        observed = self.observed
        if self._asked == self._start:  # the first
            # It has Observe where the peer will notify, which it does by the first request: section 2.6
            observed = observed or (response.option(numbers.OBSERVE), exchange.token, exchange.binding)
        elif etag != self._etag:
            return self._restart(endpoint, exchange, min(exponent, 6))
        end = start + len(response.payload)
        if start != self._asked:
            raise MessageError("the response is not the block that was asked for")
        if start or more:
            if not fits(response, more, exponent):
                raise MessageError("Block2 of a response does not say the length of its payload")
            if (
                self.into is None
                and max(end, response.uint(numbers.SIZE2, 0)) - self._start > endpoint.max_body
            ):
                raise MessageError("the response has more octets than max_body, %d" % endpoint.max_body)
        length = end - self._start
        if not more:
            self._end(response, length)
            if observed[0] is not None and response.option(numbers.OBSERVE) is None:
                response.options.append((numbers.OBSERVE, observed[0]))
            return RESPONSE
        self._take(response.payload, length)
        self._ask(endpoint, exchange, endpoint.request_of(exchange), end, exponent)
        self.observed = observed
        self._etag = etag
        self._asked = end
        return None

    def _end(self, response, length):
        """Make the whole body the payload of its last response, where it does not go elsewhere."""
        if self.into is not None:
            self._take(response.payload, length)
            response.payload = b""
        elif self._pieces:
            response.payload = joined(self._pieces, response.payload)
        self.length = length

    def _ask(self, endpoint, exchange, request, start, exponent):
        """Ask for the block that begins at `start`, by a request like the last one."""
        # The same options but Block1, and no payload: section 2.7. Observe is for the first: section 2.6.
        request.payload = b""
        request.options = without(
            request.options,
            numbers.BLOCK1,
            numbers.BLOCK2,
            numbers.OBSERVE,
            numbers.ECHO,
            numbers.SIZE1,
            numbers.SIZE2,
        )
        request.options.append((numbers.BLOCK2, octets(start, False, exponent)))
        endpoint.ask_again(exchange, request, self)

    def _restart(self, endpoint, exchange, exponent):
        """Begin again: what came before this block is of another representation (section 2.4)."""
        request = endpoint.request_of(exchange)
        if self.into is not None or self._start or request.code != numbers.GET or self._restarts >= _RESTARTS:
            raise MessageError("the body has changed on the way")
        pieces = []
        self._ask(endpoint, exchange, request, 0, exponent)
        self._pieces = pieces
        self._asked = self.length = 0
        self._restarts += 1

    def _take(self, payload, length):
        """Add a part of the body, which is `length` octets long then. Where it was added before, and there was no
        memory for what came next, nothing happens."""
        into = self.into
        if length == self.length:
            return
        if into is None:
            add(self._pieces, payload)
            self.length = length
            return
        if self._torn:
            raise OSError("into: a write failed, so the body has a hole")
        self._torn = True
        while payload:
            written = into.write(payload)
            if written is None or written >= len(payload):
                break
            if not written:
                raise OSError("into: write() takes nothing more")
            payload = payload[written:]
        self.length = length
        self._torn = False
