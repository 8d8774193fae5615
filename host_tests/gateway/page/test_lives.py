# SPDX-License-Identifier: MIT
"""What is kept of messages and devices is bounded and shared: who floods pushes out its own, losses are counted."""

import random

import pytest

from tools.page.events import Events
from tools.page.past.history import History
from tools.page.past.known import DEVICES, EACH, NOTED, NOTED_AT_ONCE, REFUSALS, Bounded, Known
from tools.page.past.lives import MESSAGES, PAYLOAD, PAYLOADS, STEPS, Lives, Shares
from tools.page.past.sent import Sent
from tools.server.delivery.pushes import DONE, Outcome, Push
from tools.wire.bodies import Address

A, B, C = "ue:a", "ue:b", "ue:c"


def opened(lives, origin, count, first=0):
    for number in range(first, first + count):
        lives.open(origin, "%s-%d" % (origin, number), C, number)


def kept(lives, origin, count):
    return [number for number in range(count) if lives.get(origin, "%s-%d" % (origin, number))]


def test_the_bounds_are_those_that_were_promised():
    assert (MESSAGES, STEPS, PAYLOAD, PAYLOADS) == (5000, 40, 1024, 4 * 1024 * 1024)
    assert (EACH, REFUSALS) == (50, 20)


def test_who_floods_pushes_out_its_own():
    lives = Lives(messages=100)
    opened(lives, A, 10)
    opened(lives, B, 500)
    opened(lives, C, 10)
    assert kept(lives, A, 10) == kept(lives, C, 10) == list(range(10))
    assert kept(lives, B, 500) == list(range(420, 500))  # the newest ones
    assert len(lives) == 100 and lives.dropped["messages"] == 420


def test_a_life_is_found_by_its_message_id_in_either_case():
    lives = Lives()
    life = lives.open(A, "0B5B5F38-3C0A-4DD7-8A44-1D2F3A4B5C6D", C, 0)
    assert lives.get(A, "0b5b5f38-3c0a-4dd7-8a44-1d2f3a4b5c6d") is life
    assert lives.open(A, "0b5b5f38-3c0a-4dd7-8a44-1d2f3a4b5c6d", C, 1) is life
    assert lives.get(B, "0b5b5f38-3c0a-4dd7-8a44-1d2f3a4b5c6d") is None


def forget(model, loser, what):
    """It is the oldest one of whoever has the most."""
    assert len(model[loser]) == max(map(len, model.values()))
    assert model[loser].pop(0) == what


def test_whatever_comes_and_goes_the_one_with_the_most_makes_room():
    rng, most = random.Random(1), 30
    shares, model = Shares(most), {}
    for thing in range(3000):
        owner = "o%d" % min(rng.randrange(12), rng.randrange(12))
        if rng.random() < 0.2 and model.get(owner):
            forget(model, *shares.go())
            continue
        full = sum(map(len, model.values())) == most
        gone = shares.add(owner, thing)
        assert (gone is not None) == full
        if gone is not None:
            forget(model, *gone)
        model.setdefault(owner, []).append(thing)
        assert len(shares) == sum(map(len, model.values())) <= most
        assert list(shares.of(owner)) == model[owner]


def begun(lives, origin, msg_id, to=C, carried="abc"):
    return lives.begin((origin, msg_id.lower()), msg_id, to, 7.5, "server", len(carried), carried)


def test_one_that_nobody_has_looked_at_yet_is_like_any_other():
    lives = Lives()
    assert begun(lives, A, "M1") and len(lives) == 1
    assert not begun(lives, A, "m1", carried="another") and len(lives) == 1
    life = lives.open(A, "M1", B, 99)
    assert life is lives.get(A, "m1") is lives.at(life.key) and life.payload == b"abc"
    assert life.whole() == {
        "from": A,
        "to": C,
        "msgId": "M1",
        "state": "accepted",
        "report": None,
        "size": 3,
        "time": 7.5,
        "dropped": 0,
        "steps": [
            {
                "time": 7.5,
                "who": "device",
                "to": "server",
                "what": "MSG",
                "state": "accepted",
                "detail": "",
                "count": 1,
                "until": 7.5,
            }
        ],
    }
    assert begun(lives, A, "empty", carried="") and lives.get(A, "empty").payload == b""


def test_the_last_messages_of_a_device_are_those_from_it_to_it_and_what_came_to_it_of_others():
    lives = Lives()
    for number, (origin, to) in enumerate(((A, B), (B, A), (B, C), (C, "grp:g"), (A, A), (B, C))):
        if number % 2:
            begun(lives, origin, str(number), to)
        else:
            lives.open(origin, str(number), to, 0)
    found = lives.of(A, {(C, "3")}, 50)
    assert [(life.msg_id, direction) for life, direction in found] == [
        ("4", "in"),
        ("4", "out"),
        ("3", "in"),
        ("1", "in"),
        ("0", "out"),
    ]
    assert [life.msg_id for life, _ in lives.of(A, (), 3)] == ["4", "4", "1"]


def test_of_too_many_steps_those_in_the_middle_go():
    life = Lives().open(A, "m", C, 0)
    for number in range(100):
        life.step(number, "server", "device", "MSG", "sent")
    times = [step["time"] for step in life.steps]
    assert len(times) == STEPS and life.whole()["dropped"] == 100 - STEPS
    assert times[: STEPS // 2] == list(range(STEPS // 2))
    assert times[STEPS // 2 :] == list(range(100 - STEPS // 2, 100))


def test_payloads_are_bounded_in_size_and_in_all_and_shared():
    lives = Lives(messages=1000, octets=10 * PAYLOAD)
    for origin, count in ((A, 3), (B, 50)):
        for number in range(count):
            life = lives.open(origin, "%s-%d" % (origin, number), C, 0)
            lives.keep_payload(life, ["x" * PAYLOAD], PAYLOAD)
    assert kept(lives, A, 3) == [0, 1, 2] and kept(lives, B, 50) == list(range(43, 50))
    assert lives.get(B, "ue:b-49").payload == b"x" * PAYLOAD
    assert lives.dropped == {"payloads": 43, "messages": 43, "steps": 0}
    large = lives.open(C, "large", A, 0)
    lives.keep_payload(large, ["x" * (PAYLOAD + 1)], PAYLOAD + 1)
    assert large.payload is None and lives.get(C, "large") is large
    opened(lives, C, 100)  # which carry nothing, and take nobody's place
    assert kept(lives, B, 50) == list(range(43, 50))


def test_so_are_payloads_that_nobody_has_looked_at():
    lives = Lives(messages=1000, octets=10 * PAYLOAD)
    for origin, count in ((A, 3), (B, 50)):
        for number in range(count):
            begun(lives, origin, "%s-%d" % (origin, number), carried="x" * PAYLOAD)
    assert lives.dropped == {"payloads": 43, "messages": 43, "steps": 0}
    begun(lives, C, "large", carried="x" * (PAYLOAD + 1))
    assert lives.get(C, "large").payload is None and lives.get(C, "large").size == PAYLOAD + 1
    assert kept(lives, A, 3) == [0, 1, 2] and kept(lives, B, 50) == list(range(43, 50))
    begun(lives, B, "one more", carried="x" * PAYLOAD)  # what was looked at counts as before
    assert kept(lives, A, 3) == [0, 1, 2] and kept(lives, B, 50) == list(range(44, 50))


def test_a_life_that_goes_takes_its_octets_along():
    lives = Lives(messages=2, octets=2)
    for number in range(50):
        lives.keep_payload(lives.open(A, "m%d" % number, C, 0), ["x"], 1)
    assert [lives.get(A, "m%d" % number).payload for number in (48, 49)] == [b"x", b"x"]
    assert lives.dropped == {"payloads": 0, "messages": 48, "steps": 0}


def test_what_made_room_carries_nothing_any_more():
    """The last message of a device is held for its counter of repetitions as well."""
    lives = Lives(messages=1)
    held = lives.open(A, "m", C, 0)
    lives.keep_payload(held, ["x" * 1000], 1000)
    lives.open(A, "n", C, 0)
    assert held.payload is None


@pytest.mark.parametrize("how_many", ("of one message", "messages"))
def test_nothing_is_kept_of_what_was_answered(how_many):
    """Also where the step was pushed out meanwhile: a message to a large group, more messages than are kept."""
    history = History(Events())
    sent = Sent(history, lambda: 0.0)
    one = how_many == "of one message"
    count = 3 * STEPS if one else MESSAGES + 100
    pushes = [
        Push(
            Address("UE", "ue:%d" % number if one else B),
            "address of %s" % (number if one else B),
            "MSG",
            0,
            {"msgId": "m" if one else "m%d" % number},
            origin=Address("UE", A),
        )
        for number in range(count)
    ]
    for push in pushes:
        sent.sent(push)
    for push in pushes:
        sent.answered(push, Outcome(DONE))
    assert sent.out == {}


# ---- devices ---------------------------------------------------------------------------------------------------------


def test_devices_are_bounded():
    bounded = Bounded(3)
    for number in range(5):
        bounded.put(number, number)
    assert list(bounded) == [2, 3, 4]
    bounded.put(2, "again")
    bounded.put(5, 5)
    assert list(bounded) == [4, 2, 5]
    known = Known()
    for number in range(DEVICES + 10):
        known.heard("ue:%d" % number, number)
    assert len(known.heard_at) == DEVICES and len(known.to_note(at_end=True)) == DEVICES


def noted(known):
    """What is written now."""
    due = known.to_note()
    known.is_noted(due)
    return due


def test_what_is_written_of_who_is_heard_is_rare():
    """One that is heard each second is written once in ten minutes."""
    known, written = Known(), []
    for now in range(0, 3600):
        known.heard(A, now)
        if now % 60 == 0:
            written += noted(known)
    assert [at for _, at in written] == list(range(0, 3600, NOTED))
    assert known.to_note(at_end=True) == [(A, 3599)]
    known.is_noted([(A, 3599)])
    assert known.to_note(at_end=True) == []


def test_so_many_are_written_at_once_and_the_others_next_time():
    known = Known()
    for number in range(2500):
        known.heard("ue:%d" % number, 0)
    sizes = [len(noted(known)) for _ in range(4)]
    assert sizes == [NOTED_AT_ONCE, NOTED_AT_ONCE, 500, 0]


def test_who_is_silent_is_so_since_the_first_time_until_it_is_heard():
    known = Known()
    for now in (5, 6, 7):
        known.is_silent(A, now)
    assert known.silent[A] == 5 and known.counts(A) == {"unanswered": 3}
    known.clock_set(100)
    assert known.silent[A] == 105
    known.heard(A, 110)
    assert A not in known.silent and known.heard_at[A] == 110


def test_refusals_are_of_whom_the_body_names_and_of_who_is_at_the_address():
    known = Known()
    known.is_at(A, "192.0.2.1:4000")
    for number in range(30):
        known.refused(None, "192.0.2.1:4000", number, "no %d" % number)
    known.refused(B, "192.0.2.9:1", 99, "not yours")
    assert [each["text"] for each in known.refusals(A)] == ["no %d" % number for number in range(29, 9, -1)]
    assert known.refusals(B) == [{"time": 99, "text": "not yours"}]
    assert known.counts(A)["refused"] == 30
