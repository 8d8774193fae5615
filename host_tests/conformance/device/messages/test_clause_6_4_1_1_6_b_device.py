# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.4.1.1.6 b, several applications on a UE: the payload goes to those that the Application ID
names. At an MSGin5G Client with several applications on its UE: the firmware's core, and a peer made by hand."""

import pytest

from host_tests.conformance.device.core import body, message, registered

MODULES = ("firmware/msgin5g/incoming/applications.py", "firmware/msgin5g/incoming/inbox.py")
ALSO = ("host_tests/device/incoming/test_several_applications.py",)


def device(*names, **config):
    core = registered(**config)
    for name in names:
        core.client.call("receiver", "open", name, core.tick)
    return core


def taken(core, name=None):
    """The Message IDs of all that this application takes; None is the client's own inbox."""
    found = []
    while True:
        made = core.client.take(core.tick, name)
        core._drain()
        if made is None:
            return found
        found.append(made.message_id[-1])


@pytest.mark.parametrize(
    "app_id, own, meter, valve",
    [
        ("meter", [], ["1"], []),
        ("valve", [], [], ["1"]),
        (["meter", "valve"], [], ["1"], ["1"]),
        (["meter", "other"], [], ["1"], []),
        ("other", ["1"], [], []),
        (None, ["1"], [], []),
    ],
)
def test_6_4_1_1_6_b_it_goes_to_each_that_is_named_and_to_no_other(app_id, own, meter, valve):
    core = device("meter", "valve")
    assert core.code(message(appId=app_id)) == "2.04"
    assert (taken(core), taken(core, "meter"), taken(core, "valve")) == (own, meter, valve)


def test_6_4_1_1_6_b_a_repeat_goes_to_nobody():
    core = device("meter", "valve")
    for _ in range(2):
        assert core.code(message(appId=["meter", "valve"])) == "2.04"
    assert (taken(core, "meter"), taken(core, "valve")) == (["1"], ["1"])
    assert core.code(message(appId=["meter", "valve"])) == "2.04"
    assert (taken(core, "meter"), taken(core, "valve")) == ([], [])


def test_6_4_1_1_6_b_one_report_goes_back():
    core = device("meter", "valve")
    core.post(message(appId=["meter", "valve"], isDelivStatReq=True))
    assert taken(core, "meter") == ["1"]
    report = core.next("IMDN")
    assert body(report)["DelSta"] == "success"
    core.answer(report)
    assert taken(core, "valve") == ["1"]
    assert core.of("IMDN") == []


def test_6_4_1_1_6_b_one_that_takes_nothing_keeps_no_other_from_its_messages():
    core = device("meter", inbox={"messages": 2})
    assert core.code(message(1, appId="meter")) == "2.04"
    assert core.code(message(2, appId="meter")) == "5.03"
    assert core.code(message(3)) == "2.04"
    core.run(61)
    assert core.code(message(2, appId="meter")) == "4.13"
