# SPDX-License-Identifier: MIT
"""Registrations and de-registrations that a Gateway UE holds, in virtual time: when they go, in which lists, what each
answer of the server means, and what the UEs hear."""

import json

import pytest

from host_tests.gateway.function.function_bench import GW, HERE, THERE, A, B, FunctionBench, own
from host_tests.gateway.scripted import SERVICE
from tools.wire.identity import Peer


def ori(ue):
    return {"oriAddrType": "UE", "addr": ue}


def many(count):
    return ["ue:s%03d@example.org" % number for number in range(count)]


def at(ue):
    return Peer("192.0.2.9", 50000 + int(ue[4:7]))


def waiting(kind="REG", ue=A, **members):
    return own(kind, ue, urgentTag=False, **members)


def listed(ask):
    """The msgType of a request to the server, and whom it is about."""
    body = json.loads(ask.request.payload)
    elements = body.get("regList") or body.get("deregList") or [body]
    return body["msgType"], [each["oriAddr"]["addr"] for each in elements]


def bench_of(*ues, path=":memory:", **settings):
    bench = FunctionBench(path, **settings)
    for ue in ues:
        bench.ask(at(ue) if ue.startswith("ue:s") else HERE, own("GWREG", ue))
    return bench


# ---- what is held, and for how long ----------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", [{"urgentTag": True}, {"urgentTag": "true"}, {}])
def test_what_is_urgent_or_says_nothing_goes_on(tag):
    bench = bench_of(A)
    assert bench.ask(HERE, own("REG", A, **tag)) is None
    assert bench.asks(3600) == []


def test_what_may_wait_is_held_and_answered():
    bench = bench_of(A)
    answer = bench.ask(HERE, waiting(reqExpTime=120))
    assert (answer.code, answer.body) == ("2.04", {"oriAddr": ori(A), "expectedTime": 65})
    assert bench.asks(59) == []
    assert listed(bench.one_ask(1)) == ("BREG", [A])


@pytest.mark.parametrize(
    "limit, goes_after, expected", [(None, 60, 65), (30, 25, 30), (5, 0, 5), (1, 0, 1), (66, 60, 65)]
)
def test_it_goes_early_enough_for_its_own_limit(limit, goes_after, expected):
    bench = bench_of(A)
    members = {} if limit is None else {"reqExpTime": limit}
    assert bench.ask(HERE, waiting(**members)).body["expectedTime"] == expected
    if goes_after:
        assert bench.function.deadline(bench.now) == bench.now + goes_after
        assert bench.asks(goes_after - 0.5) == []
        bench.now += 0.5
    assert len(bench.asks()) == 1


def test_enough_of_them_go_at_once():
    ues = many(16)
    bench = bench_of(*ues, max_datagram=8192)
    for ue in ues[:-1]:
        bench.ask(at(ue), waiting(ue=ue))
    assert bench.asks() == []
    bench.ask(at(ues[-1]), waiting(ue=ues[-1]))
    ask = bench.one_ask()
    assert listed(ask) == ("BREG", ues)
    assert ask.peers == tuple(at(ue) for ue in ues)


def test_all_go_with_the_first_that_must():
    bench = bench_of(*many(3))
    for number, ue in enumerate(many(3)):
        bench.ask(at(ue), waiting(ue=ue, reqExpTime=20 + number))
    assert listed(bench.one_ask(15)) == ("BREG", many(3))


def test_an_urgent_request_does_not_wait_and_takes_nobody_along():
    bench = bench_of(*many(2))
    bench.ask(at(many(2)[0]), waiting(ue=many(2)[0]))
    assert bench.ask(at(many(2)[1]), own("REG", many(2)[1], urgentTag=True)) is None
    assert bench.asks() == []
    assert listed(bench.one_ask(60)) == ("BREG", many(1))


def test_the_request_to_the_server_is_that_of_clause_6_3_4_3_2():
    bench = bench_of(A)
    profile = {"maxSegSize": 1024}
    bench.ask(HERE, waiting(reqExpTime=90, cliProfile=profile))
    request = bench.one_ask(60).request
    assert (request.code, request.path, request.content_format) == ("POST", ("msgin5g",), 50)
    assert json.loads(request.payload) == {
        "msgIden": SERVICE,
        "msgType": "BREG",
        "oriAddr": ori(GW),
        "totalRegCount": 1,
        "regList": [own("REG", A, cliProfile=profile)],
    }


def test_a_de_registration_that_may_wait_goes_as_dereg_with_a_list():
    bench = FunctionBench()
    bench.join(A, HERE)
    answer = bench.ask(HERE, waiting("DEREG"))
    assert answer.body == {"oriAddr": ori(A), "expectedTime": 65}
    ask = bench.one_ask(60)
    assert json.loads(ask.request.payload) == {
        "msgIden": SERVICE,
        "msgType": "DEREG",
        "oriAddr": ori(GW),
        "totalDeregCount": 1,
        "deregList": [own("DEREG", A)],
    }
    bench.take_all(ask)
    (push,) = bench.pushes()
    assert push.body == own("DEREGRESP", A, result=True)
    assert bench.where({"msgType": "IMDN", "destAddr": {"destAddrType": "UE", "addr": A}}) == "4.04"


def test_the_same_ue_again_replaces_and_the_later_one_counts():
    bench = FunctionBench()
    bench.join(A, HERE)
    bench.ask(HERE, waiting(cliProfile={"maxSegSize": 500}))
    bench.ask(HERE, waiting(cliProfile={"maxSegSize": 900}))
    bench.ask(HERE, waiting("DEREG"))
    assert [listed(ask) for ask in bench.asks(60)] == [("DEREG", [A])]
    bench.ask(HERE, waiting("DEREG"))
    bench.ask(HERE, waiting())
    assert [listed(ask) for ask in bench.asks(60)] == [("BREG", [A])]


def test_an_urgent_request_of_the_same_ue_ends_what_is_held_of_it():
    bench = bench_of(A)
    bench.ask(HERE, waiting())
    assert bench.ask(HERE, own("REG", A, urgentTag=True)) is None
    assert bench.asks(60) == []


def test_what_the_server_answers_to_a_replaced_request_is_told_to_nobody():
    bench = bench_of(A)
    bench.ask(HERE, waiting())
    ask = bench.one_ask(60)
    bench.ask(HERE, waiting())
    bench.take_all(ask)
    assert bench.pushes() == []
    assert listed(bench.one_ask(60)) == ("BREG", [A])


def test_lists_fit_a_datagram():
    ues = many(16)
    bench = bench_of(*ues)
    for ue in ues:
        bench.ask(at(ue), waiting(ue=ue, cliProfile={"maxSegSize": 1024}))
    asks = bench.asks()
    assert sum((listed(ask)[1] for ask in asks), []) == ues
    assert all(len(ask.request.payload) <= bench.settings.room for ask in asks)
    assert len(asks) == 3  # seven a datagram


def test_one_that_fits_no_list_goes_on_by_itself():
    bench = bench_of(A)
    assert bench.ask(HERE, waiting(cliProfile={"about": "x" * 1000})) is None


# ---- who may ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("urgent", [True, False])
def test_who_is_not_registered_to_the_gateway_service_is_told_so(urgent):
    bench = FunctionBench()
    answer = bench.ask(HERE, own("REG", A, urgentTag=urgent))
    assert (answer.code, answer.diagnostic) == ("4.01", "not registered to the gateway service")
    bench.ask(HERE, own("GWREG", A, expiredTime=60))
    bench.now += 60
    assert bench.ask(HERE, own("REG", A, urgentTag=urgent)).code == "4.01"


def test_a_ue_that_is_not_provisioned_any_more_is_not_held():
    bench = bench_of(open=False)
    bench.store.add_device(A)
    bench.ask(HERE, own("GWREG", A))
    bench.store.remove_device(A)
    assert bench.ask(HERE, waiting()).body == {
        "oriAddr": ori(A),
        "result": False,
        "cause": "unknown UE service ID",
    }


def test_nobody_deregisters_somebody_else():
    bench = FunctionBench()
    bench.join(A, HERE)
    bench.join(B, THERE)
    assert bench.ask(THERE, waiting("DEREG", A)).code == "4.03"
    assert bench.ask(Peer("192.0.2.77", 1), waiting("DEREG", A)).code == "4.01"


@pytest.mark.parametrize(
    "change, member",
    [
        ({"reqExpTime": 0}, "reqExpTime"),
        ({"reqExpTime": "soon"}, "reqExpTime"),
        ({"urgentTag": "perhaps"}, "urgentTag"),
        ({"urgentTag": 7}, "urgentTag"),
        ({"oriAddr": {"oriAddrType": "AS", "addr": A}}, "oriAddr.oriAddrType"),
        ({"regList": [], "totalRegCount": 0}, "regList"),
    ],
)
def test_a_bad_member_is_named(change, member):
    answer = bench_of(A).ask(HERE, waiting() | change)
    assert answer.code == "4.00" and answer.diagnostic.startswith(member + ":")


# ---- what the server answers -----------------------------------------------------------------------------------------


def held(count, **settings):
    """That many held registrations, and the request for all of them."""
    bench = bench_of(*many(count), max_datagram=8192, **settings)
    for ue in many(count):
        bench.ask(at(ue), waiting(ue=ue))
    return bench, bench.one_ask(60)


def test_each_ue_hears_what_became_of_its_own():
    bench, ask = held(3)
    a, b, c = many(3)
    elements = [
        {"oriAddr": ori(c), "result": True, "regExpTime": 900},
        {"oriAddr": ori(a), "result": False, "cause": "unknown UE service ID"},
        {"oriAddr": ori(b)},  # true by default (clause 7.3.3.4)
    ]
    bench.answer(ask, "2.04", {"totalRegCount": 3, "regList": elements})
    pushes = {push.target.id: push for push in bench.pushes()}
    assert {ue: push.body for ue, push in pushes.items()} == {
        a: own("REGRESP", a, result=False, cause="unknown UE service ID"),
        b: own("REGRESP", b, result=True),
        c: own("REGRESP", c, result=True, regExpTime=900),
    }
    assert all(push.where == at(ue) for ue, push in pushes.items())
    to = {"msgType": "MSG", "destAddr": {"destAddrType": "UE", "addr": c}}
    assert bench.where(to) == at(c)
    assert bench.where(to | {"destAddr": {"destAddrType": "UE", "addr": a}}) == "4.04"
    bench.now += 900
    assert bench.where(to) == "4.04"


@pytest.mark.parametrize(
    "elements",
    [
        lambda a, b: [{"oriAddr": ori(a), "result": True}],
        lambda a, b: [{"oriAddr": ori(a), "result": True}, {"oriAddr": ori(b), "result": "perhaps"}],
        lambda a, b: [None, {"oriAddr": ori(a)}, {"result": True}, 7],
        lambda a, b: [{"oriAddr": ori(a)}, {"oriAddr": ori(a)}, {"oriAddr": ori("ue:stranger")}],
    ],
)
def test_those_that_were_not_answered_are_asked_for_again(elements):
    bench, ask = held(2)
    a, b = many(2)
    bench.answer(ask, "2.04", {"totalRegCount": 2, "regList": elements(a, b)})
    assert [push.target.id for push in bench.pushes()] == [a]
    assert bench.asks() == []  # not at once
    assert listed(bench.one_ask(2)) == ("BREG", [b])


def test_what_went_because_there_was_enough_does_not_wait_for_its_own_time_again():
    bench = bench_of(*many(2), bulk_max=2)
    for ue in many(2):
        bench.ask(at(ue), waiting(ue=ue, reqExpTime=300))
    bench.answer(bench.one_ask(), "2.04", {"regList": [{"oriAddr": ori(many(2)[0])}]})
    assert listed(bench.one_ask(2)) == ("BREG", many(2)[1:])


@pytest.mark.parametrize("body", [None, {}, {"regList": None}, {"regList": {"a": 1}}])
def test_an_answer_that_is_none_is_asked_for_again(body):
    bench, ask = held(2)
    bench.answer(ask, "2.04", body)
    assert listed(bench.one_ask(2)) == ("BREG", many(2))


@pytest.mark.parametrize("code", ["5.01", "4.00", "4.03", "4.13"])
def test_where_lists_are_not_taken_each_goes_singly(code):
    bench, ask = held(2)
    a, b = many(2)
    bench.answer(ask, code, diagnostic="not here")
    first, second = bench.asks()
    assert json.loads(first.request.payload) == own("REG", a)
    assert (listed(second), second.peers) == (("REG", [b]), (at(b),))
    bench.answer(first, "2.04", {"oriAddr": ori(a), "result": True, "regExpTime": 70})
    bench.answer(second, "4.03", diagnostic="not yours")
    assert {push.target.id: push.body for push in bench.pushes()} == {
        a: own("REGRESP", a, result=True, regExpTime=70),
        b: own("REGRESP", b, result=False, cause="4.03 not yours"),
    }


def test_a_silent_server_is_asked_after_2_s_to_60_s():
    bench, ask = held(1, bulk_interval=60)
    bench.now += 0
    waits = []
    for _ in range(4):
        bench.answer(ask, None)
        deadline = bench.function.deadline(bench.now)
        waits.append(deadline - bench.now)
        ask = bench.one_ask(deadline - bench.now)
    assert waits == [2, 4, 8, 16]
    bench.take_all(ask)
    assert len(bench.pushes()) == 1


def test_the_longest_pause_is_a_minute_and_max_age_is_obeyed():
    bench = bench_of(A)
    bench.ask(HERE, waiting(reqExpTime=3600))
    ask = bench.one_ask(60)
    bench.answer(ask, "5.03", max_age=300)
    assert bench.asks(299) == []
    for _ in range(8):
        bench.answer(bench.one_ask(60 if _ else 1), None)
    assert bench.asks(59) == []
    assert len(bench.asks(1)) == 1


def test_a_request_past_its_limit_is_given_up_and_the_ue_is_told():
    bench = bench_of(A)
    bench.ask(HERE, waiting(reqExpTime=10))
    ask = bench.one_ask(5)
    assert bench.pushes(4.9) == []
    (push,) = bench.pushes(0.1)
    assert push.body == own("REGRESP", A, result=False, cause="registration timed out")
    bench.outcome(push)
    bench.take_all(ask)  # too late: the UE was told otherwise, and registers again
    assert bench.work(3600) == []


def test_a_gateway_that_is_not_registered_asks_again_once_it_is():
    bench, ask = held(1)
    bench.answer(ask, "4.01", diagnostic="not registered")
    assert bench.asks() == []
    bench.function.registered(bench.now)
    assert listed(bench.one_ask()) == ("BREG", many(1))


def test_few_requests_are_under_way_at_once():
    bench = bench_of(*many(40), bulk_max=40)
    for ue in many(40):
        bench.ask(at(ue), waiting(ue=ue, cliProfile={"about": "x" * 300}))
    asked, seen = bench.asks(), []
    while asked:
        assert len(asked) <= 4
        seen += listed(asked[0])[1]
        bench.take_all(asked.pop(0))
        asked += bench.asks()
    assert sorted(seen) == many(40)


def test_a_request_of_which_nobody_says_what_became_is_not_waited_for_without_end():
    """As where the store takes nothing just when the answer comes."""
    bench = bench_of(*many(5), bulk_max=1)
    for ue in many(5):
        bench.ask(at(ue), waiting(ue=ue, reqExpTime=3000))
        asked = bench.asks()
    assert asked == []  # four are out
    assert bench.asks(299) == []
    assert bench.asks(1) == []
    asked = bench.asks(60)
    assert sorted(sum((listed(ask)[1] for ask in asked), [])) == many(5)


def test_one_row_that_raises_does_not_stop_the_others():
    bench = bench_of(*many(3), max_datagram=8192)
    for ue in many(3):
        bench.ask(at(ue), waiting(ue=ue))
    bench.store._db.execute("UPDATE gateway_held SET body='{' WHERE ue=?", (many(3)[1],))
    ask = bench.one_ask(60)
    assert listed(ask) == ("BREG", [many(3)[0], many(3)[2]])
    bench.take_all(ask)
    assert [push.target.id for push in bench.pushes()] == [many(3)[0], many(3)[2]]
    assert bench.events("quarantined")
    assert many(3)[1] in [push.target.id for push in bench.pushes(600)]  # given up: it is told


# ---- restarts, clocks ------------------------------------------------------------------------------------------------


def test_what_was_answered_outlives_the_program(tmp_path):
    bench = bench_of(*many(2), path=tmp_path / "gw.db")
    for ue in many(2):
        bench.ask(at(ue), waiting(ue=ue))
    bench.restart()
    bench.one_ask(60)  # killed before the answer
    bench.restart()
    ask = bench.one_ask()
    assert listed(ask) == ("BREG", many(2))
    bench.take_all(ask)
    assert len(bench.pushes()) == 2  # killed before they were delivered
    bench.restart()
    pushes = bench.pushes()
    assert sorted(push.target.id for push in pushes) == many(2)
    for push in pushes:
        bench.outcome(push)
    bench.restart()
    assert bench.work() == []


def test_a_clock_that_is_set_changes_no_wait():
    bench = bench_of(A)
    bench.ask(HERE, waiting(reqExpTime=600))
    bench.answer(bench.one_ask(60), None)
    with bench.store.transaction():
        bench.store.shift_times(-100000)
    bench.function.clock_set(-100000)
    bench.now -= 100000
    assert bench.asks(1.9) == []
    assert len(bench.asks(0.1)) == 1
