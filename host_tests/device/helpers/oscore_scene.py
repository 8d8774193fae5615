# SPDX-License-Identifier: MIT
"""Two endpoints that share a key, each with its storage, and the datagrams between them in the test's hands."""

import coap
from coap.oscore import Context, RenewableContext, Security, ccm
from coap.oscore import context as context_module
from coap_scene import FixedRandom
from msgin5g import MemoryStorage

PEER = ("192.0.2.1", 65401)
DEVICE = ("192.0.2.7", 40000)
# of scenes with a whole Client
KEYS = {
    "master_secret": "73697874 65656e20 6f637465 74732e2e".replace(" ", ""),
    "sender_id": "01",
    "recipient_id": "",
}

SECRET = b"sixteen octets.."
CLIENT = ("192.0.2.1", 5683)
SERVER = ("192.0.2.2", 5683)
STRANGER = ("192.0.2.3", 5683)


class Nonces:
    """Stands in for ccm.seal, and sees every key and nonce that something is encrypted with."""

    def __init__(self):
        self.used = {}
        self._seal = ccm.seal

    def __enter__(self):
        context_module.ccm.seal = self
        return self

    def __exit__(self, *exception):
        context_module.ccm.seal = self._seal

    def __call__(self, key, nonce, aad, text):
        # A bit for each, since a set of them is too much for the heap of a board. No story has 4096 numbers, so that
        # of a key's nonces of one side (the first octet says which) the last 12 bits differ.
        which = (key[0], nonce[0])
        bits = self.used.get(which)
        if bits is None:
            bits = self.used[which] = bytearray(512)
        one = (nonce[11] & 15) << 8 | nonce[12]
        assert not bits[one >> 3] >> (one & 7) & 1, "a nonce was used twice"
        bits[one >> 3] |= 1 << (one & 7)
        return self._seal(key, nonce, aad, text)


def context(sender, recipient, storage=None, **named):
    """A Context whose random octets, which only an Echo value needs, are new each time."""
    return Context(named.pop("secret", SECRET), sender, recipient, storage or MemoryStorage(), **named)


class Party:
    """An endpoint at an address. `restart` is a power cut: only the storage is left."""

    def __init__(self, address, sender, recipient, storage=None, **named):
        self.address = address
        self.storage = storage or MemoryStorage()
        self.got = []  # plain requests
        self.events = []  # all others
        self._ids = (sender, recipient)
        self._named = named
        self._boots = 0
        self.restart()

    def restart(self):
        self._boots += 1
        self.security = self.secured()
        # Message IDs begin anew at another place after each boot
        random = FixedRandom(bytes((self._boots, 0)))
        self.endpoint = coap.Endpoint(random=random, security=self.security)

    def secured(self):
        """What the endpoint has for `security` after a start."""
        return Security(context(*self._ids, self.storage, **self._named))

    def take(self, datagram, source, now=0, answer=coap.CHANGED, payload=b""):
        """Receives one datagram, answers a request at once; gives what goes out, as [(octets, peer)]."""
        self.endpoint.receive(datagram, source, now)
        while True:
            event = self.endpoint.next_event()
            if event is None:
                break
            if event[0] == coap.REQUEST:
                self.got.append(event[2])
                if answer is not None:
                    self.endpoint.respond(event[1], coap.Message(answer, payload), now)
            else:
                self.events.append(event)
        return self.out()

    def out(self):
        sent = []
        while True:
            item = self.endpoint.outgoing()
            if item is None:
                return sent
            sent.append((bytes(item[0]), item[1]))

    def ask(self, peer, payload=b"", now=0, code=coap.POST, options=None, type=coap.CON, **named):
        """The datagrams of a request."""
        if options is None:
            options = coap.path_options("/msgin5g")
        self.endpoint.request(coap.Message(code, payload, options, type), peer.address, now, **named)
        return [octets for octets, _ in self.out()]


class Renewable(Party):
    """A party whose key is made anew where its storage was lost. `lose` is that."""

    def secured(self):
        return Security(RenewableContext(SECRET, *self._ids, self.storage, **self._named))

    def lose(self):
        self.storage = MemoryStorage()
        self.restart()


def pair(**named):
    return Party(CLIENT, b"\x01", b"", **named), Party(SERVER, b"", b"\x01", **named)


def talk(client, server, datagrams, now=0):
    """Carries datagrams to and fro until none is left; gives them all, as (way, octets)."""
    seen = []
    waiting = [(server, client, each) for each in datagrams]
    while waiting:
        to, source, datagram = waiting.pop(0)
        seen.append(("out" if to is server else "in", datagram))
        for octets, _ in to.take(datagram, source.address, now):
            waiting.append((source, to, octets))
    return seen
