# SPDX-License-Identifier: MIT
"""When a Gateway UE registers at its server, and again; the test moves the time."""

import json
import random

import pytest

from tools.gateway.running.membership import JOINED, LOST, REFUSED, Membership
from tools.wire.answers import Answer

GATEWAY = "ue:gw@example.org"


def member(lifetime=3600):
    return Membership(GATEWAY, "urn:3gpp:msgin5g", lifetime, random.Random(1))


def registered(**members):
    return Answer("2.04", {"oriAddr": {"oriAddrType": "UE", "addr": GATEWAY}, "result": True} | members)


def test_it_is_due_at_once_and_is_a_registration_of_clause_7_3_3_1():
    m = member()
    assert m.due(100.0) == 0
    request = m.request(100.0)
    assert (request.code, request.path, request.content_format) == ("POST", ("msgin5g",), 50)
    assert json.loads(request.payload) == {
        "msgIden": "urn:3gpp:msgin5g",
        "msgType": "REG",
        "oriAddr": {"oriAddrType": "UE", "addr": GATEWAY},
        "regExpTime": 3600,
    }


@pytest.mark.parametrize(
    "granted, due", [(600, 480), (None, 2880), (7200, 2880), ("600", 480), (-1, 2880), (True, 2880)]
)
def test_it_is_renewed_after_80_percent_of_what_was_granted(granted, due):
    m = member()
    m.request(0.0)
    said = {} if granted is None else {"regExpTime": granted}
    assert m.answered(registered(**said), 10.0) is True
    assert m.state == JOINED
    assert m.due(10.0) == due


@pytest.mark.parametrize(
    "answer, taken",
    [
        (Answer("2.01", {"result": True}), True),
        (Answer("2.04", {"oriAddr": {}}), True),  # absent it is true
        (Answer("2.04", {"result": "true"}), True),
        (Answer("2.04", {"result": False}), False),
        (Answer("2.01", {"result": "false"}), False),
        (Answer("2.04", {"result": 7}), False),
    ],
)
def test_2_01_and_2_04_with_their_result_say_that_it_is_registered(answer, taken):
    m = member()
    m.request(0.0)
    assert m.answered(answer, 0.0) is taken
    assert (m.state == JOINED) is taken


def test_silence_and_errors_are_tried_again_after_2_s_doubled_to_300_s():
    m, now, pauses = member(), 0.0, []
    for answer in (None, Answer("5.03", None, "later"), Answer("4.29"), *[None] * 8):
        m.request(now)
        assert m.answered(answer, now) is False
        assert m.state == LOST
        pauses.append(m.due(now))
        now += pauses[-1]
    for pause, longest in zip(pauses, (2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300), strict=True):
        assert 0.75 * longest <= pause <= longest
    m.request(now)
    m.answered(registered(), now)
    m.request(now)
    m.answered(None, now)
    assert m.due(now) <= 2  # anew


@pytest.mark.parametrize(
    "answer, cause",
    [
        (Answer("2.04", {"result": False, "cause": "unknown UE service ID"}), "2.04 unknown UE service ID"),
        (Answer("4.03", None, "no gateway"), "4.03 no gateway"),
        (Answer("4.04"), "4.04"),
    ],
)
def test_a_refusal_is_told_and_tried_again(answer, cause):
    m = member()
    m.request(0.0)
    assert m.answered(answer, 0.0) is False
    assert (m.state, m.cause) == (REFUSED, cause)
    assert 1.5 <= m.due(0.0) <= 2


def test_max_age_is_obeyed_to_an_end():
    m = member()
    m.request(0.0)
    m.answered(Answer("5.03", None, "", 60), 0.0)
    assert m.due(0.0) == 60
    m.answered(Answer("5.03", None, "", 10**6), 0.0)
    assert m.due(0.0) == 300


def test_it_is_not_asked_again_and_again_on_the_word_of_others():
    m = member()
    m.request(0.0)
    m.answered(registered(), 0.0)
    assert not m.doubted(9.0)
    assert m.doubted(10.0) and m.due(10.0) == 0
    m.request(10.0)
    assert not m.doubted(10.5)
