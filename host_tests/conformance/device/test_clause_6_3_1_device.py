# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.3.1.1, registration and de-registration, at the MSGin5G Client: the firmware's core, and a server
made by hand."""

import json

import aiocoap
import pytest

from host_tests.conformance.device.core import OTHER, SERVICE, UE, Core, body, granted, registered

MODULES = ("firmware/msgin5g/procedures/registration.py",)
ALSO = (
    "host_tests/device/procedures/test_registration.py",
    "host_tests/gateway/device/test_demo.py",
    "host_tests/gateway/device/test_device_errors.py",
)

WHO = {"oriAddrType": "UE", "addr": UE}


def is_as_the_clause_says(request):
    """Items a to c of 6.3.1.1.1 and of 6.3.1.1.2."""
    assert request.code == aiocoap.POST
    assert request.mtype == aiocoap.CON  # T = 0
    assert request.opt.content_format == 50
    assert request.opt.uri_path == ("msgin5g",)
    return json.loads(request.payload)


# ---- 6.3.1.1.1: registration -----------------------------------------------------------------------------------------


def test_6_3_1_1_1_the_client_registers_with_a_confirmable_post_of_json():
    said = is_as_the_clause_says(Core().next("REG"))
    assert (said["msgIden"], said["msgType"], said["oriAddr"]) == (SERVICE, "REG", WHO)
    # of MSGin5G-6, where there is a Gateway Client (6.3.4.2.1)
    assert "urgentTag" not in said and "reqExpTime" not in said


def test_6_3_1_1_1_the_option_names_the_server_where_it_is_not_the_peer():
    request = Core(server="coap://msg.example.org:5000").next("REG")
    assert (request.opt.uri_host, request.opt.uri_port) == ("msg.example.org", 5000)


@pytest.mark.parametrize("code", [aiocoap.CREATED, aiocoap.CHANGED])
def test_6_3_1_1_1_the_response_2_01_or_2_04_registers_the_client(code):
    core = Core()
    outgoing = core.send()
    request = core.next("REG")
    assert not core.client.registered and core.requests == []  # no message before it is registered
    core.answer(request, granted(regExpTime=600), code)
    assert core.client.registered
    assert body(core.next("MSG"))["msgId"] == outgoing.message_id


@pytest.mark.parametrize("result", [{"result": False, "cause": "unknown UE service ID"}, {"result": False}])
def test_6_3_1_1_1_a_result_that_is_a_failure_does_not_register_it(result):
    core = Core()
    core.send()
    core.answer(core.next("REG"), {"oriAddr": WHO} | result)
    assert not core.client.registered and core.requests == []
    assert (core.state, core.cause) == ("refused", result.get("cause", "no cause given"))


def test_6_3_1_1_1_it_registers_again_before_the_expiration_time():
    core = Core()
    core.answer(core.next("REG"), granted(regExpTime=600))
    core.run(455)  # 80 % of it, less 5 % of jitter
    assert core.requests == []
    core.run(144)
    assert is_as_the_clause_says(core.next("REG"))["oriAddr"] == WHO
    assert core.client.registered


def test_6_3_1_1_1_after_the_expiration_time_it_is_not_registered():
    core = Core()
    core.answer(core.next("REG"), granted(regExpTime=600))
    core.run(601)  # nobody answers
    assert not core.client.registered
    core.requests.clear()
    core.send()
    assert core.of("MSG") == []


# ---- 6.3.1.1.2: de-registration --------------------------------------------------------------------------------------


def test_6_3_1_1_2_the_client_de_registers_with_a_confirmable_post_of_json():
    core = registered()
    core.stop()
    said = is_as_the_clause_says(core.next("DEREG"))
    assert said == {"msgIden": SERVICE, "msgType": "DEREG", "oriAddr": WHO}


@pytest.mark.parametrize("result", [{"result": True}, {"result": False, "cause": "not registered"}])
def test_6_3_1_1_2_the_response_2_04_ends_the_registration(result):
    core = registered()
    core.stop()
    request = core.next("DEREG")
    assert core.state != "stopped"
    core.answer(request, {"oriAddr": WHO} | result)
    assert (core.state, core.client.registered) == ("stopped", False)
    core.client.send(OTHER, "late", core.tick)
    core.run(1000)
    assert core.requests == []


def test_6_3_1_1_2_who_is_not_registered_sends_none():
    core = Core()
    core.answer(core.next("REG"), {"oriAddr": WHO, "result": False})
    core.stop()
    assert (core.state, core.requests) == ("stopped", [])
