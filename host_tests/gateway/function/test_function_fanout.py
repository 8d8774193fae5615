# SPDX-License-Identifier: MIT
"""Responses that a Gateway UE owes: each is sent until it is taken, refused or too old, one at a time to a UE."""

import pytest

from host_tests.gateway.function.function_bench import HERE, THERE, A, FunctionBench, own
from tools.wire.identity import Peer


@pytest.fixture
def bench():
    """A registration that was held is done: the UE is owed a REGRESP."""
    made = FunctionBench()
    made.ask(HERE, own("GWREG", A))
    made.ask(HERE, own("REG", A, urgentTag=False))
    made.take_all(made.one_ask(60))
    return made


def one(bench, later=0.0):
    (push,) = bench.pushes(later)
    return push


def test_one_that_is_taken_is_done(bench):
    push = one(bench)
    assert bench.pushes() == []  # while it is out
    bench.outcome(push)
    assert bench.work(7200) == []
    assert [event["ue"] for event in bench.events("responded")] == [A]


@pytest.mark.parametrize("code", ["4.04", "4.00", "4.05", "RST"])
def test_one_that_is_refused_is_dropped_and_told(bench, code):
    bench.outcome(one(bench), code)
    assert bench.work(7200) == []
    (event,) = bench.events("response-dropped")
    assert (event["ue"], event["kind"]) == (A, "REGRESP") and event["cause"].startswith(code)


def test_a_silent_ue_gets_it_when_it_is_heard_again(bench):
    bench.outcome(one(bench), None)
    assert bench.pushes(600) == []
    bench.ask(HERE, own("IMDN", A))
    bench.outcome(one(bench), None)
    assert bench.pushes() == []
    bench.ask(Peer(HERE.host, 41000), own("MSG", A))
    push = one(bench)
    assert push.where == Peer(HERE.host, 41000)  # it moved
    bench.outcome(push)
    assert bench.pushes(60) == []


def test_somebody_else_does_not_wake_it_nor_get_it(bench):
    bench.outcome(one(bench), None)
    bench.ask(THERE, own("MSG", A))
    assert bench.pushes() == []


def test_a_silent_ue_is_given_up_after_half_an_hour(bench):
    bench.outcome(one(bench), None)
    assert bench.pushes(1799) == [] and not bench.events("response-dropped")
    assert bench.pushes(1) == []
    assert bench.events("response-dropped")[0]["cause"] == "it was not taken in time"
    bench.ask(HERE, own("MSG", A))
    assert bench.pushes() == []


def test_one_that_is_busy_is_asked_again(bench):
    bench.outcome(one(bench), "5.03", max_age=20)
    assert bench.pushes(19.9) == []
    bench.outcome(one(bench, 0.1))
    assert bench.work(1800) == []


def test_a_silence_on_the_old_address_says_nothing_of_the_new_one(bench):
    old = one(bench)
    bench.ask(Peer(HERE.host, 41000), own("MSG", A))
    new = one(bench)
    bench.outcome(old, None)
    assert bench.pushes() == []  # the new one is out
    bench.outcome(new, "5.03")
    one(bench, 10)


def test_a_newer_request_of_the_ue_ends_what_it_is_owed(bench):
    bench.outcome(one(bench), None)
    assert bench.ask(HERE, own("REG", A, urgentTag=True)) is None
    bench.ask(HERE, own("MSG", A))
    assert bench.pushes() == []


def test_one_response_that_raises_rests_and_is_given_up(bench):
    bench.store._db.execute("UPDATE gateway_response SET body='[]'")
    assert bench.pushes() == []
    assert bench.events("quarantined")
    assert bench.pushes(1800) == [] and bench.events("response-dropped")
