# SPDX-License-Identifier: MIT
"""TS 24.538 clause 7.3.3, the JSON of registration, at the MSGin5G Client: each member that it sends and reads. The
firmware's core, and a peer made by hand."""

import pytest

from host_tests.conformance.device.core import OTHER, SERVICE, UE, Core, body, granted, own, registered

MODULES = (
    "firmware/msgin5g/wire/bodies.py",
    "firmware/msgin5g/procedures/registration.py",
    "firmware/msgin5g/procedures/availability.py",
)
ALSO = ("host_tests/device/wire/test_bodies.py",)

UE_ID = "urn:imei:35-209900-176148-1"
WHO = {"oriAddrType": "UE", "addr": UE}


def gateway(**more):
    return {"gateway_service": True, "ue_id": UE_ID} | more


def octets(request):
    return request.payload.decode()


# ---- 7.3.3.1: registration -------------------------------------------------------------------------------------------


def test_7_3_3_1_a_request_has_the_mandatory_members_first_and_no_secret():
    """`secCred` is required there and defined nowhere: it is never sent. The order is that of the table."""
    said = octets(Core(segments={"size": 500}, registration={"lifetime": 600}).next("REG"))
    assert said == (
        '{"msgIden":"urn:3gpp:msgin5g","msgType":"REG","oriAddr":{"oriAddrType":"UE","addr":"ue:s1@example.org"},'
        '"cliProfile":{"maxSegSize":500},"regExpTime":600}'
    )


@pytest.mark.parametrize("urgent", [True, False])
def test_7_3_3_1_urgent_tag_is_there_on_msgin5g_6(urgent):
    core = Core(**gateway(registration={"urgent": urgent, "wait": 45}))
    core.answer(core.next("GWREG"), granted(acceptedTime=600))
    said = octets(core.next("REG"))
    assert ('"urgentTag":true' in said) == urgent
    assert ('"urgentTag":false' in said) == (not urgent)
    assert ('"reqExpTime":45' in said) == (not urgent)  # of what may wait


NIGHT = {"interval": 600, "duration": 20}


def profile(**config):
    return body(Core(**config).next("REG"))["cliProfile"]


def test_7_3_3_1_com_avail_has_its_times_and_is_periodic():
    """`durTime` and `periInterval` are printed as date-times, and are lengths: integers of seconds."""
    said = profile(availability=NIGHT)["comAvail"]
    assert said == {"schTime": "1970-01-01T00:00:00Z", "durTime": 20, "periIndi": True, "periInterval": 600}
    assert list(said) == ["schTime", "durTime", "periIndi", "periInterval"]  # the order of the table


def test_7_3_3_1_data_size_is_a_string():
    assert profile(availability=NIGHT | {"data_size": "300"})["comAvail"]["dataSize"] == "300"
    assert "dataSize" not in profile(availability=NIGHT)["comAvail"]


def test_7_3_3_1_store_forward_is_a_string_and_there_where_the_client_does_not_want_it():
    assert profile(availability=NIGHT | {"store_forward": False})["comAvail"]["storeForward"] == "true"
    assert "storeForward" not in profile(availability=NIGHT | {"store_forward": True})["comAvail"]


@pytest.mark.parametrize("result", [True, "true", "True"])
def test_7_3_3_1_result_true_is_success(result):
    core = Core()
    core.answer(core.next("REG"), {"oriAddr": WHO, "result": result})
    assert core.client.registered


@pytest.mark.parametrize("name", ["cause", "Cause"])
def test_7_3_3_1_result_false_has_a_cause(name):
    core = Core()
    core.answer(core.next("REG"), {"oriAddr": WHO, "result": False, name: "not today"})
    assert (core.state, core.cause) == ("refused", "not today")


def test_7_3_3_1_without_the_mandatory_result_it_is_no_response():
    core = Core()
    core.answer(core.next("REG"), {"oriAddr": WHO})
    assert not core.client.registered and "result" in core.cause


@pytest.mark.parametrize("seconds", [600, "600", 600.0])
def test_7_3_3_1_reg_exp_time_is_an_integer_of_seconds(seconds):
    core = Core()
    core.answer(core.next("REG"), granted(regExpTime=seconds))
    core.run(599)
    assert core.client.registered
    core.run(2)
    assert not core.client.registered


def test_7_3_3_1_reg_exp_time_is_optional():
    core = Core()
    core.answer(core.next("REG"), granted())
    core.run(3599)  # docs/wire-profile.md
    assert core.client.registered
    core.run(2)
    assert not core.client.registered


@pytest.mark.parametrize(
    "said", [{"result": "perhaps"}, {"result": 2}, {"result": True, "regExpTime": "soon"}]
)
def test_7_3_3_1_a_member_of_another_type_is_no_response(said):
    core = Core()
    core.answer(core.next("REG"), {"oriAddr": WHO} | said)
    assert not core.client.registered and list(said)[-1] in core.cause
    core.run(4)
    core.next("REG")  # and it goes on trying


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b'"x"', b"\xff"])
def test_7_3_3_1_what_is_no_object_is_no_response(payload):
    core = Core()
    core.answer(core.next("REG"), payload)
    assert not core.client.registered
    core.run(4)
    core.next("REG")


def test_7_3_3_1_unknown_members_and_null_mean_nothing():
    core = Core()
    core.answer(core.next("REG"), granted(regExpTime=None, cause=None, secCred="x", more={"a": [1]}))
    assert core.client.registered


# ---- 7.3.3.2: de-registration ----------------------------------------------------------------------------------------


def test_7_3_3_2_a_request_has_the_three_members():
    core = registered()
    core.stop()
    assert octets(core.next("DEREG")) == (
        '{"msgIden":"urn:3gpp:msgin5g","msgType":"DEREG",'
        '"oriAddr":{"oriAddrType":"UE","addr":"ue:s1@example.org"}}'
    )


# ---- 7.3.3.3: registration to the gateway service --------------------------------------------------------------------


def test_7_3_3_3_a_request_has_the_ue_the_ue_id_and_the_time():
    said = octets(Core(**gateway(registration={"lifetime": 600})).next("GWREG"))
    assert said == (
        '{"msgIden":"urn:3gpp:msgin5g","msgType":"GWREG","oriAddr":{"oriAddrType":"UE","addr":"ue:s1@example.org"},'
        '"oriUEAddr":{"oriAddrType":"UE","addr":"urn:imei:35-209900-176148-1"},"expiredTime":600}'
    )


def test_7_3_3_3_the_ue_id_is_optional():
    assert "oriUEAddr" not in octets(Core(gateway_service=True).next("GWREG"))


def test_7_3_3_3_accepted_time_bounds_the_registration():
    core = Core(**gateway())
    core.answer(core.next("GWREG"), granted(acceptedTime=300))
    core.answer(core.next("REG"), granted(regExpTime=3600))
    core.run(299)
    assert core.of("GWREG")  # it is renewed before that
    core.run(2)
    assert not core.client.registered


def test_7_3_3_3_accepted_time_is_optional():
    core = Core(**gateway())
    core.answer(core.next("GWREG"), granted())
    core.answer(core.next("REG"), granted(regExpTime=3000))
    core.run(2999)
    assert core.client.registered


@pytest.mark.parametrize("name", ["failure reason", "Cause", "cause"])
def test_7_3_3_3_a_failure_has_a_reason_under_a_name_with_a_blank(name):
    core = Core(**gateway())
    core.answer(core.next("GWREG"), {"oriAddr": WHO, "result": False, name: "no room"})
    assert (core.state, core.cause, core.requests) == ("refused", "no room", [])


# ---- 7.3.3.4 and 7.3.3.5: what a gateway sends by itself -------------------------------------------------------------


def waiting():
    """A Core whose registration the gateway bulks."""
    core = Core(**gateway(registration={"urgent": False}))
    core.answer(core.next("GWREG"), granted(acceptedTime=3600))
    core.answer(core.next("REG"), {"oriAddr": WHO, "expectedTime": 60})
    assert core.state == "waiting"
    return core


@pytest.mark.parametrize("result", [{"result": True}, {"result": "true"}, {}, {"result": None}])
def test_7_3_3_4_regresp_is_a_success_by_default(result):
    core = waiting()
    assert core.code(own("REGRESP", **result)) == "2.04"
    assert core.client.registered


def test_7_3_3_4_regresp_may_say_how_long_the_registration_holds():
    core = waiting()
    assert core.code(own("REGRESP", result=True, regExpTime=600)) == "2.04"
    core.run(601)
    assert not core.client.registered


@pytest.mark.parametrize("cause", [{"cause": "full"}, {"Cause": "full"}, {}])
def test_7_3_3_4_a_failure_may_have_a_cause(cause):
    core = waiting()
    assert core.code(own("REGRESP", result=False, **cause)) == "2.04"
    assert (core.state, core.cause) == ("refused", "full" if cause else "no cause given")


@pytest.mark.parametrize("kind", ["REGRESP", "DEREGRESP"])
@pytest.mark.parametrize(
    "change, named",
    [
        ({"msgIden": None}, b"msgIden: "),
        ({"msgIden": "urn:other"}, b"msgIden: "),
        ({"oriAddr": UE}, b"oriAddr: "),
        ({"oriAddr": {"oriAddrType": "UE"}}, b"addr: "),
        ({"oriAddr": {"oriAddrType": "UE", "addr": ""}}, b"oriAddr.addr: "),
        ({"oriAddr": {"oriAddrType": "GROUP", "addr": UE}}, b"oriAddr.oriAddrType: "),
        ({"result": "perhaps"}, b"result: "),
    ],
)
def test_7_3_3_4_and_5_a_wrong_member_is_refused_by_its_name(kind, change, named):
    core = waiting()
    answer = core.post(own(kind) | change)
    assert answer.code.dotted == "4.00" and answer.payload.startswith(named), answer.payload
    assert core.state == "waiting"


def test_7_3_3_4_one_for_another_ue_is_not_its_own():
    core = waiting()
    assert core.code(own("REGRESP", OTHER, result=True)) == "4.04"
    assert core.state == "waiting"


@pytest.mark.parametrize("result", [{"result": True}, {}])
def test_7_3_3_5_deregresp_ends_the_registration(result):
    core = registered(**gateway())
    assert core.code(own("DEREGRESP", **result)) == "2.04"
    assert not core.client.registered


def test_7_3_3_5_a_de_registration_that_failed_ends_nothing():
    core = registered(**gateway())
    assert core.code(own("DEREGRESP", result=False, cause="no such UE")) == "2.04"
    assert core.client.registered


def test_7_3_3_4_and_5_members_in_any_order_and_with_blanks_behind_their_names():
    core = waiting()
    said = {"result ": True, "oriAddr ": WHO, "msgType": "REGRESP", "msgIden": SERVICE}
    assert core.code(said) == "2.04"
    assert core.client.registered


@pytest.mark.parametrize("kind", ["REGRESP", "DEREGRESP"])
def test_7_3_3_4_and_5_without_a_ue_it_is_for_the_one_that_it_came_to(kind):
    """docs/wire-profile.md, kindness."""
    core = waiting() if kind == "REGRESP" else registered(**gateway())
    assert core.code({"msgIden": SERVICE, "msgType": kind, "result": True}) == "2.04"
    assert core.client.registered == (kind == "REGRESP")
