# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.5.1, segments, their recovery and their confirmation, at the MSGin5G Client: as Message Sender and
as Message Receiver, with the rules of TS 23.554 clause 8.5.2. The firmware's core, and a server made by hand."""

import aiocoap
import pytest

from host_tests.conformance.device.core import JSON, MSG_ID, OTHER, SERVICE, body, message, registered

FAILED = 6  # the event of firmware/msgin5g/events.py
MODULES = (
    "firmware/msgin5g/outgoing/segmentation.py",
    "firmware/msgin5g/outgoing/sender.py",
    "firmware/msgin5g/incoming/reassembly.py",
    "firmware/msgin5g/incoming/receiver.py",
)
ALSO = (
    "host_tests/device/outgoing/test_msgin5g_segments.py",
    "host_tests/device/msgin5g/test_large.py",
    "host_tests/device/incoming/test_reassembly.py",
)

TEXT = "".join("%04d" % number for number in range(75))  # 300 octets, none of them twice in a place


def about(kind, set_id="set-1", **members):
    return {"msgIden": SERVICE, "msgType": kind, "segId": set_id} | members


def segment(number, total=4, known=True, **more):
    """Of a message to this UE; `known` is whether the first one says the total."""
    params = {"segId": "set-1", "segNumb": number}
    if number == 1 and known:
        params["totalSegCount"] = total
    if number == total:
        params["lastSegFlag"] = "true"
    return message(isSegmented=True, segParams=params, payload="%d;" % number, **more)


def sending(**more):
    """(core, the message, its segments): each of them was answered 2.04."""
    core = registered(segments={"size": 100})
    outgoing = core.send(TEXT, **more)
    came = []
    while core.requests:
        request = core.next("MSG")
        came.append(request)
        core.answer(request)
    return core, outgoing, came


def missing(core):
    """What it asks for now; it is answered 2.04."""
    core.run(30)
    request = core.next("SEGREC")
    core.answer(request)
    return body(request)["segNoList"]


# ---- Message Sender --------------------------------------------------------------------------------------------------


def test_6_5_1_each_segment_has_its_set_and_its_number_from_1_and_they_are_the_message():
    core, _, came = sending()
    bodies = list(map(body, came))
    assert all(each["isSegmented"] is True for each in bodies)
    assert len({each["segParams"]["segId"] for each in bodies}) == 1
    assert [each["segParams"]["segNumb"] for each in bodies] == [1, 2, 3]
    assert "".join(each["payload"] for each in bodies) == TEXT


def test_6_5_1_two_messages_have_two_segmentation_set_identifiers():
    core, _, came = sending()
    core.client.send(OTHER, TEXT, core.tick)
    core.run(0)
    core.code(about("SEGCONFIR", body(came[0])["segParams"]["segId"], result=True))
    assert body(core.next("MSG"))["segParams"]["segId"] != body(came[0])["segParams"]["segId"]


def test_6_5_1_the_first_segment_says_their_number_and_the_last_one_that_it_is_the_last():
    """The schema of clause 7.3.4.1 has the number in each of them."""
    _, _, came = sending()
    params = [body(each)["segParams"] for each in came]
    assert [each["totalSegCount"] for each in params] == [3, 3, 3]
    assert ["lastSegFlag" in each for each in params] == [False, False, True]


def test_6_5_1_no_segment_is_larger_than_the_maximum_segment_size():
    _, _, came = sending()
    assert [len(body(each)["payload"]) for each in came] == [100, 100, 100]


def test_6_5_1_that_a_report_is_wanted_is_said_in_the_first_segment():
    _, _, came = sending(report=True)
    assert [body(each).get("isDelivStatReq", False) for each in came] == [True, False, False]


def test_6_5_1_2_1_the_sender_answers_segrec_and_sends_the_listed_segments_again_as_they_were():
    core, _, came = sending()
    set_id = body(came[0])["segParams"]["segId"]
    assert core.code(about("SEGREC", set_id, segNoList="(1-1, 3-3)")) == "2.04"
    for first in (came[0], came[2]):
        again = core.next("MSG")
        assert again.payload == first.payload and again.mid != first.mid
        core.answer(again)
    assert core.requests == []


def test_6_5_1_2_1_the_sender_says_that_it_holds_no_such_set():
    core = registered()
    assert core.code(about("SEGREC", "nobodys", segNoList="(1-1)")) == "4.04"


def test_6_5_1_2_2_the_sender_has_done_with_a_confirmed_message():
    core, outgoing, came = sending()
    assert outgoing.state == "sent"  # all segments are there, and the confirmation is not
    set_id = body(came[0])["segParams"]["segId"]
    assert core.code(about("SEGCONFIR", set_id, result=True)) == "2.04"
    assert outgoing.state == "accepted"
    assert core.code(about("SEGREC", set_id, segNoList="(1-1)")) == "4.04"


def test_6_5_1_2_2_the_application_hears_that_a_message_has_failed():
    core, outgoing, came = sending()
    assert core.code(about("SEGCONFIR", body(came[0])["segParams"]["segId"], result=False)) == "2.04"
    assert outgoing.state == "failed" and "segments" in outgoing.cause


# ---- Message Receiver ------------------------------------------------------------------------------------------------


def test_6_5_1_2_1_the_receiver_asks_for_what_is_missing_once_nothing_came_for_the_expected_time():
    core = registered(segments={"gap": 5})
    for number in (1, 4):
        assert core.code(segment(number)) == "2.04"
    core.run(4.9)
    assert core.requests == []
    core.run(0.2)
    request = core.next("SEGREC")
    assert (request.mtype, request.code, request.opt.content_format) == (aiocoap.CON, aiocoap.POST, JSON)
    assert body(request) == about("SEGREC", segNoList="(2-3)")


def test_6_5_1_2_1_ranges_that_do_not_adjoin_are_listed_one_by_one():
    core = registered()
    for number in (1, 4, 8):
        core.code(segment(number, total=8))
    assert missing(core) == "(2-3, 5-7)"


def test_6_5_1_2_1_without_the_first_and_the_last_the_first_is_asked_for_first():
    """TS 23.554 clause 8.5.2 NOTE 2: it says how many there are."""
    core = registered()
    core.code(segment(3, total=6))
    first = missing(core)
    assert first.startswith("(1-")
    core.code(segment(1, total=6))
    assert missing(core) == "(2-2, 4-6)"


def test_6_5_1_2_1_recovery_is_repeated_with_the_list_of_then():
    core = registered()
    for number in (1, 4):
        core.code(segment(number))
    assert missing(core) == "(2-3)"
    core.code(segment(3))
    assert missing(core) == "(2-2)"


def test_6_5_1_2_2_the_receiver_confirms_when_all_segments_are_there():
    core = registered()
    for number in (2, 4, 1):
        core.code(segment(number))
        assert core.requests == []
    core.code(segment(3))
    request = core.next("SEGCONFIR")
    assert (request.mtype, request.code, request.opt.content_format) == (aiocoap.CON, aiocoap.POST, JSON)
    assert body(request) == about("SEGCONFIR", result=True)
    taken = core.client.take(core.tick)
    assert (taken.message_id, taken.payload) == (MSG_ID, "1;2;3;4;")


def test_6_5_1_2_2_the_receiver_says_that_it_gives_up_and_its_application_hears_of_it():
    """TS 23.554 clause 8.5.2 step 6."""
    core = registered(segments={"recoveries": 2})
    core.code(segment(1))
    for _ in range(2):
        assert missing(core) == "(2-4)"
    core.run(30)
    assert body(core.next("SEGCONFIR")) == about("SEGCONFIR", result=False)
    failed = [what for kind, what in iter(core.client.next_event, None) if kind == FAILED]
    assert [each[:2] for each in failed] == [(OTHER, MSG_ID)]
    assert core.client.take(core.tick) is None


@pytest.mark.parametrize("known", [True, False], ids=["said by the first", "said by the last"])
def test_6_5_1_the_number_of_the_last_segment_is_their_number(known):
    """TS 23.554 table 8.3.2-1."""
    core = registered()
    for number in (4, 1, 2, 3):
        assert core.code(segment(number, known=known)) == "2.04"
    assert body(core.next("SEGCONFIR"))["result"] is True
