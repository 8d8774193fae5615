# SPDX-License-Identifier: MIT
# Runs on MicroPython. A whole client, and all that the tasks of a device ask of it (`_call`, `_flush` and `_tick` of
# device/runner.py). The link is left out, and what the other side says is made before.
import json
from hashlib import sha256

from coap import CHANGED, CONTENT_FORMAT, POST, Message, encode, path_options
from coap.compat import ticks_diff
from coap.message import append_content
from coap.oscore.context import Context, read_request_option
from msgin5g import Client, Config, MemoryStorage

UE, AS = "ue:sensor-1@example.org", "as:weather@example.org"
PEER = ("192.0.2.1", 5683)
SECRET = bytes(range(16))
KEY = {"mode": "oscore", "master_secret": SECRET.hex(), "sender_id": "01", "recipient_id": "02"}
GRANTED = b'{"oriAddr":{"oriAddrType":"UE","addr":"ue:sensor-1@example.org"},"result":true,"regExpTime":3600}'
TEXT = "temperature 21.5 C, humidity 43 %, pressure 1013.2 hPa, wind 3.4 m/s from the west, battery 87 % ..."
assert len(TEXT) == 100
LARGE = 32 * 1024
PART = "QUJD" * 180  # the value of a segment
BODY = {
    "msgIden": "urn:3gpp:msgin5g",
    "msgType": "MSG",
    "oriAddr": {"oriAddrType": "AS", "addr": AS},
    "destAddr": {"destAddrType": "UE", "addr": UE},
    "isDelivStatReq": True,
}
JSON = (CONTENT_FORMAT, b"\x32")
STREAM = b"".join([sha256(bytes((number,))).digest() for number in range(256)])
used = 0


def octets(size):
    # the same in each run
    global used
    used += size
    return STREAM[used - size : used]


class Device:
    def __init__(self, key=None):
        self.keys = None
        if key is not None:
            ids = (b"\1", b"\2"), (b"\2", b"\1")
            self.keys = [Context(SECRET, *pair, MemoryStorage()) for pair in ids]
        self.answers = []
        self.requests = []
        members = {"role": "client", "ue_service_id": UE, "peer": "coap://192.0.2.1:5683"}
        members["security"] = key or {"mode": "none"}
        self.client = Client(Config(members), MemoryStorage(), octets)
        self.now = 0
        self.armed = None
        self.sent = None
        self.answers_with(GRANTED)
        self.call(self.client.start)
        self.answer()
        assert self.client.registered

    # what the other side says, in its order

    def answers_with(self, payload=b"", times=1):
        for _ in range(times):
            response = Message(CHANGED, payload, [JSON] if payload else [])
            if self.keys:
                device, own = self.keys
                # of the number that the device's own will have
                asked, _ = device.protect_request(Message(POST))
                _, binding = own.unprotect_request(asked, read_request_option(asked)[0])
                response = own.protect_response(response, binding)
            content = bytearray((response.code,))
            append_content(content, response.options, response.payload)
            self.answers.append(content)

    def asked(self, times):
        for number in range(times):
            self.asks(dict(BODY, msgId="6b7d7d6c-5d55-4b6e-9e3c-%012d" % number, payload=TEXT))
        self.answers_with(times=times)

    def segments(self, times):
        for number in range(1, 1 + times):
            parameters = {"segId": "0123456789abcdef", "totalSegCount": 2 * times, "segNumb": number}
            part = dict(BODY, msgId="6b7d7d6c-5d55-4b6e-9e3c-000000000000", payload=PART)
            self.asks(dict(part, isSegmented=True, segParams=parameters))

    def asks(self, body):
        payload = json.dumps(body, separators=(",", ":")).encode()
        message = Message(POST, payload, path_options("/msgin5g") + [JSON])
        if self.keys:
            message, _ = self.keys[1].protect_request(message)
        self.requests.append(encode(message, 0, len(self.requests), bytes(4)))

    # what the tasks do

    def call(self, function, *arguments):
        result = function(*arguments, self.now)
        if self.flush():
            self.tick(True)
        return result

    def flush(self):
        client = self.client
        while True:
            item = client.outgoing()
            if item is None:
                break
            self.sent = item[0]
        while client.next_event() is not None:
            pass
        assert client.idle is not None
        return client.next_deadline() != self.armed

    def tick(self, kicked=False):
        deadline = self.client.next_deadline()
        if not kicked or deadline is not None and ticks_diff(self.now, deadline) >= 0:
            self.client.poll(self.now)
            self.flush()
        self.client.prepare()
        self.armed = self.client.next_deadline()

    def answer(self):
        content = self.answers.pop(0)
        # piggybacked: with message ID and token of the request
        datagram = b"\x64" + content[:1] + self.sent[2:8] + content[1:]
        self.call(self.client.receive, datagram, PEER)

    # what is counted

    def message(self):
        client = self.client
        outgoing = self.call(lambda now: client.offer(AS, TEXT, now, to_type="AS"))
        assert outgoing.spool is None  # all of it is on flash
        self.answer()
        assert outgoing.final

    def refresh(self):
        self.now += 3_100_000
        self.tick()
        self.answer()

    def received(self):
        self.call(self.client.receive, self.requests.pop(0), PEER)
        taken = self.call(self.client.take)
        self.answer()
        assert taken.payload == TEXT and self.client.idle

    def send_large(self):
        client = self.client
        self.call(lambda now: client.send(AS, bytes(LARGE), now, "AS"))

    def segment_in(self):
        self.call(self.client.receive, self.requests.pop(0), PEER)
        assert self.sent[1] == CHANGED

    def deadline(self):
        self.client.next_deadline()
