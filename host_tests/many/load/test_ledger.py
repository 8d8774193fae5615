# SPDX-License-Identifier: MIT
"""What the load calls lost, twice and refused."""

import pytest

from host_tests.many.load import ledger
from host_tests.many.load.ledger import Ledger


@pytest.fixture
def kept():
    times = []
    made = Ledger(lambda what, seconds: times.append((what, seconds)))
    made.times = times
    return made


def test_a_message_that_came_and_was_reported_is_neither_lost_nor_open(kept):
    kept.sent("m", 10)
    kept.stands("m", "accepted", False, None, 10.5)
    kept.came("m", 10.25)
    assert kept.open == 1
    kept.stands("m", "delivered", True, None, 11)
    assert kept.open == 0
    told = kept.close()["counts"]
    assert (told["lost"], told["reports_lost"], told["unanswered"]) == (0, 0, 0)
    assert kept.times == [("accepted", 0.5), ("message", 0.25), ("report", 1)]


def test_what_was_accepted_and_did_not_come_is_lost(kept):
    kept.sent("m", 0)
    kept.stands("m", "accepted", False, None, 1)
    assert kept.close()["counts"]["lost"] == 1


def test_what_was_reported_and_did_not_come_is_lost(kept):
    kept.sent("m", 0)
    kept.stands("m", "delivered", True, None, 1)
    assert kept.open == 1
    assert kept.close()["counts"]["lost"] == 1


def test_a_report_that_did_not_come_is_lost(kept):
    kept.sent("m", 0)
    kept.stands("m", "accepted", False, None, 1)
    kept.came("m", 1)
    told = kept.close()["counts"]
    assert (told["lost"], told["reports_lost"]) == (0, 1)


@pytest.mark.parametrize("reported", [False, True])
def test_what_comes_again_is_twice_whether_its_report_was_there_or_not(kept, reported):
    kept.sent("m", 0)
    kept.came("m", 1)
    if reported:
        kept.stands("m", "delivered", True, None, 1)
    kept.came("m", 2)
    assert kept.counts["doubled"] == 1


def test_what_was_refused_is_counted_by_its_cause_and_is_not_lost(kept):
    for each in ("m", "n"):
        kept.sent(each, 0)
        kept.stands(each, "failed", True, "4.29", 1)
    assert kept.refused == {"4.29": 2}
    assert kept.close()["counts"]["lost"] == 0


def test_what_the_device_gave_up_may_come_all_the_same(kept):
    kept.sent("m", 0)
    kept.stands("m", "expired", True, None, 1)
    kept.came("m", 2)
    told = kept.close()["counts"]
    assert (told["came"], told.get("doubled", 0)) == (1, 0)


def test_a_thousand_causes_are_fifty_and_others(kept):
    for number in range(1000):
        kept.sent(number, 0)
        kept.stands(number, "failed", True, "cause %d" % number, 1)
    assert len(kept.refused) == ledger.CAUSES + 1
    assert kept.refused[ledger.OTHER] == 1000 - ledger.CAUSES


def test_messages_that_were_given_up_are_not_kept_for_ever(kept):
    for number in range(ledger.GIVEN_UP + 5):
        kept.sent(number, 0)
        kept.stands(number, "failed", True, "4.29", 1)
    kept.came(4, 2)
    assert kept.counts["doubled"] == 1
    kept.came(5, 2)
    assert kept.counts["doubled"] == 1
