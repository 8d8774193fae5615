# SPDX-License-Identifier: MIT
"""A procedure of the server is a class and a row of the table: that makes it part of all that the server does."""

import pytest

from host_tests.gateway.server.test_decisions import HERE, THERE, A, B, Bench, msg, own
from tools.server.delivery.pushes import Push
from tools.server.procedures import TABLE, Row
from tools.server.procedures.procedure import Procedure
from tools.server.server import Server
from tools.store.states import FAILED, QUEUED
from tools.store.tables import CONTROL
from tools.wire import bodies
from tools.wire.answers import Answer, Refusal
from tools.wire.bodies import Address


class Echo(Procedure):
    """Answers ECHO with the time, routes ISLAND to a UE of its own, and asks B something every 60 s."""

    def __init__(self, core):
        super().__init__(core)
        self.next = self.shifted = 0.0
        self.raises = None
        self.outcomes = []
        self.resumed = 0

    def receive(self, kind, peer, body, now):
        if self.raises:
            raise self.raises
        if kind == "ECHO":
            ue = bodies.address(body, "oriAddr", ("UE",)).id
            self._speakers.speaks_for(peer, ue, now)
            return Answer("2.04", {"at": now})
        return None

    def route(self, item, now):
        return (QUEUED, "") if item.target.id == "here" else (FAILED, "not on this island")

    def resume(self, now):
        self.resumed += 1
        self.next = now + 60

    def work(self, now, pushes):
        if self.raises:
            raise self.raises
        if now >= self.next and self._deliveries.turns.may_send(Address("UE", B), CONTROL, now):
            self.next = now + 60
            push = Push(Address("UE", B), THERE, "ASK", CONTROL, {"msgType": "ASK"}, of=self)
            pushes.append(self._deliveries.turns.begin(push))

    def outcome(self, push, outcome, now):
        if self.raises:
            raise self.raises
        self._deliveries.turns.finish(push, outcome, now)
        self.outcomes.append((push.kind, outcome.verdict))

    def deadline(self, now):
        return self.next

    def clock_set(self, seconds):
        self.next += seconds
        self.shifted += seconds


class EchoBench(Bench):
    def restart(self):
        table = (*TABLE, Row(Echo, ("ECHO", "HUSH"), ("GROUP",)))
        self.server = Server(self.store, self.settings, self._emit, table=table)
        self.server.start(self.now)
        self.echo = self.server._procedures["test_procedures"]


@pytest.fixture
def bench():
    bench = EchoBench()
    bench.register(A, HERE)
    bench.register(B, THERE)
    return bench


def test_each_type_and_target_has_one_row_and_each_row_a_name_of_its_own():
    types = [each for row in TABLE for each in row.types]
    targets = ["UE", "AS"] + [each for row in TABLE for each in row.targets]
    assert len(types) == len(set(types)) and len(targets) == len(set(targets))
    # TS 24.538 clause 7.1, of those that a UE sends to a server; SEGCOFIR is spelt so in clause 6.5.3.5.
    expected = {"REG", "DEREG", "GWREG", "BREG", "BDEREG", "MSG", "IMDN", "SEGREC", "SEGCONFIR", "SEGCOFIR"}
    # MSGUPD is a proposal of this project's own (docs/wire-profile.md).
    assert set(types) == expected | {"MSGUPD"}
    assert set(targets) <= set(bodies.TARGETS)
    modules = [row.procedure.__module__ for row in TABLE]
    assert len(modules) == len(set(modules))


def test_what_a_row_promises_its_class_has():
    for row in TABLE:
        assert bool(row.types) == (row.procedure.receive is not Procedure.receive), row
        assert bool(row.targets) == (row.procedure.route is not Procedure.route), row


def test_it_answers_requests_of_its_types(bench):
    answer = bench.ask(HERE, own("ECHO", A))
    assert (answer.code, answer.body) == ("2.04", {"at": bench.now})
    assert bench.ask(HERE, own("echo", A)).code == "2.04"
    assert bench.ask(HERE, own("HUSH", A)) == Answer("2.04")
    assert bench.code(HERE, own("ECHO", B)) == "4.03"
    assert bench.code(HERE, own("OTHER", A)) == "4.00"


@pytest.mark.parametrize(
    "error, code", [(bodies.Malformed("x", "missing"), "4.00"), (Refusal("4.04", "no"), "4.04")]
)
def test_what_it_refuses_is_told_as_of_its_type(bench, error, code):
    bench.echo.raises = error
    assert bench.code(HERE, own("ECHO", A)) == code
    told = bench.events("refused")[-1]
    assert (told["kind"], told["code"]) == ("ECHO", code)
    assert bench.server.refused == 1


def test_what_raises_in_it_ends_nothing_else(bench):
    bench.echo.raises = KeyError("x")
    assert bench.code(HERE, own("ECHO", A)) == "5.00"
    assert bench.code(HERE, msg(A, B)) == "2.04"
    (push,) = bench.work(61)
    assert push.kind == "MSG"
    assert [told["what"] for told in bench.events("quarantined")] == [bench.echo.name]
    bench.echo.raises = None
    bench.outcome(push)
    assert [push.kind for push in bench.work(10)] == ["ASK"]


def test_what_raises_of_its_own_request_frees_the_recipient(bench):
    (push,) = bench.work(60)
    bench.echo.raises = KeyError("x")
    bench.outcome(push)
    assert [told["kind"] for told in bench.events("quarantined")] == ["recipient"]
    bench.echo.raises = None
    bench.code(HERE, msg(A, B))
    assert [push.kind for push in bench.work(10)] == ["MSG"]  # when it has rested


def test_it_routes_its_targets(bench):
    assert bench.code(HERE, msg(A, "here", to_type="GROUP")) == "2.04"
    assert bench.events("failed") == []
    assert bench.code(HERE, msg(A, "there", to_type="GROUP")) == "2.04"
    assert bench.events("failed")[-1]["cause"] == "not on this island"
    assert bench.take()["msgType"] == "MSGRESP"


def test_it_works_when_it_is_due_and_hears_what_came_of_it(bench):
    assert bench.echo.resumed == 1
    assert bench.server.deadline(bench.now) <= bench.now + 60
    assert bench.work(59) == []
    (push,) = bench.work(1)
    assert push.of is bench.echo
    bench.code(HERE, msg(A, B))
    assert bench.work() == []  # one request at a time to a recipient
    bench.outcome(push, "5.03")
    assert bench.echo.outcomes == [("ASK", "later")]
    assert [push.kind for push in bench.work()] == ["MSG"]  # the other lane does not wait


def test_its_times_follow_the_clock(bench):
    bench.server.clock_set(1000.0)
    assert bench.echo.shifted == 1000.0
    assert bench.server.deadline(bench.now) > bench.now + 60
