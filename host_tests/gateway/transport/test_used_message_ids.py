# SPDX-License-Identifier: MIT
"""Another request under a message ID that was used (RFC 7252 section 4.4): a peer that was restarted chose its first ID
at random, and comes to those that it used within EXCHANGE_LIFETIME. It is taken, and a duplicate gets its own answer.
"""

import asyncio
import json
import random
import socket
from uuid import uuid4

import aiocoap
import pytest

from host_tests.gateway import scripted
from host_tests.gateway.devices import UE, run
from host_tests.gateway.transport.test_oscore_gateway import (
    OTHER,
    Raw,
    _Keys,
    guarded,
    msg,
    protected,
    reg,
)
from tools.demo.processes import Gateway
from tools.transport.arrival.recent import Recent

MID = 0x1234


def plain(body, mid, token):
    message = aiocoap.Message(code=aiocoap.POST, uri_path=("msgin5g",), content_format=50)
    message.payload = json.dumps(body).encode()
    message.direction = aiocoap.message.Direction.OUTGOING
    message.mtype, message.mid, message.token = aiocoap.CON, mid, token
    return message.encode()


def changed(mid, token):
    """2.04 in an ACK."""
    return bytes((0x60 | len(token), aiocoap.CHANGED)) + mid.to_bytes(2, "big") + token


class _Device(Raw):
    def ask(self, datagram):
        """The (code, payload) of the response, whatever the gateway has to say beside it."""
        self._socket.send(datagram)
        while True:
            answer = aiocoap.Message.decode(self._socket.recv(2048))
            if answer.code.is_response() and answer.token == datagram[4:5]:
                return answer.code, answer.payload


async def _three_under_one(gateway, make):
    """The answers to three messages under one ID, the second of them sent twice."""
    device = _Device(gateway)
    device.ask(make(reg(UE), 1, b"r"))
    ids = [str(uuid4()) for _ in range(3)]
    tokens = (b"1", b"2", b"3")
    datagrams = [
        make({**msg(UE), "msgId": each}, MID, token) for each, token in zip(ids, tokens, strict=True)
    ]
    datagrams.insert(2, datagrams[1])
    answers = [device.ask(datagram) for datagram in datagrams]
    assert [code for code, _ in answers] == [aiocoap.CHANGED] * 4
    for each in ids:
        await gateway.event("accepted", msgId=each)
    return answers


def test_in_the_clear(tmp_path):
    async def main():
        async with Gateway(tmp_path, "--open") as gateway:
            device = _Device(gateway)
            device.ask(plain(reg(OTHER), 2, b"r"))
            device.ask(plain({**reg(OTHER), "msgType": "DEREG"}, 3, b"d"))
            await _three_under_one(gateway, plain)

    run(main())


def test_protected(tmp_path):
    async def main():
        async with guarded(tmp_path, UE, OTHER) as (gateway, keys, _):
            context = _Keys(keys["security"], 0)
            answers = await _three_under_one(gateway, lambda *arguments: protected(context, *arguments))
            assert answers[1] == answers[2] and len({*answers}) == 3  # each has its own nonce

    run(main())


class _Manager:
    """Of aiocoap's, what the table of duplicates meets."""

    def __init__(self):
        self.sent = []
        self._send_initially = self.sent.append


def _message(code, mtype, **fields):
    message = aiocoap.Message(code=code, **fields)
    message.mtype, message.mid, message.remote = mtype, MID, "peer"
    message.opt.uri_path = ("a",)
    return message


@pytest.mark.parametrize(
    "differs",
    [
        {"code": aiocoap.PUT},
        {"payload": b"2"},
        {"_token": b"t"},
        {"uri_query": ("b",)},
    ],
    ids=str,
)
def test_what_makes_it_another_request(differs):
    manager, recent = _Manager(), Recent()
    recent.attach(manager)
    answer = _message(aiocoap.CHANGED, aiocoap.ACK)
    for fields in ({}, differs):
        fields = {"code": aiocoap.POST, "payload": b"1", **fields}
        assert not manager._deduplicate_message(_message(mtype=aiocoap.CON, **fields))
        assert manager._deduplicate_message(_message(mtype=aiocoap.CON, **fields))
        assert manager.sent == []  # nothing to say again yet
        manager._store_response_for_duplicates(answer)
        assert manager._deduplicate_message(_message(mtype=aiocoap.CON, **fields))
        assert manager.sent.pop() is answer


def test_a_request_of_our_own_is_no_answer_to_one_of_the_same_id():
    manager, recent = _Manager(), Recent()
    recent.attach(manager)
    request = _message(aiocoap.POST, aiocoap.CON, payload=b"1")
    assert not manager._deduplicate_message(request)
    answer = _message(aiocoap.CHANGED, aiocoap.ACK)
    manager._store_response_for_duplicates(answer)
    manager._store_response_for_duplicates(_message(aiocoap.POST, aiocoap.CON, payload=b"ours"))
    assert manager._deduplicate_message(request)
    assert manager.sent == [answer]


def test_an_answer_to_a_request_of_an_earlier_run(tmp_path):
    """It comes late, to a gateway that chose the ID and the Token of then (RFC 7252 section 5.3.1) for what it asks
    now. aiocoap takes both from `random`."""

    async def pushed(device):
        while True:
            message = aiocoap.Message.decode(await asyncio.to_thread(device.recv, 2048))
            if message.code is aiocoap.POST:
                return message

    async def main():
        store = str(tmp_path / "gateway.db")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
            device.settimeout(20)
            random.seed(1)
            async with scripted.gateway(store) as first, scripted.ApplicationServer(first) as server:
                await server.register()
                device.connect(("127.0.0.1", first.coap_port))
                device.send(plain(reg(UE), 1, b"r"))
                await first.journal.wait("registered", ue=UE)
                await server.deliver(server.message(UE, "a"))
                then = await pushed(device)
            random.seed(1)
            async with scripted.gateway(store, port=first.coap_port) as second:
                now = await pushed(device)
                assert (now.mid, now.payload) == (then.mid, then.payload)
                assert now.token != then.token and len(now.token) == 4
                device.send(changed(now.mid, then.token))
                again = await pushed(device)
                assert second.journal.find("delivered") == []
                assert again.payload == now.payload
                device.send(changed(again.mid, again.token))
                await second.journal.wait("delivered")

    run(main())
