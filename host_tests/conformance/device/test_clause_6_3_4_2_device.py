# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.3.4.2, registration and de-registration through a Gateway Client, at the constrained UE."""

import aiocoap
import pytest

from host_tests.conformance.device import core as cores
from host_tests.conformance.device.scripted import SERVICE, Peer, body, listening, says
from host_tests.gateway.devices import UE, run
from host_tests.gateway.found import beacons

MODULES = (
    "firmware/msgin5g/procedures/registration.py",
    "firmware/msgin5g/wire/bodies.py",
)
ALSO = (
    "host_tests/device/procedures/test_registration.py",
    "host_tests/device/wire/test_kindness.py",
)

HELD = aiocoap.CHANGED, b'{"oriAddr":{"oriAddrType":"UE","addr":"%s"},"expectedTime":60}' % UE.encode()
BARE = aiocoap.CHANGED, b'{"oriAddr":{"oriAddrType":"UE","addr":"%s"}}' % UE.encode()
NOT_URGENT = {"gateway_service": True, "registration": {"urgent": False, "wait": 45, "lifetime": 600}}


class Bulking(Peer):
    """A Gateway Client: it takes everybody into its service, and answers a REG with `held`."""

    held = HELD

    def said(self, request):
        kind = beacons.type_of(request)
        if kind == "GWREG":
            return aiocoap.CHANGED, b'{"result":true,"acceptedTime":600}'
        return self.held if kind == "REG" else super().said(request)


def told(kind, ue=UE, **members):
    return {"msgIden": SERVICE, "msgType": kind, "oriAddr": {"oriAddrType": "UE", "addr": ue}} | members


def constrained(folder, peer, **more):
    return beacons.device(folder, peer.uri, **NOT_URGENT | more)


def test_a_reg_that_may_wait_has_the_urgent_degree_false_and_the_expiration_time(tmp_path):
    async def story():
        async with listening(Bulking()) as peer, constrained(tmp_path, peer):
            request = body(await peer.asked("REG"))
            assert (request["urgentTag"], request["reqExpTime"]) == (False, 45)
            assert [beacons.type_of(each) for each in peer.plain[:2]] == ["GWREG", "REG"]

    run(story())


def test_it_is_registered_by_the_regresp_and_answers_that_with_2_04(tmp_path):
    async def story():
        for name, held in (("told", HELD), ("bare", BARE)):  # the expected registration time is optional
            folder = tmp_path / name
            folder.mkdir()
            async with listening(Bulking()) as peer, constrained(folder, peer) as device:
                peer.held = held
                await peer.asked("REG")
                await says(device, "waiting")
                assert await peer.post(told("REGRESP", result=True)) == aiocoap.CHANGED
                await says(device, "registered")

    run(story())


def test_a_regresp_without_a_result_is_a_success(tmp_path):
    async def story():
        async with listening(Bulking()) as peer, constrained(tmp_path, peer) as device:
            await peer.asked("REG")
            await says(device, "waiting")
            assert await peer.post(told("REGRESP")) == aiocoap.CHANGED
            await says(device, "registered")

    run(story())


def test_a_regresp_that_failed_says_why(tmp_path):
    async def story():
        async with listening(Bulking()) as peer, constrained(tmp_path, peer) as device:
            await peer.asked("REG")
            await says(device, "waiting")
            assert await peer.post(told("REGRESP", result=False, cause="no room")) == aiocoap.CHANGED
            await says(device, "refused: no room")

    run(story())


def test_a_response_for_another_ue_is_not_its_own(tmp_path):
    async def story():
        async with listening(Bulking()) as peer, constrained(tmp_path, peer) as device:
            await peer.asked("REG")
            await says(device, "waiting")
            for kind in ("REGRESP", "DEREGRESP", "MSGRESP"):
                more = {"msgId": "m-1", "DelSta": "failure"} if kind == "MSGRESP" else {"result": True}
                assert await peer.post(told(kind, "ue:other@example.org", **more)) == aiocoap.NOT_FOUND
            assert not [line for line in device.lines.items if line.rstrip().endswith("registered")]

    run(story())


def test_a_deregresp_ends_the_registration_and_is_answered_with_2_04(tmp_path):
    async def story():
        async with listening(Peer()) as peer, constrained(tmp_path, peer) as device:
            await peer.asked("REG")
            await says(device, "registered")
            assert await peer.post(told("DEREGRESP", result=True)) == aiocoap.CHANGED
            await says(device, "unreachable: the gateway de-registered this device")

    run(story())


def test_a_de_registration_that_may_wait_says_so_and_is_answered(tmp_path):
    async def story():
        app = tmp_path / "leaving.py"
        app.write_text(
            "import asyncio\nfrom device import start\nasync def main():\n    client = await start()\n"
            "    while not client.registered:\n        await asyncio.sleep_ms(20)\n"
            '    await client.stop(urgent=False)\n    print(\'> {"step": "left"}\')\nasyncio.run(main())\n'
        )
        async with listening(Peer()) as peer:
            made = beacons.Device(tmp_path / "device", app)
            made.configure(
                beacons.config(
                    0, peer=peer.uri, coap=beacons.QUICK, registration={"wait": 45, "lifetime": 600}
                )
            )
            async with made as device:
                request = body(await peer.asked("DEREG"))
                assert (request["urgentTag"], request["reqExpTime"]) == (False, 45)
                await device.tells("left")

    run(story())


# ---- what takes time, in the time of the test ------------------------------------------------------------------------


def waiting(**answer):
    """A core whose registration the gateway bulks; it has answered with this beside the UE."""
    core = cores.Core(gateway_service=True, registration={"urgent": False, "wait": 45})
    core.answer(core.next("GWREG"), cores.granted(acceptedTime=3600))
    core.answer(core.next("REG"), {"oriAddr": cores.own("")["oriAddr"]} | answer)
    assert core.state == "waiting"
    return core


def test_6_3_4_2_1_and_2_the_option_names_the_server_though_a_gateway_gets_it():
    core = cores.Core(gateway_service=True, server="coap://msg.example.org:5000")
    core.answer(core.next("GWREG"), cores.granted(acceptedTime=3600))
    request = core.next("REG")
    assert (request.opt.uri_host, request.opt.uri_port) == ("msg.example.org", 5000)
    core.answer(request, cores.granted())
    core.stop()
    request = core.next("DEREG")
    assert (request.opt.uri_host, request.opt.uri_port) == ("msg.example.org", 5000)


@pytest.mark.parametrize("answer, seconds", [({"expectedTime": 60}, 60), ({}, 45)])
def test_6_3_4_2_1_without_a_regresp_in_time_it_registers_urgently(answer, seconds):
    """The expected time is optional; without it the wait is the one that was asked for. Both and 10 s more."""
    core = waiting(**answer)
    core.run(seconds + 9)
    assert core.requests == []
    core.run(2)
    said = body(core.next("REG"))  # and no GWREG before it
    assert said["urgentTag"] is True and "reqExpTime" not in said


def test_6_3_4_2_1_messages_wait_for_the_regresp():
    core = waiting(expectedTime=60)
    core.send()
    assert core.requests == []
    assert core.code(told("REGRESP", cores.UE, result=True)) == "2.04"
    core.next("MSG")


@pytest.mark.parametrize("answer", [{"expectedTime": 60}, {}])
def test_6_3_4_2_2_and_4_it_stops_without_waiting_for_the_deregresp_and_answers_that(answer):
    core = cores.registered(gateway_service=True, registration={"wait": 45})
    core.stop(urgent=False)
    request = core.next("DEREG")
    assert (body(request)["urgentTag"], body(request)["reqExpTime"]) == (False, 45)
    core.answer(request, {"oriAddr": cores.own("")["oriAddr"]} | answer)
    assert (core.state, core.client.registered) == ("stopped", False)
    assert core.code(told("DEREGRESP", cores.UE, result=True)) == "2.04"
    assert core.state == "stopped" and core.requests == []
