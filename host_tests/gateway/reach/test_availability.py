# SPDX-License-Identifier: MIT
"""`cliProfile.comAvail` (TS 24.538 clause 7.3.3.1) as the server reads it, and the windows that follow from it."""

import math

import pytest

from host_tests.gateway.server.test_decisions import HERE, A, Bench, own
from tools.server.delivery.availability import Schedule, read
from tools.wire.bodies import Malformed

T0 = 1_893_456_000.0  # 2030-01-01T00:00:00Z
DAY = "2030-01-01T"


def schedule(**members):
    return read({"comAvail": members})


@pytest.mark.parametrize(
    "said, expected",
    [
        ({"schTime": DAY + "00:00:00Z", "durTime": 600}, Schedule(T0, 600, None)),
        ({"schTime": DAY + "00:00:00Z", "durTime": "600"}, Schedule(T0, 600, None)),
        ({"schTime": DAY + "00:00:00Z", "durTime": 600.0}, Schedule(T0, 600, None)),
        ({"schTime": DAY + "02:00:00+02:00", "durTime": "PT10M"}, Schedule(T0, 600, None)),
        ({"schTime": DAY + "00:00:00Z", "durTime": "P1DT1H1M1.5S"}, Schedule(T0, 90061.5, None)),
        ({"schTime": DAY + "00:00:00Z", "durTime": "P2W"}, Schedule(T0, 1209600, None)),
        # A date-time is when the first window ends, and when the second one begins.
        ({"schTime": DAY + "00:00:00Z", "durTime": DAY + "00:10:00Z"}, Schedule(T0, 600, None)),
        # One of 1970 is as long as 1970 has lasted then.
        ({"schTime": DAY + "00:00:00Z", "durTime": "1970-01-01T00:10:00Z"}, Schedule(T0, 600, None)),
        ({"schTime": "1970-01-01T00:00:00Z", "durTime": 60}, Schedule(None, 60, None)),
        ({"schTime": "1970-01-01T01:00:00+01:00", "durTime": 60}, Schedule(None, 60, None)),
        ({"schTime": 0, "durTime": 60}, Schedule(None, 60, None)),
        ({"schTime": T0, "durTime": 60}, Schedule(T0, 60, None)),
        (
            {"schTime": DAY + "00:00:00Z", "durTime": 60, "periIndi": True, "periInterval": 3600},
            Schedule(T0, 60, 3600),
        ),
        (
            {"schTime": DAY + "00:00:00Z", "durTime": 60, "periIndi": "true", "periInterval": "PT1H"},
            Schedule(T0, 60, 3600),
        ),
        (
            {
                "schTime": DAY + "00:00:00Z",
                "durTime": DAY + "00:01:00Z",
                "periIndi": True,
                "periInterval": DAY + "01:00:00Z",
            },
            Schedule(T0, 60, 3600),
        ),
        # Without the indicator there is one window.
        ({"schTime": DAY + "00:00:00Z", "durTime": 60, "periInterval": 3600}, Schedule(T0, 60, None)),
        (
            {"schTime": DAY + "00:00:00Z", "durTime": 60, "periIndi": False, "periInterval": 3600},
            Schedule(T0, 60, None),
        ),
        # No schedule: the other members have meanings of their own.
        ({"storeForward": "true"}, None),
        ({"dataSize": "small"}, None),
        ({}, None),
    ],
)
def test_what_is_said(said, expected):
    assert schedule(**said) == expected


def test_no_profile_is_no_schedule():
    assert read({}) is read({"comAvail": None}) is None


GOOD = {"schTime": DAY + "00:00:00Z", "durTime": 60, "periIndi": True, "periInterval": 3600}


@pytest.mark.parametrize(
    "wrong, member",
    [
        ({"schTime": None}, "comAvail.schTime"),
        ({"durTime": None}, "comAvail.durTime"),
        ({"periInterval": None}, "comAvail.periInterval"),
        ({"schTime": "tomorrow"}, "comAvail.schTime"),
        ({"schTime": True}, "comAvail.schTime"),
        ({"schTime": -1}, "comAvail.schTime"),
        ({"schTime": []}, "comAvail.schTime"),
        ({"schTime": "PT1H"}, "comAvail.schTime"),
        ({"durTime": 0}, "comAvail.durTime"),
        ({"durTime": -60}, "comAvail.durTime"),
        ({"durTime": 2**40}, "comAvail.durTime"),
        ({"durTime": "PT0S"}, "comAvail.durTime"),
        ({"durTime": "PT0.9S"}, "comAvail.durTime"),
        ({"durTime": "1970-01-01T00:00:00.5Z"}, "comAvail.durTime"),
        # Times have no such parts: to find the window of now in steps of this would never end.
        ({"durTime": "PT0." + "0" * 19 + "1S"}, "comAvail.durTime"),
        ({"durTime": "PT0." + "0" * 19 + "1S", "periInterval": "PT0." + "0" * 19 + "2S"}, "comAvail.durTime"),
        ({"periInterval": "PT0." + "0" * 300 + "1S"}, "comAvail.periInterval"),
        ({"durTime": "P"}, "comAvail.durTime"),
        ({"durTime": "PT"}, "comAvail.durTime"),
        ({"durTime": "P1DT"}, "comAvail.durTime"),
        ({"durTime": "P1M"}, "comAvail.durTime"),  # months have no length
        ({"durTime": "-PT1M"}, "comAvail.durTime"),
        ({"durTime": "PT" + "9" * 400 + "S"}, "comAvail.durTime"),
        ({"durTime": "soon"}, "comAvail.durTime"),
        ({"durTime": {}}, "comAvail.durTime"),
        ({"durTime": False}, "comAvail.durTime"),
        ({"durTime": float("inf")}, "comAvail.durTime"),
        ({"durTime": DAY + "00:00:00Z"}, "comAvail.durTime"),  # it ends when it begins
        ({"durTime": "2029-12-31T23:59:59Z"}, "comAvail.durTime"),
        ({"periIndi": "perhaps"}, "comAvail.periIndi"),
        ({"periIndi": 2}, "comAvail.periIndi"),
        ({"periInterval": 0}, "comAvail.periInterval"),
        ({"periInterval": "PT"}, "comAvail.periInterval"),
        ({"dataSize": 7}, "comAvail.dataSize"),
        ({"dataSize": "x" * 256}, "comAvail.dataSize"),
    ],
)
def test_what_cannot_be_read_names_its_member(wrong, member):
    with pytest.raises(Malformed) as caught:
        schedule(**(GOOD | wrong))
    assert str(caught.value).startswith(member + ": ")
    if not any(isinstance(value, float) for value in wrong.values()):
        answer = Bench().ask(HERE, own("REG", A, cliProfile={"comAvail": GOOD | wrong}))
        assert (answer.code, answer.diagnostic.startswith(member + ": ")) == ("4.00", True)


@pytest.mark.parametrize("said", [[], "always", 7, True])
def test_availability_is_an_object(said):
    answer = Bench().ask(HERE, own("REG", A, cliProfile={"comAvail": said}))
    assert (answer.code, answer.diagnostic) == ("4.00", "comAvail: not an object")


def test_window_n_begins_n_intervals_after_the_first_one():
    made = Schedule(1000, 10, 100)
    assert [made.window(now, 0) for now in (0, 999.9)] == [(1000, 1010)] * 2
    assert [made.window(now, 0) for now in (1000, 1009.9)] == [(1000, 1010)] * 2
    assert [made.window(now, 0) for now in (1010, 1099.9, 1100, 1109.9)] == [(1100, 1110)] * 4
    assert made.window(1110 + 100 * 10**6, 0) == (1200 + 100 * 10**6, 1210 + 100 * 10**6)


def test_there_is_one_window_without_an_interval():
    made = Schedule(1000, 10, None)
    assert [made.window(now, 0) for now in (0, 1000, 1009.9)] == [(1000, 1010)] * 3
    assert made.window(1010, 0) == (math.inf, math.inf)


def test_windows_that_follow_each_other_are_one():
    assert Schedule(1000, 100, 100).window(5000, 0) == (1000, math.inf)
    assert Schedule(1000, 150, 100).window(0, 0) == (1000, math.inf)


def test_a_window_begins_with_the_moment_that_was_named_whatever_floats_make_of_it():
    made = Schedule(0.1, 0.05, 0.1)
    for _ in range(100):
        opens, _ = made.window(0.1, 0)
        for number in range(1, 1000):
            opens, closes = made.window(opens + 0.05, 0)
            assert closes > opens >= 0.1 + number * 0.0999
            assert made.window(opens, 0)[0] <= opens


def test_the_first_window_begins_with_the_registration_where_1970_is_named():
    assert Schedule(None, 10, 100).window(5000, 4950) == (5050, 5060)
