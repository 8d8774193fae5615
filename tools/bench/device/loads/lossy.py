# SPDX-License-Identifier: MIT
# Runs on MicroPython. A whole client and a server that says yes to all, each with CoAP of its own, on a network that
# loses datagrams, in virtual time: what happens follows from the seed.
import json
from hashlib import sha256

import coap
from msgin5g import Client, Config, MemoryStorage

UE, AS = "ue:sensor-1@example.org", "as:weather@example.org"
DEVICE, SERVER = ("192.0.2.1", 5683), ("192.0.2.2", 5683)
GRANTED = (
    b'{"oriAddr":{"oriAddrType":"UE","addr":"ue:sensor-1@example.org"},"result":true,"regExpTime":1000000}'
)
REPORT = {
    "msgIden": "urn:3gpp:msgin5g",
    "msgType": "IMDN",
    "oriAddr": {"oriAddrType": "AS", "addr": AS},
    "destAddr": {"destAddrType": "UE", "addr": UE},
    "DelSta": "success",
}
JSON = (coap.CONTENT_FORMAT, b"\x32")
DELAY = 100  # ms, each way


class Chance:
    # of a seed, the same wherever it runs
    def __init__(self, seed):
        self.state = seed.encode()

    def octets(self, size):
        taken = b""
        while len(taken) < size:
            self.state = sha256(self.state).digest()
            taken += self.state[:16]
        return taken[:size]

    def falls(self, percent):
        return int.from_bytes(self.octets(2), "big") * 100 < percent * 65536


class World:
    def __init__(self, loss, seed):
        self.now = 0
        self.loss = 0
        self.sent = 0  # datagrams, lost ones too
        self.got = []
        self.chance = Chance("the network %d" % seed)
        self.flying = []  # (when, to the server, datagram): in the order of their sending they arrive
        members = {
            "role": "client",
            "ue_service_id": UE,
            "peer": "coap://192.0.2.2:5683",
            "security": {"mode": "none"},
        }
        self.client = Client(Config(members), MemoryStorage(), Chance("the device %d" % seed).octets)
        self.server = coap.Endpoint(random=Chance("the server %d" % seed).octets)
        self.client.start(0)
        self.until(lambda: self.client.registered)
        self.loss = loss

    def until(self, done):
        while True:
            self.flush()
            if done():
                return
            times = [self.client.next_deadline(), self.server.next_deadline()]
            times += [flight[0] for flight in self.flying[:1]]
            self.now = max(self.now, min([when for when in times if when is not None]))
            assert self.now < 100000000, "it comes to no end"
            if self.flying and self.flying[0][0] <= self.now:
                _, to_server, datagram = self.flying.pop(0)
                if to_server:
                    self.server.receive(datagram, DEVICE, self.now)
                else:
                    self.client.receive(datagram, SERVER, self.now)
            self.client.poll(self.now)
            self.server.poll(self.now)

    def flush(self):
        while self.client.next_event() is not None:
            pass
        for side, to_server in ((self.client, True), (self.server, False)):
            if not to_server:
                self.answer()
            while True:
                item = side.outgoing()
                if item is None:
                    break
                self.sent += 1
                if not self.chance.falls(self.loss):
                    self.flying.append((self.now + DELAY, to_server, bytes(item[0])))

    def answer(self):
        while True:
            event = self.server.next_event()
            if event is None:
                return
            kind, incoming, message = event
            if kind == coap.TIMEOUT:
                self.report(incoming.tag)  # a server tries again, too
            if kind != coap.REQUEST:
                continue
            body = json.loads(message.payload)
            known = body["msgType"] == "REG"
            answer = coap.Message(coap.CHANGED, GRANTED if known else b"", [JSON] if known else [])
            self.server.respond(incoming, answer, self.now)
            if body["msgType"] == "MSG" and body["msgId"] not in self.got:
                self.got.append(body["msgId"])
                self.report(body["msgId"])

    def report(self, message_id):
        payload = json.dumps(dict(REPORT, msgId=message_id)).encode()
        message = coap.Message(coap.POST, payload, coap.path_options("/msgin5g") + [JSON])
        self.server.request(message, DEVICE, self.now, message_id)


def deliver(loss, seed, count):
    # (datagrams of each message, ms of each) until the device knows that it was delivered
    world = World(loss, seed)
    datagrams, times = [], []
    for number in range(count):
        sent, began = world.sent, world.now
        outgoing = world.client.send(AS, "reading %d" % number, world.now, "AS", report=True)
        world.until(lambda outgoing=outgoing: outgoing.final)
        assert outgoing.state == "delivered", outgoing.state
        datagrams.append(world.sent - sent)
        times.append(world.now - began)
    assert len(world.got) == count
    return datagrams, times
