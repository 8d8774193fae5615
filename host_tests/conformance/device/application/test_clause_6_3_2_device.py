# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.3.2, registration on MSGin5G-5, at the Application Client: the firmware's core, and an MSGin5G
Client made by hand, once with the JSON of Annex A.3 and once with the octets of Annex A.2."""

import aiocoap
import pytest

from host_tests.conformance.device.application.line import APPLICATION, GIVEN, REGISTERING, Line
from host_tests.conformance.device.core import SERVICE, Core, body

MODULES = ("firmware/msgin5g/application/registration.py",)
ALSO = (
    "host_tests/device/application/test_application_json.py",
    "host_tests/device/application/test_application_l3.py",
)


def application():
    return Core("application client", application=APPLICATION)


def accepted(core):
    core.answer(core.next("REG"), {"result": True, "registration ID": GIVEN})
    assert core.client.registered
    return core


def test_6_3_2_1_1_the_request_has_the_application_id_and_its_credential():
    request = application().next("REG")
    assert (request.code, request.mtype, request.opt.content_format) == (aiocoap.POST, aiocoap.CON, 50)
    assert body(request) == {"msgIden": SERVICE, "msgType": "REG", "appId": "7", "credential": "c0ffee"}


@pytest.mark.parametrize("code", [aiocoap.CREATED, aiocoap.CHANGED])
@pytest.mark.parametrize("name", ["registration ID", "registrationID"])
def test_6_3_2_1_1_the_result_accepted_registers_it_under_the_registration_id(code, name):
    core = application()
    core.answer(core.next("REG"), {"result": True, name: GIVEN}, code)
    assert core.client.registered
    assert core.client.registration.registration_id == bytes.fromhex(GIVEN)


@pytest.mark.parametrize("name", ["failure reason", "failReason"])
def test_6_3_2_1_1_the_result_not_accepted_has_a_failure_reason(name):
    core = application()
    core.answer(core.next("REG"), {"result": False, name: "Invalid credentials"})
    assert (core.state, core.cause, core.requests) == ("refused", "Invalid credentials", [])


@pytest.mark.parametrize(
    "said", [{}, {"result": True}, {"result": True, "registration ID": "x"}, {"result": "perhaps"}, b"{"]
)
def test_6_3_2_1_1_what_is_no_response_registers_nobody(said):
    core = application()
    core.answer(core.next("REG"), said)
    assert not core.client.registered


def test_6_3_2_1_2_the_de_registration_request_has_the_registration_id():
    core = accepted(application())
    core.stop()
    request = core.next("DEREG")
    assert (request.code, request.mtype, request.opt.content_format) == (aiocoap.POST, aiocoap.CON, 50)
    assert body(request) == {"msgIden": SERVICE, "msgType": "DEREG", "registrationID": GIVEN}


@pytest.mark.parametrize(
    "said",
    [{"result": True, "registration ID": GIVEN}, {"result": False, "failure reason": "Unknown device"}],
)
def test_6_3_2_1_2_the_response_ends_the_registration(said):
    core = accepted(application())
    core.stop()
    core.answer(core.next("DEREG"), said)
    assert (core.state, core.client.registered) == ("stopped", False)


# ---- the same in octets: A.2.1.7 to A.2.1.12 -------------------------------------------------------------------------


def test_6_3_2_1_1_in_octets_a_registration_is_accepted():
    line = Line()
    assert line.next() == REGISTERING
    line.say("08" + GIVEN)
    assert line.client.registered


def test_6_3_2_1_1_in_octets_a_registration_is_rejected_with_a_cause():
    line = Line()
    line.next()
    line.say("09" + "02")
    assert (line.registration.state, line.registration.cause) == ("refused", "Invalid credentials")


@pytest.mark.parametrize("response", ["0c" + GIVEN, "0b" + "07"])
def test_6_3_2_1_2_in_octets_a_de_registration_ends_it(response):
    line = Line()
    line.next()
    line.say("08" + GIVEN)
    line.client.stop(line.tick)
    assert line.next() == "0a" + GIVEN
    line.say(response)
    assert (line.registration.state, line.client.registered) == ("stopped", False)
