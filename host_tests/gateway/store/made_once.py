# SPDX-License-Identifier: MIT
"""The tables of stores in memory are made once in a process, by the first of them; each other begins as their copy.

Some thousand tests open such a store, and its 200 tables, indexes and triggers take 4 ms. A store in a file is made as
a program makes it.
"""

import sqlite3

from tools.store.store import Store

_whole = Store._make_tables
_empty = []  # a connection whose store has all tables, and not its generation yet


def make_tables(store):
    if store.file is not None:
        _whole(store)
    elif _empty:
        _empty[0].backup(store._db)
        with store.transaction():
            store.begin_generation()
    else:
        _whole(store)
        made = sqlite3.connect(":memory:", check_same_thread=False)
        store._db.backup(made)
        made.execute("DELETE FROM generation")
        made.commit()
        _empty.append(made)


def watch():
    Store._make_tables = make_tables
