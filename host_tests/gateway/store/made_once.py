# SPDX-License-Identifier: MIT
"""The tables of stores in memory are made once in a process, by the first of them; each other begins as their copy.

Some thousand tests open such a store, and its 200 tables, indexes and triggers take 4 ms. A store in a file is made as
a program makes it.
"""

import sqlite3

from tools.store.store import Store

_whole = Store._prepare
_empty = []  # a connection whose store has all tables, and not its generation yet


def prepare(store, path):
    if path != ":memory:":
        return _whole(store, path)
    if _empty:
        _empty[0].backup(store._db)
        _whole(store, path)
        with store.transaction():
            store.begin_generation()
        return
    _whole(store, path)
    made = sqlite3.connect(":memory:", check_same_thread=False)
    store._db.backup(made)
    made.execute("DELETE FROM generation")
    made.commit()
    _empty.append(made)


def watch():
    Store._prepare = prepare
