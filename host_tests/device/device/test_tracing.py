# SPDX-License-Identifier: MIT
"""The trace of a running client: what it notes of datagrams, messages, registration and counters, in how much room, and
that nothing of it is left when it ends."""

import asyncio
import json
import sys

import coap
from common import Random, Skip, equal
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

    def answer(self, code, payload=b""):
        """Answer the last request; return its message."""
        asked = coap.decode(self.link.sent[-1])
        self.hear(coap.encode(coap.Message(code, payload), coap.ACK, asked.mid, asked.token))
        return asked

    def lines(self):
        """All but the head, without the times."""
        return [line[11:] for line in self.tracing.trace.lines()][1:]

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
        equal((" 256 events, %d older lost, 0 missed" % (trace.count - 256) in head, head), (True, head))
        count = malformed = 0
        for line in lines:
            octets = line.encode()
            equal(max(octets) < 0x7F and min(octets) >= 0x20, True)
            count += 1
            # the counter that says what became of it: no CoAP, RFC 7252 section 3
            malformed += line[11:].startswith(". endpoint malformed ")
        equal((count, malformed > 0), (256, True))

    play(act)


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
        equal(" %d missed" % trace.missed in list(trace.lines())[0], True)

    play(act)


def test_nothing_is_left_of_it():
    def act(scene):
        scene.tracing.end()
        equal("device.tracing" in sys.modules, False)
        client = scene.client
        for holder in (client._link, client.core, client.core.endpoint):
            for name in ("send", "receive", "poll", "next_event", "serve", "_handle", "request"):
                equal((name in holder.__dict__, name), (False, name))
        scene.answer(coap.CHANGED, GRANTED)
        equal(client.registered, True)

    play(act)
