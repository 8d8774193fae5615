# SPDX-License-Identifier: MIT
"""Requests whose body goes out in blocks: Block1 of RFC 7959 sections 2.5 and 2.9, the client's side, with Request-Tag
(RFC 9175 section 3). Imported when the first of them is sent.
"""

from .. import numbers
from ..compat import const
from ..exchange import RESPONSE
from ..message import Message, MessageError, encode, uint_octets
from .option import block, fitting, octets, without
from .parts import parts_of

_NONE = const(7)  # an exponent that no block has (section 2.2): larger than all


def upload(endpoint, message, peer, now, tag, into):
    """Send a request, its body in blocks where one does not hold it; return its Exchange. Raise as Endpoint.request
    does, and what reading the payload raises; then nothing was sent, and the payload stands where it stood if it can
    go back."""
    body = Upload(endpoint, message, into)
    exponent = 6
    if message.option(numbers.BLOCK1) is not None:
        start, _, exponent = block(message, numbers.BLOCK1)
        if start or exponent == _NONE:
            raise ValueError(
                "Block1 of a request says the size of its blocks: the number is 0, the exponent 0 to 6"
            )
    room = endpoint.max_datagram - len(
        encode(body.request(0, exponent, b"", True, body.options), 0, 0, bytes(4))
    )
    try:
        return body.start(endpoint, peer, now, tag, min(exponent, fitting(room - 1)))
    except Exception:
        body.source.rewind()
        raise


def cut(endpoint, exchange, response, into):
    """Return the Upload of a body that went out in one message and was answered by 4.13, which is a hint to try blocks
    (section 2.9.3); None where that would not help."""
    request = endpoint.request_of(exchange)
    size = len(request.payload)
    if size and (
        response.option(numbers.BLOCK1) is not None or 16 < size <= response.uint(numbers.SIZE1, size)
    ):
        return Upload(endpoint, request, into)
    return None


class Upload:
    """A body of ours on its way. `source` gives it, `options` are those of each block.

    A block leaves once the one before it was answered, and no more than that one block is in memory. What is sent
    again is the datagram, so a part is read once.
    """

    observed = None  # of a response in blocks, which this is not: see Fetch

    def __init__(self, endpoint, message, into):
        self.into = into
        self.failure = None  # why it ended, where it was not whole
        self.source = parts_of(message.payload)
        # Each block is answered, so the last one may be, too: No-Response would save nothing here.
        self.options = without(
            message.options, numbers.BLOCK1, numbers.BLOCK2, numbers.SIZE1, numbers.NO_RESPONSE
        )
        if message.option(numbers.REQUEST_TAG) is None:
            self.options.append(_request_tag(endpoint))
        self._head = message
        self._block2 = [option for option in message.options if option[0] == numbers.BLOCK2]
        # of the block that is on the air
        self._start = 0
        self._exponent = _NONE
        self._more = False
        self._proven = False  # whether it has Echo
        self._again = False  # whether the body was begun again because the server lost it

    def start(self, endpoint, peer, now, tag, exponent):
        """Send the first block, or the whole where that is one."""
        while True:
            part, more = self.source.part(0, 16 << exponent)
            if more and self.source.size:
                octets(self.source.size - 1, False, exponent)  # can the last block be said?
            head = self._head
            body = self
            request = self.request(0, exponent, part, more, self.options)
            if not more:
                request.options = without(head.options, numbers.BLOCK1)
                body = True
                if self.into is not None:
                    from .fetching import Fetch

                    body = Fetch(request, self.into, cut)
            self._exponent = exponent
            self._more = more
            try:
                exchange = endpoint.request(request, peer, now, tag, None, body)
            except MessageError:
                if not exponent:
                    raise
                exponent -= 1
                continue
            if body is True:
                exchange.body = None  # as if it had gone out without us
            return exchange

    def request(self, start, exponent, part, more, options):
        """Return the Message of a block. Raise ValueError where there is less than there was at first: it would be
        taken for the whole."""
        size = self.source.size
        if not more and size is not None and start + len(part) < size:
            raise ValueError("payload: it has become shorter, %d octets of %d" % (start + len(part), size))
        options = list(options)
        options.append((numbers.BLOCK1, octets(start, more, exponent)))
        if not start and size is not None:
            options.append((numbers.SIZE1, uint_octets(size)))  # section 4
        if not more:
            options += self._block2  # what it says is about the response, and that comes now: section 2.7
        head = self._head
        return Message(head.code, part, options, head.type, 0, head.token)

    def go_on(self, endpoint, exchange, response):
        """Take a response: return None where the next block goes out, else the kind of event that ends the exchange.
        Raise where it can't go on, and MemoryError: then all is as before."""
        code = response.code
        exponent = self._exponent
        echo = response.option(numbers.ECHO)
        hint = None if response.option(numbers.BLOCK1) is None else block(response, numbers.BLOCK1)
        if not hint and exponent == _NONE:  # it went out without blocks, and those of this size are some
            hint = 0, 0, fitting(self.source.size - 1)
        if code == numbers.UNAUTHORIZED and echo and not self._proven:  # RFC 9175 section 2.3
            return self._send(endpoint, exchange, self._start, exponent, self.options, [(numbers.ECHO, echo)])
        if code == numbers.REQUEST_ENTITY_TOO_LARGE and hint and hint[2] < exponent:  # section 2.9.3
            return self._send(endpoint, exchange, 0, hint[2], self._renewed(endpoint))
        if (
            code == numbers.REQUEST_ENTITY_INCOMPLETE and not self._again and self.source.returns(0)
        ):  # section 2.9.2
            self._send(endpoint, exchange, 0, exponent, self._renewed(endpoint))
            self._again = True
            return None
        if numbers.is_success(code) and self._goes_on(code, hint):
            following = self._start + (16 << exponent)
            return self._send(endpoint, exchange, following, min(exponent, hint[2]), self.options)
        return self._end(endpoint, exchange, response)

    def _goes_on(self, code, hint):
        """Return whether the block was taken and the next one is due. Raise MessageError where that can't be."""
        if hint is None:
            if code == numbers.CONTINUE:
                raise MessageError("2.31 without Block1")
            return False
        # where it wants smaller blocks, some servers count in those, others in ours
        if hint[2] == _NONE or self._start not in (hint[0], hint[0] >> hint[2] << self._exponent):
            raise MessageError("Block1 of a response is that of another block")
        if not self._more and code == numbers.CONTINUE:
            raise MessageError("2.31 to the last block")
        return self._more  # also where it is 2.04: such a server takes each block for itself, section 2.3

    def _send(self, endpoint, exchange, start, exponent, options, further=()):
        """Send the block that begins at `start`, in the place of the one before it."""
        while True:
            part, more = self.source.part(start, 16 << exponent)
            request = self.request(start, exponent, part, more, options)
            request.options += further
            try:
                endpoint.ask_again(exchange, request, self)
                break
            except MessageError:  # its options have become longer
                if not exponent:
                    raise
            exponent -= 1
        self.options = options
        self._start = start
        self._exponent = exponent
        self._more = more
        self._proven = bool(further)

    def _renewed(self, endpoint):
        """Return the options of a body that begins again: with another Request-Tag, since the parts of the first one
        must not get into it (RFC 9175 section 3.3)."""
        return without(self.options, numbers.REQUEST_TAG) + [_request_tag(endpoint)]

    def _end(self, endpoint, exchange, response):
        if self.into is None and response.option(numbers.BLOCK2) is None:
            return RESPONSE
        from .fetching import Fetch

        body = Fetch(None, self.into)
        exchange.body = body
        return body.go_on(endpoint, exchange, response)


def _request_tag(endpoint):
    """Return an option that no other body of ours has, also after a restart under the same OSCORE key."""
    return numbers.REQUEST_TAG, endpoint.random(4)
