# SPDX-License-Identifier: MIT
"""TS 24.538 clauses 6.4.1.1.6 and 6.4.1.1.7, receiving a message, single and aggregated, at the MSGin5G Client. The
firmware's core, and a peer made by hand."""

import pytest

from host_tests.conformance.device.core import MSG_ID, OTHER, body, message, registered

MODULES = (
    "firmware/msgin5g/incoming/receiver.py",
    "firmware/msgin5g/incoming/inbox.py",
    "firmware/msgin5g/incoming/reassembly.py",
    "firmware/msgin5g/wire/bodies.py",
)
ALSO = ("host_tests/device/incoming/test_receiving.py", "host_tests/device/incoming/test_reassembly.py")


def taken(core):
    """The messages that the application takes now."""
    found = []
    while True:
        made = core.client.take(core.tick)
        if made is None:
            return found
        found.append(made)


def segment(number, total=3, **members):
    params = {"segId": "set-1", "segNumb": number} | ({"totalSegCount": total} if number == 1 else {})
    if number == total:
        params["lastSegFlag"] = "true"
    return message(isSegmented=True, segParams=params, payload="part %d " % number, **members)


# ---- 6.4.1.1.6 -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("app_id, told", [("meter", "meter"), (["meter", "clock"], ("meter", "clock"))])
def test_6_4_1_1_6_the_payload_goes_to_the_application_that_is_named(app_id, told):
    core = registered()
    assert core.code(message(appId=app_id)) == "2.04"
    (made,) = taken(core)
    assert (made.payload, made.app_id, made.sender, made.message_id) == ("hi", told, OTHER, MSG_ID)


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
def test_6_4_1_1_6_segments_are_waited_for_and_put_together_in_their_order(order):
    core = registered()
    for number in order:
        assert taken(core) == []
        assert core.code(segment(number)) == "2.04"
    (made,) = taken(core)
    assert made.payload == "part 1 part 2 part 3 "


def test_6_4_1_1_6_the_last_flag_says_how_many_there_are():
    core = registered()
    for number in (1, 2):
        said = segment(number)
        said["segParams"].pop("totalSegCount", None)
        assert core.code(said) == "2.04"
    assert taken(core) == []
    core.post(segment(3))
    assert len(taken(core)) == 1


@pytest.mark.parametrize("wanted", [False, True])
def test_6_4_1_1_6_a_report_goes_out_where_it_is_wanted(wanted):
    core = registered(reports="arrival")
    core.post(message(isDelivStatReq=wanted))
    assert [body(each)["DelSta"] for each in core.of("IMDN")] == ["success"] * wanted


def test_6_4_1_1_6_it_goes_out_after_the_application_has_the_message():
    core = registered(reports="taken")
    core.post(message(isDelivStatReq=True))
    assert not core.of("IMDN")
    taken(core)
    core.run(0.1)
    assert len(core.of("IMDN")) == 1


def test_6_4_1_1_6_one_report_for_all_segments():
    core = registered(reports="arrival")
    for number in (1, 2, 3):
        core.post(segment(number, **({"isDelivStatReq": True} if number == 1 else {})))
    while not core.of("IMDN"):
        core.answer(core.requests.pop(0))  # SEGCONFIR
    assert [body(each)["msgId"] for each in core.of("IMDN")] == [MSG_ID]


# ---- 6.4.1.1.7 -------------------------------------------------------------------------------------------------------


def element(number, **members):
    return {"msgId": MSG_ID[:-1] + str(number), "payload": "e%d" % number} | members


def aggregated(*elements, **outside):
    said = message(9, totalMsgCount=len(elements), msgList=list(elements), **outside)
    del said["payload"]
    return said


def test_6_4_1_1_7_each_element_becomes_a_message():
    core = registered()
    assert core.code(aggregated(element(1), element(2), element(3))) == "2.04"
    found = taken(core)
    assert [(made.message_id[-1], made.payload) for made in found] == [("1", "e1"), ("2", "e2"), ("3", "e3")]


def test_6_4_1_1_7_the_addresses_outside_are_those_of_each():
    core = registered()
    group = {"oriDestAddr": {"destAddrType": "GROUP", "addr": "group:g@example.org"}}
    core.post(aggregated(element(1), element(2), **group))
    for made in taken(core):
        assert (made.sender, made.sender_type, made.to, made.to_type) == (
            OTHER,
            "UE",
            "group:g@example.org",
            "GROUP",
        )


OUTSIDE = [
    ("appId", "app_id", None, "meter", "clock", "meter", "clock"),
    ("appId", "app_id", None, ["meter", "pump"], "clock", ("meter", "pump"), "clock"),
    ("isDelivStatReq", "report_requested", False, True, False, True, False),
    ("isDelivStatReq", "report_requested", False, False, True, False, True),
    ("priority", "priority", "NORMAL", "LOW", "HIGH", "LOW", "HIGH"),
    ("priority", "priority", "NORMAL", "HIGH", "NORMAL", "HIGH", "NORMAL"),
]


@pytest.mark.parametrize("member, name, default, outside, inside, of_none, of_its_own", OUTSIDE)
def test_6_4_1_1_7_what_an_element_does_not_say_it_has_from_outside(
    member, name, default, outside, inside, of_none, of_its_own
):
    """Each of the three, and each element by itself: what one says holds for no other."""
    core = registered()
    core.post(
        aggregated(
            element(1), element(2, **{member: inside}), element(3, **{member: None}), **{member: outside}
        )
    )
    assert [getattr(made, name) for made in taken(core)] == [of_none, of_its_own, of_none]
    core = registered()
    core.post(aggregated(element(1), element(2, **{member: inside})))
    assert [getattr(made, name) for made in taken(core)] == [default, of_its_own]


def test_6_4_1_1_7_message_id_and_payload_are_never_from_outside():
    core = registered()
    said = aggregated({"msgId": MSG_ID}) | {"payload": "outside"}
    assert core.code(said) == "2.04"
    (made,) = taken(core)
    assert (made.message_id, made.payload) == (MSG_ID, "")
    assert core.code(aggregated({"payload": "x"})) == "4.00"


def test_6_4_1_1_7_segmentation_outside_means_nothing():
    core = registered()
    outside = {"isSegmented": True, "segParams": {"segId": "s", "segNumb": 1, "totalSegCount": 5}}
    assert core.code(aggregated(element(1), element(2), **outside)) == "2.04"
    assert [made.payload for made in taken(core)] == ["e1", "e2"]


def test_6_4_1_1_7_each_is_reported_by_its_own_id():
    core = registered(reports="arrival")
    core.post(aggregated(element(1), element(2, isDelivStatReq=False), element(3), isDelivStatReq=True))
    reported = []
    while core.requests:
        request = core.next("IMDN")
        reported += [each["msgId"][-1] for each in body(request).get("msgList", [body(request)])]
        core.answer(request)
    assert reported == ["1", "3"]


def test_6_4_1_1_7_a_repeated_element_is_delivered_once():
    core = registered()
    core.post(message(1, payload="single"))
    core.post(aggregated(element(1), element(2), element(2)))
    assert [made.payload for made in taken(core)] == ["single", "e2"]


@pytest.mark.parametrize(
    "members",
    [
        {"msgList": []},
        {"msgList": {}},
        {"msgList": ["x"]},
        {"msgList": [element(1)], "totalMsgCount": 2},
        {"msgList": [element(1), element(2, payload=7)], "totalMsgCount": 2},
        {"msgList": [element(1), element(2, priority="SOON")], "totalMsgCount": 2},
        {"msgList": [element(1)], "totalMsgCount": 1, "priority": "SOON"},
    ],
)
def test_6_4_1_1_7_one_that_is_wrong_is_refused_whole(members):
    core = registered()
    response = core.post(aggregated() | members)
    assert response.code.dotted == "4.00" and response.payload
    assert taken(core) == []


def test_6_4_1_1_7_one_for_another_ue_is_refused():
    core = registered()
    other = {"destAddr": {"destAddrType": "UE", "addr": OTHER}}
    assert core.code(aggregated(element(1)) | other) == "4.04"
