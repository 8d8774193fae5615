# SPDX-License-Identifier: MIT
"""Finding a gateway: TS 23.554 clause 8.2.8, by a multicast of RFC 7252 section 8. Loaded where `peer` is "discover:".

Anybody can answer, so an answer chooses an address and nothing else: who is there must prove itself to the registration
that follows (OSCORE). Where that comes to nothing, the next one that answered is tried.

The request is put on the link as it is, not by Endpoint.request(many=...), which sends what `security` lets go in the
clear, nothing on a device that has a key; and whose modules would take a KB of heap more while answers come.
"""

from coap.compat import const, json_octets, unload
from coap.endpoint.options import unrecognized
from coap.message import Message, MessageError, decode, empty, encode

from ..events import REGISTRATION
from ..rules import policy
from ..rules.requests import Source
from ..store.storage import loads
from ..timing import Countdown

FILE = "gateway"
_VERSION = const(1)  # of that file
_MAX_FILE = const(320)
_TOKEN = const(4)
# of coap.numbers
_CON = const(0)
_NON = const(1)
_ACK = const(2)
_GET = const(1)
_FIRST_RESPONSE = const(32)  # codes below it are requests, and the empty message
_CONTENT = const(69)
_URI_PATH = const(11)
_CONTENT_FORMAT = const(12)
_URI_QUERY = const(15)
_LINK_FORMAT = const(40)
_KEPT = const(8)  # of the gateways that answer
_LEAST_DATAGRAM = const(512)
_LONG = const(200000)  # ms: where nobody answers for so long, the last one is tried without
_NOBODY = "no gateway answered"


class _Gateway:
    """One that answered. `size` is what it takes in a datagram, None where it did not say."""

    def __init__(self, address, size):
        self.address = address
        self.size = size


class Discovery(Source):
    """Where the Client finds its gateway. It holds the registration until one is chosen, and hears from it of each try
    that came to nothing."""

    registers = True

    def __init__(self, client):
        self.ready = False
        self._client = client
        self._random = client.random
        self._retry = policy.backoff("REG", client.random)
        self._refusal = policy.named("refusal", client.random)
        self._asked = None  # the address where gateways are asked for, which the link begins with
        self._token = None  # of the request, as long as answers to it count
        self._due = None  # Countdown to the end of that time, or to the next request
        self._answers = 0  # that were good, to the last request
        self._found = []  # _Gateway objects: as they answered, then those that are still to be tried, the best first
        self._chosen = None
        self._failed = []  # addresses that were tried in vain since the last registration
        self._own = self._cut = client.config.coap[
            "max_datagram"
        ]  # the second: what messages were cut to fit
        self._last = None  # the _Gateway that registered us last
        self._kept = True  # whether that may be written: the file is not of a newer version
        client.stats["strangers"] = 0  # answers that were not of a gateway for this device
        self._restore()

    # --- what the client calls --------------------------------------------------------------------------

    def poll(self, now):
        registration = self._client.registration
        if registration.stopping:
            self._close()
            self._due = None
            return
        if registration.gateways is None:
            registration.gateways = self
            self._asked = self._client.peer
            if self._last is not None:
                self._choose([self._last], now)
        if self.ready:
            if registration.registered and registration.cause is None:
                self._good()
            return
        if self._due is not None:
            self._due.advance(now)
            if self._due.left(now) > 0:
                return
        if self._token is None:
            self._ask(now)
        else:
            self._decide(now)

    def next_deadline(self, now):
        return None if self._due is None else self._due.deadline(now)

    def on_peer_alive(self):
        retry = self._retry
        if retry.deadline is not None and self._token is None and not self.ready:
            retry.on_peer_alive()
            if retry.deadline is None:
                self._due = Countdown(0)

    def turn(self, event, max_age, now):
        """Take note that a try with the chosen gateway came to nothing: "refused" or "failed". Return whether another
        one is there to be tried at once; where none is, they are asked for again when the back-off says so."""
        if not self.ready:
            return False
        self._failed.append(self._chosen.address)
        del self._failed[:-_KEPT]
        if self._found:
            self._choose(self._found, now)
            return True
        wait = 0  # for the one from before the restart, which was tried without asking
        if self._answers or len(self._failed) > 1:
            backoff = self._refusal if event == "refused" else self._retry
            wait = backoff.failed(now, max_age)
        self._due = Countdown(wait, now)
        self.ready = False
        return False

    # --- asking -----------------------------------------------------------------------------------------

    def _ask(self, now):
        client = self._client
        if self._chosen is None:
            self._asked = client.peer  # the link may have looked its name up again
        token = self._random(_TOKEN)
        options = (
            (_URI_PATH, b".well-known"),
            (_URI_PATH, b"core"),
            (_URI_QUERY, b"rt=msgin5g.gw"),
        )
        datagram = encode(Message(_GET, b"", options), _NON, client.endpoint.next_mid(), token)
        window = Countdown(int(client.config.discovery["window"] * 1000), now)
        client.endpoint.put(datagram, self._asked)
        self._due = window
        self._found = []
        self._answers = 0
        self._retry.deadline = None
        self._token = token
        client.listener = self
        client.registration.prepared("discover", now, client.registration.cause)

    def hear(self, datagram, peer):
        """Take a datagram from anywhere. Return whether it is an answer. Raise MemoryError: then it is lost."""
        if len(datagram) < 8 or datagram[0] & 0xCF != 0x44 or bytes(datagram[4:8]) != self._token:
            return False
        try:
            message = decode(datagram)
            if message.code < _FIRST_RESPONSE:
                return False
            size = self._size_of(message)
        except (MessageError, ValueError):
            self._client.stats["strangers"] += 1
            return True
        if message.type == _CON:
            self._client.endpoint.put(empty(_ACK, message.mid), peer)
        self._keep(_Gateway(peer, size))
        return True

    def _size_of(self, message):
        """Return what the gateway that answers takes in a datagram, None where it does not say. Raise ValueError where
        it is none for this device."""
        if (
            message.code == _CONTENT
            and unrecognized(message, 0) is None
            and message.uint(_CONTENT_FORMAT, _LINK_FORMAT) == _LINK_FORMAT
        ):
            from ..wire import link_format  # its memory is only spent while answers come

            found = link_format.gateway(bytes(message.payload))
            if found is not None and not self._foreign(found[1]):
                return found[0]
        raise ValueError("no gateway")

    def _foreign(self, name):
        """Return whether a gateway of this UE Service ID is of another domain than ours."""
        own = self._client.config.ue_service_id
        if name is None or own is None:
            return False
        from ..wire import link_format

        own = link_format.domain(own.encode())
        domain = link_format.domain(name)
        return own is not None and domain is not None and domain != own

    def _keep(self, gateway):
        """Keep it, in place of another one where there are too many.

        Whoever forges hundreds of answers must not keep the true one out for ever. One host has no more places than
        another that answers; among those that are alike each has the same chance, whenever it came; and in the next
        round those tried in vain come last.
        """
        found = self._found
        hosts = [_host(each.address) for each in found]
        hosts.append(_host(gateway.address))
        for each in found:
            if each.address == gateway.address:
                return
        self._answers += 1
        if len(found) < _KEPT:
            found.append(gateway)
            return
        counts = [hosts.count(host) for host in hosts]
        most = max(counts)
        places = [place for place in range(_KEPT) if counts[place] == most]
        place = int.from_bytes(self._random(2), "big")
        if self._is_last(gateway) or counts[_KEPT] < most:
            place = places[place % len(places)]
        else:
            place %= self._answers
        if place in places and not self._is_last(found[place]):
            found[place] = gateway

    def _decide(self, now):
        """Choose among those that answered in time, or ask again later."""
        self._close()
        if self._found:
            self._choose(self._sorted(), now)
            return
        wait = self._retry.failed(now, None, True)
        if self._last is not None and wait > _LONG:
            # It may be there all the same, in a network that lets no multicast pass.
            self._choose([self._last], now)
            return
        self._due = Countdown(wait, now)
        registration = self._client.registration
        if registration.cause != _NOBODY:
            registration.cause = _NOBODY
            self._client.events.append((REGISTRATION, self._client))

    def _sorted(self):
        """Return those found, the best first: not tried in vain lately; with room for our datagrams, else with as much
        as can be had; the last one used; as they came."""
        ranks = []
        for place, each in enumerate(self._found):
            room = min(each.size or 0, self._own)
            ranks.append((each.address in self._failed, -room, not self._is_last(each), place))
        return [self._found[rank[3]] for rank in sorted(ranks)]

    def _is_last(self, gateway):
        return self._last is not None and gateway.address == self._last.address

    def _close(self):
        if self._token is not None:
            self._token = self._client.listener = None
            unload("msgin5g.wire.link_format")
            unload("coap.uri.link_format")

    # --- using one --------------------------------------------------------------------------------------

    def _choose(self, gateways, now):
        """Have the registration try the first of these."""
        gateway = gateways[0]
        client = self._client
        coap = dict(client.config.coap, max_datagram=self._own)
        if gateway.size is not None:
            coap["max_datagram"] = min(self._own, max(gateway.size, _LEAST_DATAGRAM))
        client.config.change("coap", coap)
        if isinstance(gateway.address, tuple):
            form = "coap://[%s]:%d" if ":" in gateway.address[0] else "coap://%s:%d"
            client.config.change("peer", form % gateway.address)
        client.peer = gateway.address
        self._found = gateways[1:]
        self._chosen = gateway
        self._due = None
        if not self.ready:
            self.ready = True
            client.registration.prepared("ready", now)

    def _recut(self):
        """Have what waits in the outbox fit the gateway. What has begun to go out in segments goes on in those."""
        from ..outgoing.recut import use

        client = self._client
        for outgoing in client.outbox.queue:
            if outgoing.stands in ("queued", "sent") and outgoing.segments is None and not outgoing.progress:
                try:
                    use(outgoing, client.builder.cut(outgoing))
                except (OSError, ValueError):
                    pass  # as it is: an answer that nobody proved must not end what was accepted
        unload("msgin5g.outgoing.recut")

    def _good(self):
        """Keep the chosen one, which has registered us."""
        if self._cut != self._client.config.coap["max_datagram"]:
            self._recut()
            self._cut = self._client.config.coap["max_datagram"]
        if self._last is self._chosen and not self._failed:
            return
        written = self._last is not None and _fields(self._last) == _fields(self._chosen)
        self._last = self._chosen
        self._failed = []
        self._retry.reset()
        self._refusal.reset()
        if self._kept and not written:
            try:
                self._client.storage.replace(FILE, b"%d\n" % _VERSION + json_octets(_fields(self._last)))
            except OSError:
                pass  # the next start asks

    # --- what outlives a restart: docs/flash-format.md --------------------------------------------------

    def _restore(self):
        """Read who was last. What is not understood there is as if it were not there."""
        try:
            head, _, rest = self._client.storage.read(FILE, 0, _MAX_FILE).partition(b"\n")
            if not head:
                return
            self._kept = int(head) <= _VERSION
            fields = loads(rest) if self._kept else None
            if isinstance(fields, list) and len(fields) > 2 and _sound(fields):
                self._last = _Gateway((fields[0], fields[1]), fields[2])
        except (OSError, ValueError):
            pass


def _fields(gateway):
    return list(gateway.address) + [gateway.size]


def _sound(fields):
    """Return whether these are a host, a port and a size that there can be."""
    host, port, size = fields[:3]
    for number in (port, 0 if size is None else size):
        if isinstance(number, bool) or not isinstance(number, int):
            return False
    return isinstance(host, str) and 0 < len(host) < 256 and 0 < port < 65536


def _host(address):
    return address[0] if isinstance(address, tuple) else address


def start(client):
    """Return the Discovery of a Client."""
    return Discovery(client)
