# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.2.3, configuration of a constrained UE through a Gateway UE, at the constrained UE: a gateway that
asks for several UEs at once answers with a maximum configuration time first, and then once more."""

import asyncio

import aiocoap
import pytest

from host_tests.conformance.device.scripted import UE, Peer, document, out_of_the_box, says, who
from host_tests.gateway.devices import run

MODULES = (
    "firmware/msgin5g/procedures/configuration.py",
    "firmware/msgin5g/rules/later.py",
)
ALSO = ("host_tests/device/procedures/test_configuration_held.py",)

HELD = aiocoap.CONTENT, b'{"maxConfTime":20}'


@pytest.fixture(params=[False, True], ids=["none", "oscore"])
def secure(request):
    return request.param


async def held(peer, device):
    await peer.asked()
    await says(device, "configuring")
    await asyncio.sleep(0.1)  # the answer is on its way to it


def test_the_constrained_ue_sends_the_same_get_to_the_gateway_ue(tmp_path, secure):
    async def story():
        async with out_of_the_box(tmp_path, Peer(HELD, secure), secure, gateway_service=True) as (peer, _):
            request = await peer.asked()
            assert request.opt.uri_path[-1] == "ue-configurations"
            # the gateway service comes after it: there is no UE Service ID to register with
            await asyncio.sleep(0.5)
            assert len(peer.plain) == 1

    run(story())


def test_it_takes_the_second_2_05_as_its_configuration(tmp_path, secure):
    async def story():
        async with out_of_the_box(tmp_path, Peer(HELD, secure), secure) as (peer, device):
            await held(peer, device)
            mid = peer.later((aiocoap.CONTENT, document(), {"etag": b"\x01"}))
            answer = await peer.answer_to(mid)
            assert (answer.mtype, answer.code) == (aiocoap.ACK, aiocoap.EMPTY)
            assert who(await peer.asked("REG")) == UE
            assert len(peer.of(None)) == 1

    run(story())


@pytest.mark.parametrize("code", [aiocoap.NOT_FOUND, aiocoap.FORBIDDEN])
def test_it_takes_a_later_refusal(tmp_path, secure, code):
    async def story():
        async with out_of_the_box(tmp_path, Peer(HELD, secure), secure) as (peer, device):
            await held(peer, device)
            mid = peer.later((code, b"unknown"))
            assert (await peer.answer_to(mid)).mtype == aiocoap.ACK
            await says(device, "refused: %s unknown" % code.dotted)

    run(story())


def test_it_takes_no_second_answer_that_is_not_protected(tmp_path):
    async def story():
        async with out_of_the_box(tmp_path, Peer(HELD, True), True) as (peer, device):
            await held(peer, device)
            token, bound = peer.made[0]
            peer.made[0] = token, None
            peer.later((aiocoap.CONTENT, document("ue:forged@example.org")))
            await asyncio.sleep(0.5)
            assert peer.of("REG") == []
            peer.made[0] = token, bound
            peer.later((aiocoap.CONTENT, document()))
            assert who(await peer.asked("REG")) == UE

    run(story())


def test_without_a_second_answer_it_asks_again(tmp_path):
    async def story():
        # the device waits 10 s more than that, for what is on its way
        async with out_of_the_box(tmp_path, Peer((aiocoap.CONTENT, b'{"maxConfTime":0}'))) as (peer, _):
            first = await peer.asked()
            peer.config = aiocoap.CONTENT, document()
            second = await peer.asked(count=2)
            assert second.token != first.token
            assert who(await peer.asked("REG")) == UE

    run(story())
