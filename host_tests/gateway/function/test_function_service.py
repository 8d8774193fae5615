# SPDX-License-Identifier: MIT
"""The gateway service at a Gateway UE in virtual time: who is in its table, and for how long."""

import pytest

from host_tests.gateway.function.function_bench import HERE, THERE, A, B, FunctionBench, own
from tools.wire.answers import Request


def ori(ue):
    return {"oriAddrType": "UE", "addr": ue}


def test_it_answers_by_itself_for_as_long_as_it_grants():
    bench = FunctionBench(lifetime=600)
    answer = bench.ask(HERE, own("GWREG", A, expiredTime=60))
    assert (answer.code, answer.body) == ("2.04", {"oriAddr": ori(A), "result": True, "acceptedTime": 60})
    assert bench.ask(HERE, own("GWREG", A, expiredTime=3600)).body["acceptedTime"] == 600
    assert bench.ask(HERE, own("GWREG", A)).body["acceptedTime"] == 600
    assert bench.function.deadline(bench.now) == bench.now + 600
    assert bench.work(599) == [] and not bench.events("gateway-expired")
    bench.work(1)
    assert bench.events("gateway-expired") == [{"ue": A}]


def test_a_ue_that_is_not_provisioned_is_told_so():
    bench = FunctionBench(open=False)
    answer = bench.ask(HERE, own("GWREG", A))
    assert answer.body == {"oriAddr": ori(A), "result": False, "failure reason": "unknown UE service ID"}
    assert bench.events("refused")[0]["reason"] == "unknown UE service ID"
    bench.store.add_device(A)
    assert bench.ask(HERE, own("GWREG", A)).body["result"] is True


def test_a_full_table_takes_whom_it_has_and_nobody_else_until_one_is_over():
    bench = FunctionBench(gateway_ues=1)
    assert bench.ask(HERE, own("GWREG", A, expiredTime=60)).body["result"] is True
    refused = bench.ask(THERE, own("GWREG", B)).body
    assert (refused["result"], "failure reason" in refused) == (False, True)
    assert bench.ask(HERE, own("GWREG", A, expiredTime=60)).body["result"] is True
    bench.now += 60
    assert bench.ask(THERE, own("GWREG", B)).body["result"] is True


def test_a_registration_to_the_service_outlives_the_program(tmp_path):
    bench = FunctionBench(tmp_path / "gw.db", gateway_ues=1)
    bench.ask(HERE, own("GWREG", A))
    bench.restart()
    assert bench.ask(THERE, own("GWREG", B)).body["result"] is False


@pytest.mark.parametrize(
    "change, member",
    [
        ({"msgIden": "urn:other"}, "msgIden"),
        ({"msgIden": None}, "msgIden"),
        ({"oriAddr": None}, "oriAddr"),
        ({"oriAddr": {"oriAddrType": "AS", "addr": A}}, "oriAddr.oriAddrType"),
        ({"oriUEAddr": {"oriAddrType": "UE", "addr": ""}}, "oriUEAddr.addr"),
        ({"oriUEAddr": "imei"}, "oriUEAddr"),
        ({"expiredTime": "soon"}, "expiredTime"),
        ({"expiredTime": 0}, "expiredTime"),
        ({"regList": []}, "regList"),
    ],
)
def test_a_bad_member_is_named(change, member):
    answer = FunctionBench().ask(HERE, own("GWREG", A) | change)
    assert answer.code == "4.00" and answer.diagnostic.startswith(member + ":")


@pytest.mark.parametrize(
    "request_",
    [
        Request("POST", ("msgin5g",), payload=b'{"msgIden":"urn:3gpp:msgin5g","msgType":"NEW"}'),
        Request("POST", ("msgin5g",), payload=b"{"),
        Request("GET", ("msgin5g", "weather"), observe=0),
        Request("GET", ("su-uc", "v1")),
        Request("PUT", ("anything",), payload=b"x", content_format=0),
    ],
)
def test_what_is_not_its_business_goes_on_to_a_server_in_the_same_process(request_):
    assert FunctionBench(ue="").request(HERE, request_) is None


def test_a_plain_registration_does_not_need_the_gateway_service():
    assert FunctionBench(ue="").ask(HERE, own("REG", A)) is None


def test_who_asks_too_often_is_told_so_and_takes_nothing_from_others():
    bench = FunctionBench(rate=10)
    codes = [bench.ask(HERE, own("GWREG", A)).code for _ in range(30)]
    assert codes == ["2.04"] * 20 + ["4.29"] * 10
    assert bench.ask(THERE, own("GWREG", B)).code == "2.04"
    bench.now += 1
    assert bench.ask(HERE, own("GWREG", A)).code == "2.04"
