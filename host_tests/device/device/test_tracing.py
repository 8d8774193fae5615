# SPDX-License-Identifier: MIT
# heap: 256k, all lines of a trace lie in it at once
"""The trace of a running client: what it notes of datagrams, messages, registration and counters, in how much room, and
that nothing of it is left when it ends."""

import asyncio
import json
import sys

import coap
from common import Random, Skip, equal, raises
from msgin5g import Client, MemoryStorage
from msgin5g_scene import GRANTED, PEER, configuration


class Link:
    """Takes each datagram, and keeps it."""

    peer = PEER

    def __init__(self):
        self.sent = []
        self.busy = False

    def send(self, octets, address):
        if self.busy:
            return False
        self.sent.append(bytes(octets))
        return True

    async def open(self):
        await asyncio.sleep(60)

    def close(self):
        pass


class Scene:
    """A client whose link is the test's, traced from the beginning."""

    def __init__(self, **more):
        if sys.implementation.name != "micropython":
            raise Skip("the tasks of a device are those of MicroPython")
        from device.client import RunningClient

        self.link = Link()
        core = Client(configuration(**more), MemoryStorage(), Random(1).bytes)
        self.client = RunningClient(core, self.link, MemoryStorage())
        # of the module, not of the package: nothing else of a device asks for it
        equal("device.tracing" in sys.modules, False)
        from device import tracing

        self.tracing = tracing
        tracing.begin(self.client)
        self.client._call(core.start, 0)

    def hear(self, octets):
        client = self.client
        client._call(client.core.receive, octets, PEER, 10, client._transmit)

    def answer(self, code, payload=b"", place=-1):
        """Answer the last request, or another one; return its message."""
        asked = coap.decode(self.link.sent[place])
        self.hear(coap.encode(coap.Message(code, payload), coap.ACK, asked.mid, asked.token))
        return asked

    def lines(self):
        """All but the head, without the times."""
        return [line[11:] for line in self.tracing.trace.lines()][1:]

    def beginning(self, text):
        """Those of them that begin so: all at once are much for this heap."""
        return [line[11:] for line in self.tracing.trace.lines() if line[11:].startswith(text)]

    def end(self):
        self.tracing.end()
        self.client.abandon()


def play(act, **more):
    async def run():
        scene = Scene(**more)
        try:
            act(scene)
        finally:
            scene.end()

    asyncio.run(run())


def hexadecimal(octets):
    return "".join(["%02x" % octet for octet in octets])


def said(way, kind, code, message, size):
    token = hexadecimal(message.token) or "-"
    return "%s %s %s mid %04x token %s octets %d" % (way, kind, code, message.mid, token, size)


def test_registration_and_a_message_with_its_report():
    def act(scene):
        asked = scene.answer(coap.CHANGED, GRANTED)
        lines = scene.lines()
        # RFC 7252: a header of 4 octets, the token's 4, the payload marker, the payload
        answer = 4 + 4 + 1 + len(GRANTED)
        mid = " mid %04x" % asked.mid
        for line in (
            "> REG -" + mid,
            said(">", "CON", "0.02", asked, len(scene.link.sent[0])),
            ". registration registering",
            said("<", "ACK", "2.04", asked, answer),
            "= 2.04" + mid,
            ". registration registered",
        ):
            equal((line in lines, line), (True, line))
        core = scene.client.core
        outgoing = scene.client._call(core.send, "as:b@x", "21.5", 20, to_type="AS", report=True)
        asked = scene.answer(coap.CHANGED)
        short = outgoing.message_id[:8]
        body = b'{"msgIden":"urn:3gpp:msgin5g","msgType":"IMDN","msgId":"%s","DelSta":"success",'
        body += b'"oriAddr":{"oriAddrType":"AS","addr":"as:b@x"}}'
        options = [(coap.URI_PATH, b"msgin5g"), (coap.CONTENT_FORMAT, b"\x32")]
        report = coap.Message(coap.POST, body % outgoing.message_id.encode(), options)
        scene.hear(coap.encode(report, coap.CON, 0x7001, b"\xaa\xbb"))
        lines = scene.lines()
        for line in (
            "> MSG %s mid %04x" % (short, asked.mid),
            ". message %s sent" % short,
            "= 2.04 mid %04x" % asked.mid,
            ". message %s accepted" % short,
            "< IMDN %s mid 7001 answered 2.04" % short,
            "> ACK 2.04 mid 7001 token aabb octets 6",
        ):
            equal((lines.count(line), line), (1, line))

    play(act)


def test_a_refused_registration_with_its_cause():
    def act(scene):
        asked = scene.answer(coap.FORBIDDEN, b"unknown\x1b[2J")
        lines = scene.lines()
        equal("= 4.03 mid %04x" % asked.mid in lines, True)
        told = [line for line in lines if line.startswith(". registration refused: ")]
        equal(len(told), 1)
        equal(("unknown?[2J" in told[0], told[0]), (True, told[0]))  # nothing that a terminal obeys

    play(act)


def test_segments_have_their_numbers():
    def act(scene):
        scene.answer(coap.CHANGED, GRANTED)
        core = scene.client.core
        outgoing = scene.client._call(core.send, "as:b@x", "x" * 2500, 20, to_type="AS")
        scene.answer(coap.CHANGED)
        text = "> MSG %s " % outgoing.message_id[:8]
        parts = [line.split()[3] for line in scene.lines() if line.startswith(text)]
        total = json.loads(bytes(coap.decode(scene.link.sent[-1]).payload))["segParams"]["totalSegCount"]
        equal(parts[:2], ["1/%d" % total, "2/%d" % total])

    play(act)


def test_the_same_datagram_again_and_again():
    def act(scene):
        first = coap.decode(scene.link.sent[0])
        client = scene.client
        for at in (4000, 12000):  # ACK_TIMEOUT * ACK_RANDOM_FACTOR is 3 s at most, doubled after each
            client._call(client.core.poll, at)
        line = said(">", "CON", "0.02", first, len(scene.link.sent[0]))
        found = [each for each in scene.lines() if each.startswith(line)]
        equal(found, [line, line + " again 1", line + " again 2"])

    play(act)


def test_what_a_busy_link_did_not_take_is_not_noted():
    def act(scene):
        scene.answer(coap.CHANGED, GRANTED)
        before = scene.tracing.trace.count
        scene.link.busy = True
        scene.hear(b"\x40\x00\x12\x34")  # a ping: RFC 7252 section 4.3
        equal([line[:1] for line in scene.lines()][before:], ["<"])
        scene.link.busy = False
        scene.client._call(scene.client.core.poll, 20)
        equal(scene.lines()[-1], "> RST 0.00 mid 1234 token - octets 4")

    play(act)


def test_its_room_is_bounded_whatever_comes():
    def act(scene):
        source = Random(7)
        scene.answer(coap.CHANGED, GRANTED)
        for _ in range(600):
            scene.hear(source.bytes(source.below(40)))
        trace = scene.tracing.trace
        equal((trace.missed, trace.count > 600), (0, True))
        lines = trace.lines()
        head = next(lines)
        equal((" events 256, older lost %d, missed 0" % (trace.count - 256) in head, head), (True, head))
        count = malformed = 0
        for line in lines:
            octets = line.encode()
            equal(max(octets) < 0x7F and min(octets) >= 0x20, True)
            count += 1
            # the counter that says what became of it: no CoAP, RFC 7252 section 3
            malformed += line[11:].startswith(". endpoint malformed ")
        equal((count, malformed > 0), (256, True))

    play(act)


def body_of(kind, more=""):
    """A request of the peer, written as one that likes spaces does."""
    return (
        '{ "msgIden" : "urn:3gpp:msgin5g", "msgType" :\t"%s", "oriAddr": {"oriAddrType": "UE", "addr": "ue:b@x"},'
        '\n "destAddr": {"destAddrType": "UE", "addr": "ue:a@x"}, "msgId": "89abcdef-0", "sfFlag": false%s,'
        ' "payload": "hi"}' % (kind, more)
    ).encode()


def post(scene, body, mid=0x7001):
    options = [(coap.URI_PATH, b"msgin5g"), (coap.CONTENT_FORMAT, b"\x32")]
    scene.hear(coap.encode(coap.Message(coap.POST, body, options), coap.CON, mid, b"\xaa"))


def test_a_body_is_read_whatever_spaces_are_in_it():
    def act(scene):
        scene.answer(coap.CHANGED, GRANTED)
        post(scene, body_of("MSG"))
        parameters = ', "isSegmented": true, "segParams": {"segId": "s", "segNumb" : 2, "totalSegCount": 3}'
        post(scene, body_of("MSG", parameters).replace(b"89abcdef", b"89abcdee"), 0x7002)
        parameters = ', "isSegmented": true, "segParams": {"segId": "s", "segNumb": 1}'
        post(scene, body_of("MSG", parameters).replace(b"89abcdef", b"89abcdee"), 0x7003)
        lines = scene.lines()
        for line in (
            "< MSG 89abcdef mid 7001 answered 2.04",
            "< MSG 89abcdee 2/3 mid 7002 answered 2.04",
            "< MSG 89abcdee 1/? mid 7003 answered 2.04",
        ):
            equal((line in lines, line), (True, line))

    play(act)


def test_what_the_peer_calls_things_takes_no_place_of_ours():
    def act(scene):
        for number in range(100):
            post(scene, body_of("KIND-%d" % number), 0x7000 + number)
        scene.answer(coap.CHANGED, GRANTED, 0)
        equal(scene.beginning(". registration registered"), [". registration registered"])
        core = scene.client.core
        outgoing = scene.client._call(core.send, "as:b@x", "21.5", 20, to_type="AS")
        short = outgoing.message_id[:8]
        equal(len(scene.beginning("> MSG %s mid " % short)), 1)
        equal(scene.beginning(". message %s sent" % short), [". message %s sent" % short])
        last = "< ? 89abcdef mid 7063 answered 4.00"  # of a hundred
        equal(scene.beginning(last), [last])

    play(act)


def test_what_comes_while_it_is_printed():
    """A board's console goes on with the client between two lines."""

    def act(scene):
        source = Random(9)
        scene.answer(coap.CHANGED, GRANTED)

        def come(count):
            for _ in range(count):
                scene.hear(
                    b"\x58\x45" + source.bytes(10)
                )  # NON 2.05 (RFC 7252 section 3) that nobody asked for

        come(300)
        trace = scene.tracing.trace
        # Numbers in place of the lines: twice 256 of them leave no room on a board.
        before = [hash(line) for line in trace.lines()]
        found = []
        for line in trace.lines():
            found.append(hash(line))
            if len(found) == 11:  # the head, and ten events
                come(60)
        gone = 0
        while found[11] != before[11 + gone]:
            gone += 1
        equal(gone > 60, True)
        equal(found[:-1], before[:11] + before[11 + gone :])
        equal(line[11:], ". trace overwritten %d" % gone)

    play(act)


def test_messages_that_came_together_are_noted_each():
    def act(scene):
        scene.answer(coap.CHANGED, GRANTED)
        text = (
            '{"msgIden":"urn:3gpp:msgin5g","msgType":"MSG","oriAddr":{"oriAddrType":"UE","addr":"ue:b@x"},'
            '"destAddr":{"destAddrType":"UE","addr":"ue:a@x"},"msgId":"0a0a0a0a-1","totalMsgCount":2,"msgList":['
            '{"msgId":"0b0b0b0b-1","payload":"1"},{"msgId":"0c0c0c0c-1","payload":"2"}]}'
        )
        post(scene, text.encode())
        post(scene, body_of("MSG"), 0x7002)
        received = [line for line in scene.lines() if line.endswith(" received")]
        equal(received, [". message %s received" % each for each in ("0b0b0b0b", "0c0c0c0c", "89abcdef")])

    play(act)


def test_without_the_memory_for_it_nothing_is_left():
    def act(scene):
        tracing, client = scene.tracing, scene.client
        tracing.end()
        through = tracing.Trace._through
        made = []

        def failing(self, *arguments):
            made.append(arguments)
            if len(made) == 3:
                raise MemoryError
            return through(self, *arguments)

        tracing.Trace._through = failing
        try:
            raises(MemoryError, tracing.begin, client)
        finally:
            tracing.Trace._through = through
        equal((tracing.trace, "device.tracing" in sys.modules), (None, False))
        for holder in (client._link, client.core, client.core.endpoint):
            for name in FOLLOWED:
                equal((name in holder.__dict__, name), (False, name))

    play(act)


def test_an_l3_message_that_is_longer_than_its_payload_may_be():
    """TS 24.538 Annex A.2: LV-E, so a payload of 65,535 octets at most, behind a type, a target and an ID."""

    def act(scene):
        trace = scene.tracing.trace
        trace._l3 = True
        trace._datagram(0, [b"\x01" + bytes(40)] + [bytes(4369)] * 15)
        equal(scene.lines()[-1], "> L3 01 octets 65576")

    play(act)


class Health:
    attend = id


class Timer:
    """The part of a board that calls between the keys."""

    running = False

    def every(self, *_):
        self.running = True
        return self

    def deinit(self):
        self.running = False


def test_a_client_that_cannot_be_traced_runs_between_the_keys():
    def act(scene):
        from device import console, runner

        tracing, client, timer = scene.tracing, scene.client, Timer()

        def fail(*_):
            raise MemoryError

        def run(_):
            runner.running[:] = [client]
            return client

        tracing.trace.follow = fail
        names = "_board", "_loop", "_run", "start_client", "_until", "health"
        others = {name: getattr(console, name) for name in names}
        try:
            console._board, console._run, console.health = timer, run, Health
            console._loop = console._until = console.start_client = lambda *_, **more: None
            raises(MemoryError, console.start)
            equal(tracing.trace, None)
            equal((console.start() is client, timer.running), (True, True))
        finally:
            for name, value in others.items():
                setattr(console, name, value)
            console.client = console._timer = None

    play(act)


FOLLOWED = ("send", "receive", "poll", "next_event", "serve", "_handle", "request")


def test_a_failure_of_its_own_is_counted_and_stays_here():
    def act(scene):
        trace = scene.tracing.trace

        def fail(*_):
            raise MemoryError

        trace._put = fail
        scene.answer(coap.CHANGED, GRANTED)
        equal(scene.client.registered, True)
        del trace._put
        equal(trace.missed > 0, True)
        equal(", missed %d" % trace.missed in list(trace.lines())[0], True)

    play(act)


def test_nothing_is_left_of_it():
    def act(scene):
        scene.tracing.end()
        scene.tracing.end()  # nothing comes back by that
        equal("device.tracing" in sys.modules, False)
        client = scene.client
        for holder in (client._link, client.core, client.core.endpoint):
            for name in FOLLOWED:
                equal((name in holder.__dict__, name), (False, name))
        scene.answer(coap.CHANGED, GRANTED)
        equal(client.registered, True)

    play(act)
