# SPDX-License-Identifier: MIT
"""Cutting and joining payloads, and the lists of segment numbers (TS 24.538 clause 6.5, 7.3.6.2)."""

import base64
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.wire import segments
from tools.wire.payload import content_size, from_octets, from_text
from tools.wire.segments import Assembly, Contradiction

# What JSON can carry in UTF-8: anything but surrogates. The last two make text that looks like a data URI.
TEXT = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=300),
    st.text('"\\\n\x00aä€😀', max_size=300),
    st.text(max_size=20).map(lambda tail: "data:;base64," + tail.encode(errors="ignore").decode()),
)


def arrive(parts, seed):
    """The parts as a receiver sees them: shuffled, some twice, put in order by an Assembly."""
    chance = random.Random(seed)
    deliveries = list(enumerate(parts, 1)) + chance.choices(list(enumerate(parts, 1)), k=3)
    chance.shuffle(deliveries)
    assembly, got = Assembly(0), {}
    for number, part in deliveries:
        if assembly.feed(number, len(parts), number == len(parts), 0):
            got[number] = part
    assert assembly.whole
    return [got[number] for number in range(1, len(parts) + 1)]


@given(TEXT, st.integers(17, 200), st.integers(17, 200), st.integers())
def test_text_survives_cutting_shuffling_and_joining(text, limit, room, seed):
    value = from_text(text)
    parts = segments.cut(value, limit, room)
    for part in parts:
        assert len(part.encode()) <= limit
        assert len(json.dumps(part, ensure_ascii=False).encode()) - 2 <= room
    joined = segments.join(arrive(parts, seed))
    assert joined == value


@given(st.binary(max_size=1000), st.integers(17, 200), st.integers(17, 200), st.integers())
def test_octets_survive_and_only_the_last_part_is_padded(octets, limit, room, seed):
    parts = segments.cut("data:;base64," + base64.b64encode(octets).decode(), limit, room)
    for part in parts:
        assert part.startswith("data:;base64,")
        assert len(part) <= min(limit, room)
    assert not any(part.endswith("=") for part in parts[:-1])
    joined = segments.join(arrive(parts, seed))
    assert base64.b64decode(joined.removeprefix("data:;base64,")) == octets
    assert content_size(joined) == len(octets)


def test_no_room_is_said():
    with pytest.raises(segments.CannotCut):
        segments.cut("data:;base64,AAAA", 16, 1000)  # 13 octets of head and 4 of base64 are 17
    with pytest.raises(segments.CannotCut):
        segments.cut("€", 2, 1000)
    with pytest.raises(segments.CannotCut):
        segments.cut("\x00", 1000, 5)  # six octets: backslash, u0000


def test_segment_one_decides_what_all_are():
    # "AQID" is 1, 2, 3 and "BAU=" is 4, 5 in base64.
    assert segments.join(["data:;base64,AQID", "BAU="]) == "data:;base64,AQIDBAU="
    assert segments.join(["text, ", "data:;base64,AQID"]) == "text, data:;base64,AQID"
    # Base64 that was cut where it stood.
    assert segments.join(["data:;base64,AQIDB", "AU="]) == "data:;base64,AQIDBAU="
    # Text that only as a whole looks like a data URI travels on as octets of that text.
    assert segments.join(["data:;ba", "se64,hi"]) == from_octets(b"data:;base64,hi")
    with pytest.raises(ValueError):
        segments.join(["data:;base64,AQID", "not base64!"])


@pytest.mark.parametrize(
    "numbers, listed",
    [
        ([5, 6, 7, 10], "(5-7, 10-10)"),
        ([1], "(1-1)"),
        ([3, 1, 2], "(1-3)"),
        ([5, 6, 7, 10, 15, 16], "(5-7, 10-10, 15-16)"),
    ],
)
def test_ranges_are_written_as_in_the_clause(numbers, listed):
    assert segments.write_ranges(numbers) == listed


@pytest.mark.parametrize(
    "listed, ranges",
    [
        ("(5-7, 10-10, 15-19)", [(5, 7), (10, 10), (15, 19)]),
        ("5-7,10", [(5, 7), (10, 10)]),
        (" ( 1 - 2 ) ", [(1, 2)]),
        ("(1-2),(4-4)", [(1, 2), (4, 4)]),
    ],
)
def test_ranges_are_read_kindly(listed, ranges):
    assert segments.read_ranges(listed) == ranges


@pytest.mark.parametrize("listed", ["", "()", "7-5", "0-3", "a-b", "1-2-3", "99999999999-99999999999"])
def test_what_is_no_list_is_refused(listed):
    with pytest.raises(ValueError):
        segments.read_ranges(listed)


def test_the_total_may_come_in_the_first_in_each_or_only_by_the_last_flag():
    first = Assembly(0)
    assert first.feed(1, 3, False, 0) and first.feed(2, None, False, 0) and first.feed(3, None, True, 0)
    flag = Assembly(0)
    assert flag.feed(2, None, False, 0) and flag.feed(1, None, False, 0)
    assert not flag.whole and flag.missing() == [3]  # the end is not known: the next one is asked for
    assert flag.feed(3, None, True, 0)
    assert first.whole and flag.whole


@pytest.mark.parametrize(
    "number, total, last", [(2, 4, False), (4, None, False), (2, None, True), (4, None, True)]
)
def test_contradictions_are_refused(number, total, last):
    assembly = Assembly(0)
    assembly.feed(1, 3, False, 0)
    with pytest.raises(Contradiction):
        assembly.feed(number, total, last, 0)


def test_a_new_segment_starts_the_count_of_recoveries_again():
    assembly = Assembly(0, asked=2)
    assembly.feed(1, 2, False, 7)
    assert (assembly.asked, assembly.progress) == (0, 7)
    assembly.asked = 2
    assert not assembly.feed(1, 2, False, 9)
    assert (assembly.asked, assembly.progress) == (2, 7)
