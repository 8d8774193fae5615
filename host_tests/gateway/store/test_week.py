# SPDX-License-Identifier: MIT
"""A week of the server leaves its store and its memory as they were after two days, in which all ages are reached."""

from host_tests.many.week import week


def test_a_week_leaves_the_store_flat():
    told, events = week(120)
    second, last = told[1], told[6]
    assert events["accepted"] > 1500 and events["segment-recovery"] > 50 and events["as-deregistered"] > 5
    # Of some 170 pages each is a table's or an index's own, and the last one of each is full in part.
    assert last["pages"] <= 1.08 * second["pages"]
    assert last["rows"]["seen"] <= 1.2 * second["rows"]["seen"]
    assert last["memory"] <= 1.2 * second["memory"]
    more = {name for name, count in last["rows"].items() if count > 1.2 * second["rows"].get(name, 0) + 5}
    assert not more
