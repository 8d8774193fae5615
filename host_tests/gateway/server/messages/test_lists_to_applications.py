# SPDX-License-Identifier: MIT
"""Aggregated messages to a UE that is one or more applications of MSGin5G-5, which has none: each is brought singly
(TS 24.538 clause 6.4.1.1.7)."""

import asyncio

import pytest

from host_tests.gateway.server.messages.test_aggregates import aggregate, ids, listed
from host_tests.gateway.server.test_applications import LINE, ONE, AppBench
from host_tests.gateway.server.test_decisions import HERE
from tools.gateway.sending import Sender
from tools.server.delivery.pushes import DONE, LATER, REFUSED, Outcome


class _Line:
    """`verdicts` by payload; all else is taken."""

    def __init__(self):
        self.brought, self.verdicts = [], {}

    async def bring(self, item):
        outcome = self.verdicts.get(item.value, Outcome(DONE))
        if outcome.verdict == DONE:
            self.brought.append((item.msg_id, item.value, item.report))
        return outcome


class _Bench(AppBench):
    def __init__(self):
        super().__init__((7, ONE))
        self.enter(7)
        self.line = _Line()
        self.sender = Sender(None, None, lambda *arguments, **named: self.told.append(("error", arguments)))
        self.sender.set_behind(self.applications, self.event, None, {LINE: self.line})

    def _bring(self, push):
        return asyncio.run(self.sender.to_application(push.where, push.body))


@pytest.fixture
def bench():
    return _Bench()


def test_each_is_brought_singly_and_in_order_with_what_it_inherits(bench):
    elements = listed(3)
    elements[1]["isDelivStatReq"] = False
    body = aggregate(elements, ONE, isDelivStatReq=True)
    assert bench.code(HERE, body) == "2.04"
    assert bench.run() == []
    wanted = [
        (each["msgId"], each["payload"], report)
        for each, report in zip(elements, (True, False, True), strict=True)
    ]
    assert bench.line.brought == wanted
    assert [each["msgId"] for each in bench.events("delivered")] == [body["msgId"]]


def test_what_was_brought_before_one_had_to_wait_is_not_brought_again(bench):
    elements = listed(3)
    bench.line.verdicts[elements[1]["payload"]] = Outcome(LATER, "busy")
    bench.ask(HERE, aggregate(elements, ONE))
    bench.run()
    assert [each for each, _, _ in bench.line.brought] == [elements[0]["msgId"]]
    bench.line.verdicts.clear()
    bench.run(400)
    assert [each for each, _, _ in bench.line.brought] == [each["msgId"] for each in elements]


def test_one_that_is_refused_takes_no_other_along_and_is_reported_where_that_is_wanted(bench):
    elements = listed(3)
    elements[1]["isDelivStatReq"] = True
    bench.line.verdicts[elements[1]["payload"]] = Outcome(REFUSED, "no room")
    bench.line.verdicts[elements[2]["payload"]] = Outcome(REFUSED, "no room")
    bench.ask(HERE, body := aggregate(elements, ONE))
    (report,) = bench.run()
    assert (report["msgType"], report["msgId"]) == ("IMDN", elements[1]["msgId"])
    assert (report["DelSta"], report["Cause"]) == ("failure", "no room")
    assert [each["msgId"] for each in bench.events("discarded")] == ids(body)[1:]


def test_where_all_are_refused_the_whole_is(bench):
    elements = listed(2)
    for each in elements:
        bench.line.verdicts[each["payload"]] = Outcome(REFUSED, "no room")
    bench.ask(HERE, body := aggregate(elements, ONE))
    (told,) = bench.run()
    assert (told["msgType"], told["msgId"], told["Cause"]) == ("MSGRESP", body["msgId"], "no room")


def test_nothing_of_it_is_an_error(bench):
    bench.ask(HERE, aggregate(listed(2), ONE))
    bench.run()
    assert not [name for name, _ in bench.told if name in ("error", "quarantined")]
