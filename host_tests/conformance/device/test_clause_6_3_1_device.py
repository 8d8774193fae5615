# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.3.1.1, registration and de-registration, at the MSGin5G Client: the firmware's core, and a server
made by hand."""

import json

import aiocoap
import pytest

from host_tests.conformance.device.core import OTHER, SERVICE, UE, Core, body, granted, registered

MODULES = (
    "firmware/msgin5g/procedures/registration.py",
    "firmware/msgin5g/procedures/availability.py",
)
ALSO = (
    "host_tests/device/procedures/test_availability.py",
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


def test_6_3_1_1_1_i_triggering_information_is_in_the_profile_where_the_client_can_be_triggered():
    said = Core(ue_id="urn:imei:35-209900-176148-1", triggers={"port": 5005}).next("REG")
    assert is_as_the_clause_says(said)["cliProfile"]["triInfo"] == {
        "ueId": "urn:imei:35-209900-176148-1",
        "cliPorts": [{"portNum": 5005, "Protocol": "OTHER"}],  # and no cliPort: one of both
    }
    assert "triInfo" not in is_as_the_clause_says(Core().next("REG"))["cliProfile"]


def test_6_3_1_1_1_ii_communication_availability_is_in_the_profile_where_the_client_has_windows():
    window = {"interval": 3600, "duration": 60}
    for said in (Core(availability=window).next("REG"), registration_again(availability=window)):
        available = is_as_the_clause_says(said)["cliProfile"]["comAvail"]
        assert (available["periIndi"], available["periInterval"], available["durTime"]) == (True, 3600, 60)
        assert available["schTime"] == "1970-01-01T00:00:00Z"  # no clock: docs/wire-profile.md
    assert "comAvail" not in is_as_the_clause_says(Core().next("REG"))["cliProfile"]


def test_6_3_1_1_1_ii_the_scheduled_time_is_that_of_the_clock():
    clock = [1793970000]
    core = Core(availability={"interval": 3600, "duration": 60}, clock=lambda: clock[0])
    request = core.next("REG")
    assert is_as_the_clause_says(request)["cliProfile"]["comAvail"]["schTime"] == "2026-11-06T13:00:00Z"
    core.answer(request, granted(regExpTime=600))
    clock[0] += 500
    core.run(520)
    again = is_as_the_clause_says(core.next("REG"))["cliProfile"]["comAvail"]
    assert again["schTime"] == "2026-11-06T13:08:20Z"


def registration_again(**config):
    """The refresh of a registration."""
    core = Core(**config)
    core.answer(core.next("REG"), granted(regExpTime=600))
    core.run(520)
    return core.next("REG")


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
