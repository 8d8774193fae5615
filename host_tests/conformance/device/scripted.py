# SPDX-License-Identifier: MIT
"""What a device may meet as its gateway or server: a socket, aiocoap's codec and aiocoap's OSCORE, bodies that a test
writes, and nothing of ours. The device is the firmware on MicroPython."""

import asyncio
import contextlib
import json

import aiocoap
from aiocoap.numbers.types import Type

from host_tests.conformance.raw import Keys
from host_tests.gateway.found import beacons

IMEI = "urn:imei:35-209900-176148-1"
UE = "ue:s1@example.org"
SERVICE = "urn:3gpp:msgin5g"
# the device's half; the other one is the same with the IDs the other way round
SECTION = {
    "mode": "oscore",
    "master_secret": "000102030405060708090a0b0c0d0e0f",
    "master_salt": "a0a1a2a3a4a5a6a7",
    "sender_id": "01",
    "recipient_id": "02",
}
_THEIRS = SECTION | {"sender_id": "02", "recipient_id": "01"}


def document(ue=UE, data=None, **more):
    """The array that TS 24.546 clause C.4 describes, with the extension of TS 24.538 clause 7.2 in it."""
    data = json.dumps({"ueServiceId": ue} | more) if data is None else data
    whole = {
        "ueConfigDocId": "3f2a",
        "valServiceDomain": "example.org",
        "valServiceId": SERVICE,
        "valUeIds": {"uris": [IMEI]},
        "ueConfigs": [{"configType": "ON_NETWORK", "configData": data}],
    }
    return json.dumps([whole]).encode()


class Peer(beacons.Socket):
    """`said(request)` gives what a request is answered with: a code, (code, payload), (code, payload, {option: value}),
    or None for silence. `plain` are the requests of the device, decrypted; `answers` what it answered ours with."""

    def __init__(self, config=None, secure=False):
        super().__init__()
        self.config = config  # what a GET is answered with
        self.plain = []
        self.answers = []
        self.made = []  # of OSCORE: what each request was bound to
        self.registered = aiocoap.CHANGED, b'{"result":true,"regExpTime":600}'
        self._keys = Keys(_THEIRS) if secure else None
        self._known = {}
        self._mid = 5000

    def said(self, request):
        if request.code == aiocoap.GET:
            return self.config
        kind = beacons.type_of(request)
        return self.registered if kind in ("REG", "GWREG") else aiocoap.CHANGED

    def heard(self, message, address):
        self.address = address
        if not message.code.is_request():
            self.answers.append(message)
            self._changed.set()
            return
        if message.mid in self._known:  # it came again
            octets = self._known[message.mid]
        else:
            plain, bound = message, None
            if self._keys:
                plain, bound = self._keys.unprotect(message)
            self.plain.append(plain)
            self.made.append((message.token, bound))
            octets = self._known[message.mid] = self._answer(message, bound, self.said(plain))
        if octets is not None:
            self.transport.sendto(octets, address)
        self._changed.set()

    def _answer(self, request, bound, said):
        if said is None:
            return None
        return self._encoded(said, bound, request.token, Type.ACK, request.mid)

    def _encoded(self, said, bound, token, kind, mid):
        code, payload, options = (*said, b"", {})[:3] if isinstance(said, tuple) else (said, b"", {})
        if isinstance(said, tuple) and len(said) == 2:
            options = {}
        message = aiocoap.Message(code=code, payload=payload)
        if payload and code.is_successful():
            message.opt.content_format = 50
        for name, value in options.items():
            setattr(message.opt, name, value)
        if bound is not None:
            message, _ = self._keys.protect(message, bound)
        message.mtype, message.mid, message.token = kind, mid, token
        return message.encode()

    def later(self, said, place=0):
        """Answers the request of this place once more: a separate, confirmable response (RFC 7252 section 5.2.2)."""
        token, bound = self.made[place]
        self._mid += 1
        self.transport.sendto(self._encoded(said, bound, token, Type.CON, self._mid), self.address)
        return self._mid

    async def post(self, body):
        """The code that a POST of ours is answered with."""
        self._mid += 1
        message = aiocoap.Message(code=aiocoap.POST, payload=json.dumps(body).encode())
        message.opt.uri_path = ("msgin5g",)
        message.opt.content_format = 50
        message.mtype, message.mid, message.token = Type.CON, self._mid, b"\x77"
        self.transport.sendto(message.encode(), self.address)
        return (await self.answer_to(self._mid)).code

    async def answer_to(self, mid):
        """What came with this message ID: an acknowledgement or a Reset."""
        return await self.until(lambda: next((each for each in self.answers if each.mid == mid), None))

    async def until(self, found):
        async with beacons.patience(beacons.LONG):
            while True:
                result = found()
                if result:
                    return result
                self._changed.clear()
                await self._changed.wait()

    def of(self, kind):
        """The requests of this msgType; those of GET where it is None."""
        return [
            request
            for request in self.plain
            if (request.code == aiocoap.GET if kind is None else beacons.type_of(request) == kind)
        ]

    async def asked(self, kind=None, count=1):
        """The request of this msgType (None: for the configuration) that came as number `count`."""
        return (await self.until(lambda: len(self.of(kind)) >= count and self.of(kind)))[count - 1]

    @property
    def uri(self):
        return "coap://127.0.0.1:%d" % self.transport.get_extra_info("sockname")[1]


@contextlib.asynccontextmanager
async def listening(peer):
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: peer, local_addr=("127.0.0.1", 0))
    try:
        yield peer
    finally:
        transport.close()


@contextlib.asynccontextmanager
async def out_of_the_box(folder, peer, secure=False, **more):
    """(the peer, the Device): it knows its UE ID, a peer and perhaps a key."""
    known = {"ue_service_id": None, "ue_id": IMEI}
    if secure:
        known["security"] = SECTION
    async with listening(peer):
        async with beacons.device(folder, peer.uri, **known | more) as device:
            yield peer, device


async def says(device, words):
    """Waits for a line of the device's console that has these words at its end."""
    await device.lines.until(lambda line: line.rstrip().endswith(words), words)


def body(request):
    return json.loads(request.payload)


def who(request):
    return body(request)["oriAddr"]["addr"]
