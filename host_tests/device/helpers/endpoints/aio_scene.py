# SPDX-License-Identifier: MIT
"""A Context and whoever is at the other end of its link, in memory: nothing waits for a network."""

import asyncio

import coap
from coap.aio import Context

PEER = ("192.0.2.1", 5683)
URI = "coap://192.0.2.1/"


class Link:
    """One end of a link, with the members that device.links lists. What is sent goes to `sent(octets)`."""

    def __init__(self, sent=None):
        self.peer = PEER
        self.dropped = 0
        self.sent = sent or (lambda octets: None)
        self.out = []  # all that was sent
        self.failures = []  # of open(), send() and receive(): (which, exception), each once
        self.busy = 0  # times that send() says "later"
        self.closed = 0
        self._came = []
        self._event = asyncio.Event()

    def _fail(self, which):
        if self.failures and self.failures[0][0] == which:
            raise self.failures.pop(0)[1]

    async def open(self):
        self._fail("open")

    async def receive(self):
        while True:
            self._fail("receive")
            if self._came:
                return self._came.pop(0)
            self._event.clear()
            await self._event.wait()

    def come(self, octets, peer=None):
        """Have these octets come in."""
        self._came.append((bytes(octets), peer or self.peer))
        self._event.set()

    def send(self, octets, address):
        self._fail("send")
        if self.busy:
            self.busy -= 1
            return False
        self.out.append(coap.decode(bytes(octets)))
        self.sent(self.out[-1])
        return True

    def close(self):
        self.closed += 1


def reply(request, code=coap.CONTENT, payload=b"", options=()):
    """The octets of a piggybacked response."""
    return coap.encode(coap.Message(code, payload, options), coap.ACK, request.mid, request.token)


def answering(link, answer=None):
    """Have the peer of a link answer each request by `answer(request)`, or 2.05 with its path."""

    def sent(message):
        if message.code and message.code < 32:
            link.come(answer(message) if answer else reply(message, payload=message.path.encode()))

    link.sent = sent
    return link


def quick(ack_timeout=8):
    """An Endpoint that sends a message three times, and gives up soon."""
    return coap.Endpoint(coap.Parameters(ack_timeout, max_retransmit=2))


def run(act, link=None, **options):
    """Run the coroutine `act(context, link)` with an open context."""

    async def main():
        used = link() if link else answering(Link())
        async with Context(used, **options) as context:
            await act(context, used)

    asyncio.run(asyncio.wait_for(main(), 60))


async def ended(awaitable):
    """What a coroutine ended with: its result, or the exception."""
    try:
        return await awaitable
    except Exception as error:
        return error


async def turns(count=5):
    """Let all tasks have so many turns."""
    for _ in range(count):
        await asyncio.sleep(0)
