# SPDX-License-Identifier: MIT
"""Aggregated reports that the server passes on: TS 24.538 clause 6.4.1.2.9, with a clock that the test moves."""

import pytest

from host_tests.gateway.scripted import new_id
from host_tests.gateway.server.messages.test_aggregates import ids, listed, written
from host_tests.gateway.server.test_decisions import HERE, THERE, A, B, Bench, both, msg, own

AS = "as:meter@example.org"


def said(count, **members):
    return [{"msgId": new_id(), "DelSta": "success", **members} for _ in range(count)]


def report(elements, to=A, kind="UE", **members):
    head = {"destAddr": {"destAddrType": kind, "addr": to}, "msgId": elements[0]["msgId"]}
    return own("IMDN", B, **head, totalMsgCount=len(elements), msgList=elements, **members)


def all_of(bench):
    got = []
    while pushes := bench.work():
        for push in pushes:
            bench.outcome(push)
            got.append(push.body)
    return got


def test_one_that_fits_and_holds_no_repeat_goes_on_whole_and_unchanged():
    """Clause 6.4.1.2.9: "shall include the elements in the received ..."."""
    bench = both()
    elements = said(2) + said(1, DelSta="failure", Cause="full")
    body = report(elements)
    assert bench.code(THERE, body) == "2.04"
    assert all_of(bench) == [body]
    assert [each["msgId"] for each in bench.events("reported")] == ids(body)
    assert [each["status"] for each in bench.events("reported")] == ["success", "success", "failure"]


def test_one_without_an_outer_message_id_gets_that_of_its_first_element():
    """Clause 7.3.4.2 requires one, and says nothing of what it means."""
    bench = both()
    body = report(said(2))
    del body["msgId"]
    bench.ask(THERE, body)
    (got,) = all_of(bench)
    assert got["msgId"] == body["msgList"][0]["msgId"]


@pytest.mark.parametrize("wrong", ["x", 5, {}])
def test_an_outer_message_id_that_is_none_is_refused(wrong):
    answer = both().ask(THERE, report(said(2)) | {"msgId": wrong})
    assert (answer.code, answer.diagnostic.split(":")[0]) == ("4.00", "msgId")


def test_repeats_end_here_and_what_is_new_goes_singly():
    bench = both()
    elements = said(3)
    bench.ask(THERE, report(elements[:2]))
    all_of(bench)
    bench.ask(THERE, report(elements))
    assert [(each["msgId"], "msgList" in each) for each in all_of(bench)] == [(elements[2]["msgId"], False)]
    bench.ask(THERE, report(elements))
    assert all_of(bench) == []


def test_one_that_says_the_same_twice_goes_singly():
    bench = both()
    elements = said(2)
    bench.ask(THERE, report([elements[0], elements[0], elements[1]]))
    got = all_of(bench)
    assert [each["msgId"] for each in got] == [each["msgId"] for each in elements]


def test_single_ones_of_an_aggregated_one_are_repeats_and_the_other_way_round():
    bench = both()
    elements = said(2)
    bench.ask(THERE, report(elements))
    all_of(bench)
    for each in elements:
        body = own("IMDN", B, destAddr={"destAddrType": "UE", "addr": A}, **each)
        assert bench.code(THERE, body) == "2.04"
    assert all_of(bench) == []


def test_one_that_does_not_fit_the_recipient_goes_singly():
    elements = said(4)
    for size, count in ((written(elements), 1), (written(elements) - 1, 4)):
        bench = Bench()
        bench.register(A, HERE, cliProfile={"maxSegSize": size})
        bench.register(B, THERE)
        bench.ask(THERE, report(elements))
        got = all_of(bench)
        assert len(got) == count
        assert sum(map(ids, got), []) == [each["msgId"] for each in elements]


def test_one_that_does_not_fit_a_datagram_goes_singly():
    bench = both()
    elements = said(30)
    bench.ask(THERE, report(elements))
    assert [each["msgId"] for each in all_of(bench)] == [each["msgId"] for each in elements]


def test_single_ones_stand_where_the_whole_stood():
    elements = said(3)
    bench = Bench()
    bench.register(A, HERE)
    bench.register(B, THERE)
    bench.ask(THERE, report(elements))
    bench.ask(THERE, own("IMDN", B, destAddr={"destAddrType": "UE", "addr": A}, **(last := said(1)[0])))
    bench.register(A, HERE, cliProfile={"maxSegSize": 100})
    assert [each["msgId"] for each in all_of(bench)] == [each["msgId"] for each in [*elements, last]]


def test_one_for_an_application_server_goes_singly():
    """TS 29.538: DeliveryStatusReport has one delivSt."""
    bench = both()
    register = {"asSvcId": AS, "targetUri": "http://192.0.2.9/in"}
    bench.server.application_servers.register(register, bench.now)
    elements = said(1) + said(1, DelSta="failure", Cause="full")
    assert bench.code(THERE, report(elements, AS, "AS")) == "2.04"
    got = all_of(bench)
    assert [each["delivSt"] for each in got] == ["REPT_DELY_SUCCESS", "REPT_DELY_FAILED"]
    assert [each["msgId"] for each in got] == [each["msgId"] for each in elements]


def test_one_wait_for_a_recipient_that_is_away_and_outlives_a_restart():
    bench = both()
    bench.ask(HERE, own("DEREG", A))
    body = report(said(3))
    assert bench.code(THERE, body) == "2.04"
    bench.restart()
    assert bench.work() == []
    bench.register(A, HERE)
    assert all_of(bench) == [body]


def test_one_proves_every_message_that_it_names():
    """Only the answer to the message was lost: B has it."""
    bench = both()
    body = msg(A, B, None, msgList=listed(2), totalMsgCount=2, isDelivStatReq=True)
    del body["payload"]
    bench.ask(HERE, body)
    bench.outcome(bench.one(), None)
    bench.ask(THERE, report([{"msgId": each, "DelSta": "success"} for each in ids(body)]))
    assert [push.kind for push in bench.work(400)] == ["IMDN"]


def test_of_an_unknown_recipient_each_is_told_to_be_dropped():
    bench = both()
    elements = said(2)
    assert bench.code(THERE, report(elements, "ue:nobody")) == "2.04"
    assert [each["msgId"] for each in bench.events("discarded")] == [each["msgId"] for each in elements]
    assert bench.work() == []


def test_nobody_may_send_one_for_another():
    assert both().code(HERE, report(said(2))) == "4.03"


def test_one_that_its_recipient_finds_too_large_goes_singly():
    bench = both()
    elements = said(3)
    bench.ask(THERE, report(elements))
    bench.outcome(bench.one(), "4.13")
    assert [each["msgId"] for each in all_of(bench)] == [each["msgId"] for each in elements]


def test_a_list_is_bounded():
    answer = both().ask(THERE, report(said(257)))
    assert (answer.code, answer.diagnostic) == ("4.00", "msgList: more than 256 messages")


@pytest.mark.parametrize(
    "wrong, member",
    [
        ({"msgId": "x"}, "msgList[1].msgId"),
        ({"msgId": None}, "msgList[1].msgId"),
        ({"DelSta": "perhaps"}, "msgList[1].DelSta"),
        ({"DelSta": "failure", "Cause": 5}, "msgList[1].Cause"),
    ],
)
def test_which_element_is_malformed_is_said(wrong, member):
    elements = said(3)
    elements[1] |= wrong
    answer = both().ask(THERE, report(elements))
    assert (answer.code, answer.diagnostic.partition(":")[0]) == ("4.00", member)
