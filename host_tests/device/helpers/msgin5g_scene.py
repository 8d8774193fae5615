# SPDX-License-Identifier: MIT
"""What the tests of `msgin5g` share: a Client, a clock that is moved by hand, and a scripted peer.

The peer is no mock of the server: it does what the test says and knows nothing of the service. The clock starts
5 s before the tick wraps, so that every test of some length crosses that.
"""

import json

import coap
from coap.compat import ticks_diff
from common import Random, equal, next_deadline
from msgin5g import CHANGED, MESSAGE, Client, Config, MemoryStorage

UE = "ue:a@x"
PEER = ("192.0.2.1", 65401)
TICKS = 1 << 29
GRANTED = b'{"oriAddr":{"oriAddrType":"UE","addr":"ue:a@x"},"result":true,"regExpTime":3600}'
SECOND = 1000
MINUTE = 60000
HOUR = 3600000
DAY = 86400000


def configuration(**more):
    members = {
        "role": "client",
        "ue_service_id": UE,
        "peer": "coap://192.0.2.1:65401",
        "security": {"mode": "none"},
    }
    members.update(more)
    return Config(members)


class Asked:
    """A request of the device. `kind` is its msgType, "TOPIC" of one about a topic, "GROUP" of one below su-gm,
    "CONFIG" of another one without a body; `tick` when it first came."""

    def __init__(self, tick, datagram):
        self.tick = tick
        self.datagram = datagram
        body = self.body
        self.kind = body.get("msgType", "TOPIC") if body else "CONFIG"
        if (coap.URI_PATH, b"su-gm") in self.message.options:
            self.kind = "GROUP"

    # Made when looked at: a scene keeps many requests in a small heap.

    @property
    def message(self):
        return coap.decode(self.datagram)

    @property
    def octets(self):
        """The body as it came."""
        return bytes(self.message.payload)

    @property
    def body(self):
        payload = self.message.payload
        return json.loads(str(payload, "utf-8")) if payload else {}


def agree(asked):
    """An answer for everything: registered for an hour, all else is 2.04 without a body."""
    return (coap.CHANGED, GRANTED) if asked.kind in ("REG", "GWREG") else coap.CHANGED


def always(said):
    """The same answer to everything."""
    return lambda asked: said


def answering(*answers):
    """MSGs get these answers in turn, the last one for ever; all else goes well."""
    left = list(answers)

    def answer(asked):
        if asked.kind != "MSG":
            return agree(asked)
        return left.pop(0) if len(left) > 1 else left[0]

    return answer


def ticks(scene, kind="MSG"):
    """How long after the first each came, in s."""
    asked = scene.of(kind)
    return [(each.tick - asked[0].tick) / 1000 for each in asked]


def clean(scene):
    equal(scene.files, [])
    equal((len(scene.client.outbox.queue), scene.client.outbox.octets), (0, 0))


def hand(client, datagram, peer, tick):
    """Has the client take a datagram that lies where the next one will, as that of a serial line does."""
    buffer = bytearray(datagram)
    client.receive(memoryview(buffer), peer, tick)
    buffer[:] = b"Z" * len(buffer)


class Scene:
    """`answer(asked)` gives what the peer says: a code, (code, payload), (code, payload, options), or None: silence.

    `asked` are the last requests of the device, `count` says how many there were of each msgType,
    `ended` holds the final states by message ID.
    """

    MAX_ASKED = 24
    ahead = True  # whether the device works ahead
    on_event = None  # called with each (kind, subject)

    def __init__(self, answer=agree, storage=None, seed=1, clock=None, **config):
        self.now = TICKS - 5000
        self.answer = answer
        self.asked = []
        self.datagrams = 0
        self.polls = 0
        self.ended = {}
        self.arrivals = 0
        self.count = {}
        self._mid = 0
        self._reply = None
        self._answered = (None, None, None)
        self.storage = MemoryStorage() if storage is None else storage
        self.client = Client(configuration(**config), self.storage, Random(seed).bytes, clock)

    # --- the device's side ---------------------------------------------------------------------------

    @property
    def files(self):
        """What the storage holds beside the journal: payloads."""
        return [name for name in self.storage.names() if name[:4] != "log-"]

    @property
    def tick(self):
        return self.now % TICKS

    def start(self):
        """Gives itself, registered where the peer lets it."""
        self.client.start(self.tick)
        self._pump()
        return self

    def stop(self, **options):
        self.client.stop(self.tick, **options)
        self._pump()

    def link_is_back(self):
        self.client.link_is_back(self.tick)
        self._pump()

    def send(self, to="ue:b@x", payload="hi", **options):
        outgoing = self.client.send(to, payload, self.tick, **options)
        self._pump()
        return outgoing

    def call(self, name, method, *arguments):
        """What the application asks of the procedure `name`."""
        result = self.client.call(name, method, *arguments, self.tick)
        self._pump()
        return result

    def take(self):
        message = self.client.take(self.tick)
        self._pump()
        return message

    def run(self, ms):
        """Moves the clock, with a poll at each deadline; fails where one comes again without an end."""
        end = self.now + ms
        idle = 0
        while True:
            deadline = self.client.next_deadline()
            wait = None if deadline is None else ticks_diff(deadline, self.tick)
            if wait is None or self.now + wait > end:
                break
            idle = idle + 1 if wait <= 0 else 0
            assert idle < 4, "a deadline of %d ms comes again and again" % wait
            self.now += max(0, wait)
            self.client.poll(self.tick)
            self.polls += 1
            self._pump()
        self.now = end

    # --- the peer's side -----------------------------------------------------------------------------

    def post(self, body, peer=PEER, code=coap.POST, path="/msgin5g", format=50, more=()):
        """Sends a request to the device; gives the Message that it answers at once with."""
        options = coap.path_options(path) + list(more)
        if format is not None:
            options.append((coap.CONTENT_FORMAT, coap.uint_octets(format)))
        self._mid = (self._mid + 1) & 0xFFFF
        request = coap.Message(code, body, options, coap.CON, self._mid, b"\x70")
        self._reply = None
        hand(self.client, coap.encode(request), peer, self.tick)
        self._pump()
        return self._reply

    def notify(self, token, body, number, code=coap.CONTENT, mid=None):
        """Sends a confirmable notification with this token and sequence number (None: without Observe); gives the
        Message that it is answered with, None for silence."""
        options = [(coap.CONTENT_FORMAT, b"\x32")]
        if number is not None:
            options.append((coap.OBSERVE, coap.uint_octets(number)))
        self._mid = (self._mid + 1) & 0xFFFF if mid is None else mid
        self._reply = None
        notification = coap.Message(code, body, options, coap.CON, self._mid, token)
        hand(self.client, coap.encode(notification), PEER, self.tick)
        self._pump()
        return self._reply

    def kinds(self):
        return [asked.kind for asked in self.asked]

    def of(self, kind):
        return [asked for asked in self.asked if asked.kind == kind]

    def forget(self):
        """What was asked so far."""
        self.asked = []
        self.count = {}

    def _pump(self):
        client = self.client
        while True:
            item = client.outgoing()
            if item is None:
                break
            self.datagrams += 1
            datagram = bytes(item[0])
            message = coap.decode(datagram)
            if not 1 <= message.code < 32:
                if message.mid == self._mid:
                    self._reply = message
                continue
            reply = self._say(message, datagram)
            if self.ahead:
                client.prepare()  # as the tasks of a device do while a datagram is on its way
            if reply is not None:
                hand(client, reply, PEER, self.tick)
        next_deadline(client)
        while True:
            event = client.next_event()
            if event is None:
                return
            kind, subject = event
            if self.on_event is not None:
                self.on_event(kind, subject)
            if kind == CHANGED:
                if subject.final:
                    assert self.ended.get(subject.message_id, subject.state) == subject.state, "a second end"
                    self.ended[subject.message_id] = subject.state
            elif kind == MESSAGE:
                self.arrivals += 1

    _body = b""  # of a request of the device in blocks

    def _say(self, message, datagram):
        """The datagram of the answer, or None. A request that comes again gets the same one."""
        mid, asked, reply = self._answered
        if mid != message.mid and message.option(coap.BLOCK1) is not None:
            block = message.uint(coap.BLOCK1)
            self._body = (self._body if block >> 4 else b"") + bytes(message.payload)
            if block & 8:
                reply = response(message, (coap.CONTINUE, b"", [(coap.BLOCK1, coap.uint_octets(block))]))
                self._answered = (message.mid, None, reply)
                return reply
            datagram = coap.encode(
                coap.Message(
                    message.code, self._body, message.options, message.type, message.mid, message.token
                )
            )
        if mid != message.mid:
            asked = Asked(self.now, datagram)
            reply = None
            self.count[asked.kind] = self.count.get(asked.kind, 0) + 1
            self.asked.append(asked)
            if len(self.asked) > self.MAX_ASKED:
                self.asked.pop(0)
        if reply is None:
            said = self.answer(asked)
            if said is not None:
                reply = response(message, said)
        self._answered = (message.mid, asked, reply)
        return reply


def response(request, said):
    """The datagram of a piggybacked response; RST where `said` is "reset"."""
    if said == "reset":
        return coap.encode(coap.Message(coap.EMPTY, type=coap.RST, mid=request.mid))
    code, payload, options = (
        (said, b"", ()) if isinstance(said, int) else said if len(said) == 3 else said + ((),)
    )
    type = coap.ACK if request.type == coap.CON else coap.NON
    return coap.encode(coap.Message(code, payload, options, type, request.mid, request.token))


def max_age(seconds):
    return [(coap.MAX_AGE, coap.uint_octets(seconds))]


# --- bodies of the peer, as the tables of TS 24.538 clause 7.3 print them --------------------------------


def msg(message_id="m-1", payload='"hi"', sender="ue:b@x", more=""):
    """MSG (7.3.4.1) to the device; `payload` is JSON, `more` further members with a comma behind each."""
    return (
        '{"msgIden":"urn:3gpp:msgin5g","msgType":"MSG","oriAddr":{"oriAddrType":"UE","addr":"%s"},'
        '"destAddr":{"destAddrType":"UE","addr":"ue:a@x"},"msgId":"%s",%s"sfFlag":false,"payload":%s}'
        % (sender, message_id, more, payload)
    ).encode()


def segment(
    number, total=None, payload='"hi"', set_id="s-1", message_id="m-1", sender="ue:b@x", last=None, more=""
):
    """MSG that is segment `number` of a set."""
    parameters = '"isSegmented":true,"segParams":{"segId":"%s",%s"segNumb":%d%s},' % (
        set_id,
        "" if total is None else '"totalSegCount":%d,' % total,
        number,
        "" if last is None else ',"lastSegFlag":%s' % last,
    )
    return msg(message_id, payload, sender, parameters + more)


def imdn(message_id, status="success", sender="ue:b@x", cause=None):
    """IMDN (7.3.4.2)."""
    return (
        '{"msgIden":"urn:3gpp:msgin5g","msgType":"IMDN","oriAddr":{"oriAddrType":"UE","addr":"%s"},'
        '"destAddr":{"destAddrType":"UE","addr":"ue:a@x"},"msgId":"%s","DelSta":"%s"%s}'
        % (sender, message_id, status, "" if cause is None else ',"Cause":"%s"' % cause)
    ).encode()


def msgresp(message_id, status='"DelSta":"failure"', more=""):
    """MSGRESP (7.3.4.3)."""
    return (
        '{"msgIden":"urn:3gpp:msgin5g","msgType":"MSGRESP","oriAddr":{"oriAddrType":"UE","addr":"ue:a@x"},'
        '"msgId":"%s",%s%s}' % (message_id, status, more)
    ).encode()


def segrec(set_id, ranges):
    """SEGREC (7.3.6.2)."""
    return (
        '{"msgIden":"urn:3gpp:msgin5g","msgType":"SEGREC","segId":"%s","segNoList":"%s"}' % (set_id, ranges)
    ).encode()


def segconfir(set_id, result="true", kind="SEGCONFIR"):
    """SEGCONFIR (7.3.6.1)."""
    return (
        '{"msgIden":"urn:3gpp:msgin5g","msgType":"%s","segId":"%s","result":%s}' % (kind, set_id, result)
    ).encode()
