# SPDX-License-Identifier: MIT
"""Devices behind one Gateway UE, and the server that it stands before, in virtual time: the firmware's protocol cores,
the decisions of both, and CoAP between them that loses datagrams.

The CoAP of gateway and server is written out here, as RFC 7252 has it: retransmissions, duplicates, a response that
follows the response. What leaves either of them was committed before.
"""

import heapq
import json
import random
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
for _folder in (
    ROOT / "firmware",
    ROOT / "host_tests/device/helpers",
):  # at the end: the modules of the firmware must not hide one that another test needs
    if str(_folder) not in sys.path:
        sys.path.append(str(_folder))

import coap  # noqa: E402
from coap.compat import ticks_diff  # noqa: E402
from common import Random  # noqa: E402
from msgin5g import Client, Config, MemoryStorage  # noqa: E402
from tools.gateway.function.asks import Ask  # noqa: E402
from tools.gateway.function.function import GatewayFunction  # noqa: E402
from tools.gateway.function.settings import FunctionSettings  # noqa: E402
from tools.server.delivery.pushes import Outcome  # noqa: E402
from tools.server.server import Server  # noqa: E402
from tools.server.settings import Settings  # noqa: E402
from tools.store.store import Store  # noqa: E402
from tools.wire import bodies  # noqa: E402
from tools.wire.answers import Request  # noqa: E402
from tools.wire.identity import Peer  # noqa: E402

TICKS = 1 << 29
GATEWAY, SERVICE = "ue:gateway@example.org", "urn:3gpp:msgin5g"
NORTH = Peer("203.0.113.1", 65401)  # where the server knows the gateway
SOUTH = ("192.0.2.1", 65401)  # where devices do
TRIES = 5  # of a Confirmable message, the first one included
DELAY = 0.03  # s, one way


class Loop:
    """What is to happen, by its time."""

    def __init__(self):
        self.now = 1_700_000_000.0
        self._queue = []
        self._count = 0

    def at(self, when, function, *arguments):
        self._count += 1
        heapq.heappush(self._queue, (max(when, self.now), self._count, function, arguments))

    def later(self, seconds, function, *arguments):
        self.at(self.now + seconds, function, *arguments)

    def run(self, seconds, until=None):
        """That long, or until something holds."""
        end = self.now + seconds
        while self._queue and self._queue[0][0] <= end and not (until and until()):
            self.now, _, function, arguments = heapq.heappop(self._queue)
            function(*arguments)
        if not (until and until()):
            self.now = end


class Device:
    """A firmware Client, its clock, and its datagrams."""

    def __init__(self, world, number):
        self.world = world
        self.peer = Peer("198.51.100.%d" % (number // 100), 40000 + number)
        self.number = number
        self._wake = None
        members = {
            "role": "client",
            "ue_id": world.ue_id(number),
            "peer": "coap://%s:%d" % SOUTH,
            "gateway_service": True,
            "registration": {"urgent": False, "wait": 180, "lifetime": world.LIFETIME},
            "security": {"mode": "none"},
        }
        self.client = Client(
            Config(members), MemoryStorage(), Random(number + 1).bytes, lambda: int(world.loop.now)
        )

    @property
    def tick(self):
        return int(self.world.loop.now * 1000) % TICKS

    @property
    def state(self):
        return self.client.registration.state

    def start(self):
        self.client.start(self.tick)
        self.pump()

    def stop(self):
        self.client.stop(self.tick, urgent=False)
        self.pump()

    def receive(self, octets):
        self.client.receive(octets, SOUTH, self.tick)
        self.pump()

    def pump(self):
        while (item := self.client.outgoing()) is not None:
            self.world.air(self.world.from_device, self, bytes(item[0]))
        while self.client.next_event() is not None:
            pass
        deadline = self.client.next_deadline()
        if deadline is not None:
            self._wake = wake = self.world.loop.now + max(ticks_diff(deadline, self.tick), 1) / 1000
            self.world.loop.at(wake, self._poll, wake)

    def _poll(self, wake):
        if wake == self._wake:
            self.client.poll(self.tick)
            self.pump()


class Towards:
    """The gateway's CoAP toward one device; it ends with the gateway."""

    def __init__(self, world, device):
        self._world, self._device = world, device
        self._answered = {}  # message ID: the datagram of its answer, None while there is none
        self._waiting = {}  # message ID of a Confirmable message of ours: what hears of its end

    def receive(self, octets):
        message = coap.decode(octets)
        if 1 <= message.code < 32:
            if message.mid not in self._answered:
                self._answered[message.mid] = None
                self._world.handle(self._device, _request(message), self._answer(message))
            elif self._answered[message.mid] is not None:
                self._send(self._answered[message.mid])
        elif message.mid in self._waiting:
            done = self._waiting.pop(message.mid)
            done("RST" if message.type == coap.RST else _code(message.code) if message.code else "ACK")

    def _answer(self, message):
        def answer(said):
            reply = coap.Message(
                _number(said.code), _payload(said), _options(said), coap.ACK, message.mid, message.token
            )
            self._answered[message.mid] = datagram = coap.encode(reply)
            self._send(datagram)

        return answer

    def send(self, code, payload, options, token, done):
        """A Confirmable message; `done` hears a response code, "ACK", "RST", or None for silence."""
        self._world.mid += 1
        mid = self._world.mid & 0xFFFF
        datagram = coap.encode(coap.Message(code, payload, options, coap.CON, mid, token))
        self._waiting[mid] = done
        self._again(mid, datagram, 0)

    def _again(self, mid, datagram, tries):
        if mid not in self._waiting:
            return
        if tries == TRIES:
            self._waiting.pop(mid)(None)
            return
        self._send(datagram)
        self._world.loop.later(2.5 * 2**tries, self._again, mid, datagram, tries + 1)

    def _send(self, datagram):
        world, mine = self._world, self

        def arrive(device, octets):
            if (
                world.towards.get(device.number) is mine
            ):  # what a gateway that ended had sent may be on its way: it is lost
                device.receive(octets)

        world.air(arrive, self._device, datagram)


class World:
    """`loss`: of a hundred datagrams. `upstream` counts the requests that reached the server, by what they are."""

    LIFETIME = 90000  # s: a registration is renewed once in a day, after 20 hours
    SETTINGS = {"bulk_configuration": "registered"}

    def __init__(self, folder, devices, loss, seed=1, **settings):
        self.loop = Loop()
        self.loss = loss
        self.random = random.Random(seed)
        self.mid = 0
        self.told, self.upstream, self.datagrams = [], {}, 0
        self._file = str(folder / "gateway.db")
        self.server_store = _quick(Store(":memory:"))
        domain = {"open": True, "lifetime": self.LIFETIME, "assign": "example.org"}
        self.server = Server(self.server_store, Settings(**domain), rng=random.Random(seed))
        self._of_server(self.server.start)
        self.settings = FunctionSettings(
            **({"ue": GATEWAY, "open": True, "lifetime": self.LIFETIME} | self.SETTINGS | settings)
        )
        self.store = None
        self.begin()
        self.devices = [Device(self, number) for number in range(devices)]

    @staticmethod
    def ue_id(number):
        return "urn:imei:35000000000%04d" % number

    # ---- the air -----------------------------------------------------------------------------------------------------

    def air(self, arrive, device, octets):
        self.datagrams += 1
        if self.random.random() * 100 >= self.loss:
            self.loop.later(DELAY * self.random.uniform(0.5, 1.5), arrive, device, octets)

    def from_device(self, device, octets):
        if self.store is not None:
            self.towards.setdefault(device.number, Towards(self, device)).receive(octets)

    # ---- the gateway -------------------------------------------------------------------------------------------------

    def begin(self):
        """The gateway's program starts, and registers at the server."""
        self.store = _quick(Store(self._file))
        self.towards = {}
        self.function = GatewayFunction(self.store, self.settings, self._emit, random.Random(2))
        self._wake = None
        self._event(self.function.start)
        head = {"msgIden": SERVICE, "msgType": "REG", "oriAddr": {"oriAddrType": "UE", "addr": GATEWAY}}
        answer = self._of_server(self.server.request, NORTH, 50, bodies.encode(head))
        assert answer.body["result"] is True
        self._event(self.function.registered)

    def kill(self):
        """What it had not committed is gone, and all that it had in memory."""
        self.store.close()
        self.store, self.towards = None, {}

    def _emit(self, event, **fields):
        self.told.append((event, fields))

    def _event(self, function, *arguments):
        with self.store.transaction():
            result = function(*arguments, self.loop.now)
        self.loop.later(0, self._pump, self.function)
        return result

    def handle(self, device, request, answer):
        said = self._event(self.function.request, device.peer, request)
        if said is not None:
            answer(said)
            return

        def forwarded(said, function=self.function):
            if function is not self.function or self.store is None or said is None:
                return  # it ended; the device asks again
            self._event(self.function.forwarded, device.peer, request, said)
            answer(said)

        self._to_server(request, forwarded)

    def _pump(self, function):
        if function is not self.function or self.store is None:
            return
        with self.store.transaction():
            todo = self.function.work(self.loop.now)
        for each in todo:
            self._ask(each, function) if isinstance(each, Ask) else self._push(each, function)
        deadline = self.function.deadline(self.loop.now)
        if deadline is not None:
            self._wake = deadline
            self.loop.at(deadline, self._due, deadline, function)

    def _due(self, wake, function):
        if wake == self._wake:
            self._pump(function)

    def _ask(self, ask, function):
        def asked(said):
            if function is self.function and self.store is not None:
                self._event(self.function.asked, ask, said)

        self._to_server(ask.request, asked)

    def _push(self, push, function):
        device = next(each for each in self.devices if each.peer == push.where)
        towards = self.towards.setdefault(device.number, Towards(self, device))

        def ended(said):
            if function is self.function and self.store is not None:
                self._event(self.function.outcome, push, _outcome(said))

        if push.back:
            token = bytes.fromhex(push.back)
            towards.send(
                _number(push.answer.code), _payload(push.answer), _options(push.answer), token, ended
            )
        else:
            options = [*coap.path_options("/msgin5g"), (coap.CONTENT_FORMAT, b"2")]
            towards.send(coap.POST, bodies.encode(push.body), options, b"p", ended)

    # ---- the server --------------------------------------------------------------------------------------------------

    def _of_server(self, function, *arguments):
        with self.server_store.transaction():
            return function(*arguments, self.loop.now)

    def _to_server(self, request, done, tries=0, said=()):
        """A request of the gateway's, over CoAP that loses as all else does; the server takes it once."""
        if tries == TRIES:
            self.loop.later(0, done, None)
            return
        heard = self.random.random() * 100 >= self.loss
        if heard and not said:
            said = (self._serve(request),)
        if heard and self.random.random() * 100 >= self.loss:
            self.loop.later(2 * DELAY, done, said[0])
        else:
            self.loop.later(2.5 * 2**tries, self._to_server, request, done, tries + 1, said)

    def _serve(self, request):
        if request.path[0] == "su-uc":
            kind = "configurations" if b"bulkFlag" in request.payload else "configuration"
            answer = self._of_server(self.server.configuration, NORTH, request)
        else:
            body = json.loads(request.payload)
            kind = body["msgType"] + (" list" if "deregList" in body else "")
            answer = self._of_server(self.server.request, NORTH, request.content_format, request.payload)
        self.upstream[kind] = self.upstream.get(kind, 0) + 1
        return answer

    # ---- what became of it -------------------------------------------------------------------------------------------

    def states(self):
        found = {}
        for device in self.devices:
            found[device.state] = found.get(device.state, 0) + 1
        return found

    def registered(self):
        """The UE Service IDs that the server has registered through the gateway."""
        now = self.loop.now
        return {each.ue for each in self.server_store.registrations(now) if each.via == GATEWAY}

    def waiting(self):
        """What the gateway still holds or owes."""
        with self.store.transaction():
            return len(self.store.holds()) + len(self.store.owing()) + self.store.count_fetches()

    def forget(self):
        self.upstream, self.told = {}, []


def _quick(store):
    """What is killed here is no process: the disk need not be waited for."""
    store._db.execute("PRAGMA synchronous=OFF")
    return store


def _request(message):
    def all_of(number):
        return tuple(value.decode() for option, value in message.options if option == number)

    def number(option):
        found = [value for each, value in message.options if each == option]
        return int.from_bytes(found[0], "big") if found else None

    code = {coap.GET: "GET", coap.POST: "POST"}[message.code]
    payload = bytes(message.payload)
    form, accept = number(coap.CONTENT_FORMAT), number(17)
    etags = tuple(bytes(value) for option, value in message.options if option == 4)
    back = bytes(message.token).hex()
    return Request(
        code, all_of(11), all_of(15), payload, form, accept, etags=etags, local="%s:%d" % SOUTH, back=back
    )


def _number(code):
    class_, detail = code.split(".")
    return int(class_) << 5 | int(detail)


def _code(number):
    return "%d.%02d" % (number >> 5, number & 31)


def _payload(answer):
    if answer.octets is not None:
        return answer.octets
    return bodies.encode(answer.body) if answer.body is not None else answer.diagnostic.encode()


def _options(answer):
    """In the order of their numbers."""
    options = [] if answer.etag is None else [(4, answer.etag)]
    if answer.octets is not None or answer.body is not None:
        options.append((coap.CONTENT_FORMAT, b"2"))
    if answer.max_age is not None:
        options.append((14, coap.uint_octets(answer.max_age)))
    return options


def _outcome(said):
    if said is None:
        return Outcome("later", "no answer", None, False)
    if said == "RST":
        return Outcome("later", "RST")
    return Outcome("done") if said == "ACK" else Outcome.of_coap(said)
