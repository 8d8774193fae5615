# SPDX-License-Identifier: MIT
"""A device that looks for a gateway, and the gateways around it."""

import coap
from msgin5g_scene import Scene, agree

GROUP = ("224.0.1.187", 65401)  # RFC 7252 section 12.8; the port is that of MSGin5G, TS 29.641
ONE = ("192.0.2.11", 65401)
TWO = ("192.0.2.12", 5683)
THREE = ("192.0.2.13", 65401)
LINK = b'</msgin5g>;rt="msgin5g.gw";sz=%d;ep="ue:gw@%s"'
REFUSED = (
    coap.CHANGED,
    b'{"oriAddr":{"oriAddrType":"UE","addr":"ue:a@x"},"result":false,"cause":"no contract"}',
)


def link(size=1152, domain=b"x"):
    return LINK % (size, domain)


def answer_to(
    ask, payload, code=coap.CONTENT, type=coap.NON, options=((coap.CONTENT_FORMAT, b"\x28"),), mid=7
):
    """The octets of an answer to what was asked."""
    return coap.encode(coap.Message(code, payload, options, type, mid, ask.token))


class Place(Scene):
    """`near` are the gateways that hear the group, {address: payload of their answer}; `alive` are those that answer
    when they are sent to, {address: answer}. `asks` are the first questions as (time, Message, address),
    `times` says how often it asked; `to` are the requests as (address, kind)."""

    def __init__(self, near=None, alive=None, answers=None, **config):
        self.near = {} if near is None else near
        self.alive = {address: agree for address in self.near} if alive is None else alive
        self.answers = answers  # function of the Message that asks: more datagrams, as (octets, address)
        self.asks = []
        self.times = 0
        self.to = []
        self.acknowledged = []
        given = {"peer": "discover:"}
        given.update(config)
        super().__init__(**given)

    def _pump(self):
        client = self.client
        while True:
            item = client.outgoing()
            if item is None:
                break
            datagram, peer = bytes(item[0]), item[1]
            message = coap.decode(datagram)
            if message.code == coap.GET and message.path == "/.well-known/core":
                self.times += 1
                if len(self.asks) < self.MAX_ASKED:
                    self.asks.append((self.now, message, peer))
                for address, payload in sorted(self.near.items()):
                    client.receive(answer_to(message, payload), address, self.tick)
                for octets, address in self.answers(message) if self.answers else ():
                    client.receive(octets, address, self.tick)
            elif 1 <= message.code < 32:
                self._to(message, datagram, peer)
            elif message.type == coap.ACK and message.code == coap.EMPTY:
                self.acknowledged.append((message.mid, peer))
            elif message.mid == self._mid:
                self._reply = message
        while client.next_event() is not None:
            pass

    def _to(self, message, datagram, peer):
        self.answer = self.alive.get(peer, lambda asked: None)
        before = self._answered[0]
        reply = self._say(message, datagram)
        if before != message.mid:
            self.to.append((peer, self.asked[-1].kind))
            del self.to[:-60]
        if reply is not None:
            self.client.receive(reply, peer, self.tick)

    @property
    def state(self):
        return self.client.registration.state, self.client.registration.cause

    def who(self, kind="REG"):
        """The addresses that such requests went to, in their order."""
        return [peer for peer, each in self.to if each == kind]
