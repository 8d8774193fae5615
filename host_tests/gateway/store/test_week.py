# SPDX-License-Identifier: MIT
"""A week of the server leaves its store and its memory as they were after three days, in which all ages are reached: a
msgId is known again for two days and a 24th of them.

Rows are the same by then, pages not quite: where msgIds come and go, in no order, those of their index get emptier,
until SQLite joins as many as it splits (docs/gateway.md, "What is kept, and until when").
"""

import random

from host_tests.many.week import week
from tools.store.messages.seentables import MARKS
from tools.store.store import Store

IDS = 2400


def test_a_week_leaves_the_store_flat():
    told, events = week(120)
    third, last = told[2], told[6]
    assert events["accepted"] > 1500 and events["segment-recovery"] > 50 and events["as-deregistered"] > 5
    assert last["pages"] <= 1.04 * third["pages"]
    assert last["free"] <= 0.05 * last["pages"]  # used again
    assert last["rows"]["seen"] <= 1.2 * third["rows"]["seen"]
    assert last["memory"] <= 1.2 * third["memory"]
    more = {name for name, count in last["rows"].items() if count > 1.2 * third["rows"].get(name, 0) + 5}
    assert not more


def test_pages_of_ids_that_come_and_go_have_an_end(tmp_path):
    """As many IDs are known all the time, each for 24 marks; their pages get emptier for some ages, and no more."""
    store, chance = Store(str(tmp_path / "store")), random.Random(1)
    execute = store._db.execute
    (empty,) = execute("PRAGMA page_count").fetchone()
    pages = []
    for mark in range(16 * MARKS):
        with store.transaction():
            for _ in range(IDS // MARKS):
                name = "ue:%d" % chance.randrange(IDS)
                store.remember(name, "%032x" % chance.getrandbits(128), "", 1000)
            store.mark_seen(mark)
            while store.forget_older(mark - MARKS, 200):
                pass
        if not mark % MARKS:
            pages.append(execute("PRAGMA page_count").fetchone()[0] - empty)
    (count,) = execute("SELECT count(*) FROM seen").fetchone()
    store.close()
    assert count == IDS
    assert pages[15] <= 1.03 * pages[8] and pages[8] <= 1.3 * pages[1]
