# SPDX-License-Identifier: MIT
"""TS 23.554 clauses 8.3.4 and 8.7.4, delivery status reports of the many that a message went to, at the MSGin5G
Client. The firmware's core, and a peer made by hand."""

import pytest

from host_tests.conformance.device.core import UE, own, registered

MODULES = ("firmware/msgin5g/outgoing/many.py", "firmware/msgin5g/outgoing/sender.py")
ALSO = ("host_tests/device/outgoing/test_many.py",)
MANY = pytest.mark.parametrize("kind", ["GROUP", "TOPIC", "BC"])
TIMEOUT = 600


def waiting(kind="GROUP"):
    """(core, a message to many that waits for their reports, what they said)."""
    core = registered(report_timeout=TIMEOUT)
    made = core.send(to_type=kind, report=True)
    core.answer(core.next("MSG"))
    return core, made


def told(core):
    """(reporter, success, cause) of each report that the application is told of."""
    found = []
    while True:
        event = core.client.next_event()
        if event is None:
            return found
        if event[0] == 5:  # events.REPORT
            found.append(event[1][1:])


def say(core, made, reporter, status="success", **members):
    said = own(
        "IMDN", reporter, destAddr={"destAddrType": "UE", "addr": UE}, msgId=made.message_id, DelSta=status
    )
    assert core.code(said | members) == "2.04"


@MANY
def test_8_7_4_the_first_success_delivers_it_and_all_are_counted(kind):
    core, made = waiting(kind)
    assert made.reports == {"success": 0, "failure": 0}
    say(core, made, "ue:m1@x")
    assert made.state == "delivered"
    say(core, made, "ue:m2@x")
    say(core, made, "ue:m3@x", "failure", Cause="full")
    assert (made.state, made.reports) == ("delivered", {"success": 2, "failure": 1})
    assert told(core) == [("ue:m1@x", True, None), ("ue:m2@x", True, None), ("ue:m3@x", False, "full")]


@MANY
def test_8_7_4_a_failure_ends_nothing(kind):
    core, made = waiting(kind)
    say(core, made, "ue:m1@x", "failure", Cause="full")
    assert (made.state, made.reports) == ("accepted", {"success": 0, "failure": 1})
    say(core, made, "ue:m2@x")
    assert (made.state, made.cause) == ("delivered", None)


@MANY
def test_8_7_4_without_a_success_the_last_cause_is_its_end(kind):
    core, made = waiting(kind)
    say(core, made, "ue:m1@x", "failure", Cause="full")
    say(core, made, "ue:m2@x", "failure", Cause="asleep")
    core.run(TIMEOUT - 1)
    assert made.state == "accepted"
    core.run(2)
    assert (made.state, made.cause) == ("failed", "asleep")


@MANY
def test_8_7_4_without_any_report_it_stays_accepted(kind):
    core, made = waiting(kind)
    core.run(TIMEOUT + 1)
    assert (made.state, made.final, made.reports) == ("accepted", True, {"success": 0, "failure": 0})


def test_8_7_4_each_reporter_counts_once():
    core, made = waiting()
    for _ in range(3):
        say(core, made, "ue:m1@x")
        say(core, made, "ue:m2@x", "failure")
    assert made.reports == {"success": 1, "failure": 1}


def test_8_3_4_an_aggregated_report_counts_for_each_message_to_many():
    core, first = waiting()
    second = core.send(to_type="GROUP", report=True)
    core.answer(core.next("MSG"))
    elements = [{"msgId": each.message_id, "DelSta": "success"} for each in (first, second)]
    said = own("IMDN", "ue:m1@x", destAddr={"destAddrType": "UE", "addr": UE}, msgId=first.message_id)
    assert core.code(said | {"totalMsgCount": 2, "msgList": elements}) == "2.04"
    assert [each.reports["success"] for each in (first, second)] == [1, 1]


def test_8_3_4_a_message_to_one_has_no_count():
    core = registered()
    assert core.send(report=True).reports is None
    assert registered().send(to_type="GROUP").reports is None
