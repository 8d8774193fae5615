# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.3.5, registration to the gateway service, at the constrained UE: the firmware's core, and a
Gateway UE made by hand. Its members: test_clause_7_3_3_device.py."""

import aiocoap
import pytest

from host_tests.conformance.device.core import UE, Core, body, granted, registered

MODULES = ("firmware/msgin5g/procedures/registration.py",)
ALSO = ("host_tests/device/procedures/test_registration.py",)


def test_6_3_5_it_registers_to_the_gateway_service_before_anything_else():
    """Clause 6.3.0: what is not registered there is not bulked."""
    core = Core(gateway_service=True)
    request = core.next("GWREG")
    assert core.requests == []
    assert (request.code, request.mtype, request.opt.content_format) == (aiocoap.POST, aiocoap.CON, 50)
    assert body(request)["oriAddr"] == {"oriAddrType": "UE", "addr": UE}


@pytest.mark.parametrize("code", [aiocoap.CREATED, aiocoap.CHANGED])
def test_6_3_5_a_response_of_2_01_or_2_04_lets_it_register(code):
    core = Core(gateway_service=True)
    core.answer(core.next("GWREG"), granted(acceptedTime=600), code)
    core.answer(core.next("REG"), granted(regExpTime=600), code)
    assert core.client.registered


def test_6_3_5_who_is_not_taken_into_the_service_does_not_register_through_it():
    core = Core(gateway_service=True)
    failed = {"oriAddr": {"oriAddrType": "UE", "addr": UE}, "result": False, "failure reason": "no room"}
    core.answer(core.next("GWREG"), failed)
    assert (core.state, core.cause, core.requests) == ("refused", "no room", [])
    core.run(80)
    core.next("GWREG")  # and asks again


def test_6_3_5_who_is_not_registered_there_any_more_begins_with_it_again():
    core = registered(gateway_service=True)
    core.send()
    core.answer(core.next("MSG"), b"not registered to the gateway service", aiocoap.UNAUTHORIZED)
    core.next("GWREG")


def test_6_3_5_without_the_gateway_service_it_sends_none():
    core = registered()
    core.run(4000)
    assert core.of("GWREG") == []
