# SPDX-License-Identifier: MIT
"""What the tests of `coap` share: an endpoint whose chance is fixed, and ways to take out what it has to give."""

import coap
from coap.compat import ticks_diff

PEER = ("192.0.2.1", 5683)
OTHER = ("192.0.2.2", 5683)


class FixedRandom:
    """`pair` for each two octets (the first message ID, the spread of time-outs), else 1, 2, 3... (tokens)."""

    def __init__(self, pair):
        self.pair = pair
        self.count = 0

    def __call__(self, size):
        if size == 2:
            return self.pair
        self.count += 1
        return self.count.to_bytes(size, "big")


def endpoint(pair=b"\x00\x00", **named):
    """With the default pair the first message ID is 1 and a time-out is ACK_TIMEOUT exactly (random factor 1)."""
    return coap.Endpoint(random=FixedRandom(pair), **named)


def octets(text):
    """Octets from hex with spaces, as RFCs print them."""
    return bytes.fromhex(text)


def taken(endpoint):
    """All (octets, peer) that wait for the link."""
    out = []
    while True:
        item = endpoint.outgoing()
        if item is None:
            return out
        out.append((bytes(item[0]), item[1]))


def sent(endpoint):
    """The octets alone of all that waits for the link."""
    return [item[0] for item in taken(endpoint)]


def events(endpoint):
    out = []
    while True:
        event = endpoint.next_event()
        if event is None:
            return out
        out.append(event)


def one_event(endpoint):
    out = events(endpoint)
    assert len(out) == 1, out
    return out[0]


def answer(endpoint, text, now=0, peer=PEER):
    """What goes out at once for a datagram in hex."""
    endpoint.receive(octets(text), peer, now)
    return sent(endpoint)


def run(endpoint, until):
    """Polls at each deadline up to `until`; gives what went out, as (tick, octets)."""
    out = []
    while True:
        deadline = endpoint.next_deadline()
        if deadline is None or ticks_diff(deadline, until) > 0:
            return out
        endpoint.poll(deadline)
        out += [(deadline, each) for each in sent(endpoint)]


def respond(endpoint, code=coap.CONTENT, payload=b"", now=0, options=()):
    """Answers the one request that has come in."""
    kind, incoming, _ = one_event(endpoint)
    assert kind == coap.REQUEST
    endpoint.respond(incoming, coap.Message(code, payload, options), now)
    return incoming
