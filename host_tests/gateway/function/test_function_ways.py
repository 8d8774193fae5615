# SPDX-License-Identifier: MIT
"""Where a body of the server's goes, and who may speak as whom, at a Gateway UE whose server is elsewhere."""

import json

import pytest

from host_tests.gateway.function.function_bench import GW, HERE, THERE, A, B, FunctionBench, own
from host_tests.gateway.scripted import SERVICE, new_id
from tools.wire.answers import Request
from tools.wire.identity import Peer

MOVED = Peer(HERE.host, 41000)


@pytest.fixture
def bench(tmp_path):
    made = FunctionBench(tmp_path / "gw.db")
    made.join(A, HERE)
    made.join(B, THERE)
    return made


def to(kind, member, ue, **members):
    return {"msgIden": SERVICE, "msgType": kind, member: {member + "Type": "UE", "addr": ue}} | members


def segment(ue, set_id, number=1):
    params = {"segId": set_id, "segNumb": number}
    return own("MSG", ue, msgId=new_id(), isSegmented=True, segParams=params)


def about(kind, set_id):
    return {"msgIden": SERVICE, "msgType": kind, "segId": set_id}


@pytest.mark.parametrize(
    "kind, member",
    [
        ("MSG", "destAddr"),
        ("IMDN", "destAddr"),
        ("MSGRESP", "oriAddr"),
        ("REGRESP", "oriAddr"),
        ("DEREGRESP", "oriAddr"),
    ],
)
def test_a_body_that_names_its_ue_goes_there(bench, kind, member):
    assert bench.where(to(kind, member, A)) == HERE
    assert bench.where(to(kind, member, B)) == THERE
    assert bench.where(to(kind, member, "ue:stranger")) == "4.04"


def test_a_copy_for_a_group_or_topic_goes_to_the_member(bench):
    body = to("MSG", "destAddr", A, oriDestAddr={"destAddrType": "TOPIC", "addr": "weather"})
    assert bench.where(body) == HERE


@pytest.mark.parametrize("kind", ["SEGREC", "SEGCONFIR", "segconfir"])
def test_what_names_nobody_goes_to_who_sent_segments_of_that_set(bench, kind):
    assert bench.where(about(kind, "5e9")) == "4.04"
    assert bench.ask(HERE, segment(A, "5E9")) is None
    assert bench.where(about(kind, "5e9")) == HERE
    bench.restart()
    assert bench.where(about(kind, "5e9")) == HERE


def test_one_seg_id_in_both_directions_is_two_sets(bench):
    """A writes to B behind the same gateway, and the server keeps the cuts."""
    bench.ask(HERE, segment(A, "1"))
    assert bench.where(segment(A, "1") | to("MSG", "destAddr", B)) == THERE
    assert bench.where(about("SEGCONFIR", "1")) == HERE
    assert bench.ask(THERE, about("SEGCONFIR", "1")) is None  # B has them
    assert bench.ask(HERE, about("SEGCONFIR", "1")).code == "4.03"  # A sent them


def test_a_seg_id_stays_with_its_ue_while_it_sends(bench):
    bench.ask(HERE, segment(A, "7"))
    bench.now += 60
    bench.ask(HERE, segment(A, "7", 2))
    bench.now += 100
    bench.ask(THERE, segment(B, "7"))
    assert bench.where(about("SEGREC", "7")) == HERE
    bench.now += 100
    bench.ask(THERE, segment(B, "7"))
    assert bench.where(about("SEGREC", "7")) == THERE


def test_sets_are_kept_for_an_hour_and_not_without_end(bench):
    bench.join(A, HERE, lifetime=86400)
    bench.join(B, THERE, lifetime=86400)
    bench.ask(HERE, segment(A, "old"))
    for number in range(100):
        bench.now += 0.01
        bench.ask(THERE, segment(B, "b%d" % number))
    assert bench.where(about("SEGREC", "old")) == HERE  # what another one sends takes nothing away
    assert bench.where(about("SEGREC", "b0")) == "4.04"
    bench.now += 3599
    assert bench.where(about("SEGREC", "b99")) == THERE
    bench.now += 3600
    bench.ask(HERE, segment(A, "new"))
    assert bench.where(about("SEGREC", "old")) == "4.04"


def test_a_way_ends_with_the_registration_and_with_its_end(bench):
    bench.join(A, HERE, lifetime=60)
    bench.now += 60
    assert bench.where(to("MSG", "destAddr", A)) == "4.04"
    bench.forwarded(THERE, own("DEREG", B), answer={"oriAddr": {"addr": B}, "result": True})
    assert bench.where(to("MSG", "destAddr", B)) == "4.04"


@pytest.mark.parametrize(
    "code, answer",
    [
        ("2.04", {"result": False, "cause": "no"}),
        ("4.01", None),
        ("2.04", {"result": "perhaps"}),
        ("2.04", None),
    ],
)
def test_a_registration_that_was_not_granted_makes_no_way(code, answer):
    bench = FunctionBench()
    bench.forwarded(HERE, own("REG", A), code, answer)
    assert bench.where(to("MSG", "destAddr", A)) == "4.04"


@pytest.mark.parametrize(
    "body, member",
    [
        ({"msgType": "HELLO"}, "msgType"),
        ({}, "msgType"),
        ({"msgType": "MSG"}, "destAddr"),
        ({"msgType": "REGRESP", "oriAddr": 7}, "oriAddr"),
        ({"msgType": "SEGREC"}, "segId"),
    ],
)
def test_a_body_of_the_server_that_names_nobody_is_malformed(bench, body, member):
    with pytest.raises(ValueError, match=member):
        bench.where(body)


# ---- who may speak ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["MSG", "IMDN", "DEREG", "MSGUPD"])
def test_nobody_speaks_as_another_device(bench, kind):
    assert bench.ask(HERE, own(kind, A)) is None
    assert bench.ask(HERE, own(kind, B)).code == "4.03"
    assert bench.ask(HERE, own(kind, GW)).code == "4.03"
    assert bench.ask(Peer("192.0.2.66", 5), own(kind, A)).code == "4.01"
    assert bench.ask(Peer("192.0.2.66", 5), own(kind, GW)).code == "4.01"


def test_a_device_may_come_from_another_port_and_is_found_there(bench):
    assert bench.ask(MOVED, own("MSG", A)) is None
    assert bench.where(to("MSG", "destAddr", A)) == MOVED
    assert bench.events("rebound") == [{"ue": A, "peer": str(MOVED)}]


def test_nobody_registers_as_the_gateway_nor_as_a_ue_that_it_does_not_know():
    bench = FunctionBench(open=False)
    for ue, cause in ((GW, "it is the gateway's own UE service ID"), (A, "unknown UE service ID")):
        assert bench.ask(HERE, own("REG", ue)).body == {
            "oriAddr": {"oriAddrType": "UE", "addr": ue},
            "result": False,
            "cause": cause,
        }


@pytest.mark.parametrize(
    "body",
    [
        own("BREG", GW, totalRegCount=1, regList=[own("REG", B)]),
        own("REG", A, totalRegCount=1, regList=[own("REG", B)]),
        own("DEREG", A, totalDeregCount=1, deregList=[own("DEREG", B)]),
        own("bdereg", A),
    ],
)
def test_what_only_a_gateway_may_ask_for_does_not_go_on(bench, body):
    assert bench.ask(HERE, body).code == "4.03"


def test_segments_are_confirmed_by_who_has_them_and_by_no_stranger(bench):
    bench.where(segment("ue:far", "9") | to("MSG", "destAddr", A))
    assert bench.ask(THERE, about("SEGCONFIR", "9")).code == "4.03"
    assert bench.ask(HERE, about("SEGCONFIR", "9")) is None
    assert bench.ask(Peer("192.0.2.66", 5), about("SEGCONFIR", "9")).code == "4.01"
    assert bench.ask(THERE, about("SEGREC", "never-seen")) is None  # the server knows


def test_a_topic_is_asked_for_by_the_device_itself(bench):
    def get(peer, ue):
        payload = json.dumps(own("", ue)).encode()
        return bench.request(peer, Request("GET", ("msgin5g", "weather"), (), payload, 50, observe=0))

    assert get(HERE, A) is None
    assert get(HERE, B).code == "4.03"
    assert bench.request(HERE, Request("GET", ("msgin5g", "weather"))).code == "4.00"


@pytest.mark.parametrize(
    "octets, content_format, code",
    [
        (b"{", 50, "4.00"),
        (b"{}", 50, "4.00"),
        (b"{}", 60, "4.15"),
        (json.dumps(own("NEW", A)).encode(), 50, "4.00"),
    ],
)
def test_what_nobody_can_read_does_not_go_on(bench, octets, content_format, code):
    assert bench.ask(HERE, octets, content_format).code == code
    assert bench.events("refused")[-1]["code"] == code


def test_other_paths_end_here(bench):
    assert bench.request(HERE, Request("GET", ("other",))).code == "4.04"
    assert bench.request(HERE, Request("PUT", ("msgin5g",))) is None  # the server refuses it
