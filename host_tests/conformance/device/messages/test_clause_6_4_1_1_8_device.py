# SPDX-License-Identifier: MIT
"""TS 24.538 clauses 6.4.1.1.8 and 6.4.1.1.9, receiving a delivery status report, single and aggregated, at the MSGin5G
Client. The firmware's core, and a peer made by hand."""

import pytest

from host_tests.conformance.device.core import OTHER, UE, own, registered

MODULES = ("firmware/msgin5g/outgoing/sender.py", "firmware/msgin5g/outgoing/scheduler.py")
ALSO = ("host_tests/device/outgoing/test_reports.py",)
WHOLE = "0e4a8ac6-54a9-4d2c-8a6c-00000000000f"


def waiting(count=1):
    """(core, this many messages that wait for their report)."""
    core = registered()
    made = []
    for _ in range(count):
        made.append(core.send(report=True))
        core.answer(core.next("MSG"))
    assert [each.state for each in made] == ["accepted"] * count
    return core, made


def report(**members):
    return own("IMDN", OTHER, destAddr={"destAddrType": "UE", "addr": UE}) | members


def element(outgoing, status="success", **members):
    return {"msgId": outgoing.message_id, "DelSta": status} | members


def aggregated(*elements, **members):
    return report(msgId=WHOLE, totalMsgCount=len(elements), msgList=list(elements)) | members


def test_6_4_1_1_8_a_success_is_told_to_the_application():
    core, (made,) = waiting()
    assert core.code(report(**element(made))) == "2.04"
    assert (made.state, made.cause) == ("delivered", None)


def test_6_4_1_1_8_a_failure_is_told_with_its_cause():
    core, (made,) = waiting()
    assert core.code(report(**element(made, "failure", Cause="valve stuck"))) == "2.04"
    assert (made.state, made.cause) == ("failed", "valve stuck")


def test_6_4_1_1_8_the_message_id_says_which_message():
    core, (first, second) = waiting(2)
    core.post(report(**element(second)))
    assert (first.state, second.state) == ("accepted", "delivered")


@pytest.mark.parametrize("wrong", [{"oriAddr": {"oriAddrType": "UE", "addr": "ue:c@x"}}, {"msgId": WHOLE}])
def test_6_4_1_1_8_one_that_is_about_nothing_changes_nothing(wrong):
    core, (made,) = waiting()
    assert core.code(report(**element(made)) | wrong) == "2.04"
    assert (made.state, core.client.stats["unexpected"]) == ("accepted", 1)


def test_6_4_1_1_8_one_for_another_ue_is_refused():
    core, (made,) = waiting()
    said = report(**element(made), destAddr={"destAddrType": "UE", "addr": OTHER})
    assert (core.code(said), made.state) == ("4.04", "accepted")


def test_6_4_1_1_9_each_element_is_a_report():
    core, made = waiting(3)
    elements = element(made[0]), element(made[1], "failure", Cause="no"), element(made[2])
    assert core.code(aggregated(*elements)) == "2.04"
    assert [(each.state, each.cause) for each in made] == [
        ("delivered", None),
        ("failed", "no"),
        ("delivered", None),
    ]


def test_6_4_1_1_9_the_message_id_outside_is_about_nothing():
    core, (first, second) = waiting(2)
    assert core.code(aggregated(element(second), msgId=first.message_id)) == "2.04"
    assert (first.state, second.state) == ("accepted", "delivered")


def test_6_4_1_1_9_the_originator_outside_is_that_of_each():
    core, made = waiting(2)
    said = aggregated(*[element(each) for each in made]) | {
        "oriAddr": {"oriAddrType": "UE", "addr": "ue:c@x"}
    }
    assert core.code(said) == "2.04"
    assert [each.state for each in made] == ["accepted"] * 2


@pytest.mark.parametrize(
    "last", [{"DelSta": "success"}, {"msgId": WHOLE}, {"msgId": WHOLE, "DelSta": "lost"}, 7]
)
def test_6_4_1_1_9_one_that_is_wrong_is_refused_whole(last):
    core, (made,) = waiting()
    assert core.code(aggregated(element(made), last)) == "4.00"
    assert made.state == "accepted"


@pytest.mark.parametrize("members", [{"msgList": []}, {"totalMsgCount": 2}])
def test_6_4_1_1_9_the_number_is_that_of_the_list(members):
    core, (made,) = waiting()
    assert core.code(aggregated(element(made)) | members) == "4.00"
    assert made.state == "accepted"
