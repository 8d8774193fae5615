# SPDX-License-Identifier: MIT
"""Opens the store that somebody has named: a file of SQLite, or a database of PostgreSQL."""

import time

from tools.store.faults import DATABASE_ERRORS, StoreError
from tools.store.postgres.naming import is_postgres, masked

_SQLITE = "sqlite:"


def open_store(where, serving=True, create=True, node=None):
    """The store: `postgresql://...`, `sqlite:FILE`, FILE or ":memory:". `serving`: for a program that serves from it,
    not for a command beside it; `create`: whether one that is not there is made; `node`: the name of who serves,
    where several do. Raises StoreError."""
    if not is_postgres(where):
        return open_file(where, serving, create)
    return _in_place(_database(where, serving, create, node), where)


def open_to_move(where, create=False):
    """The store for who copies it whole, whether that was done before or not. Of a file nobody else serves meanwhile;
    who serves from a database is to be looked for. Raises StoreError."""
    return _database(where, False, create) if is_postgres(where) else _file(where, True, create)


def _in_place(store, where):
    try:
        found = store.moved()
    except DATABASE_ERRORS as error:
        store.close()
        raise StoreError(
            "cannot read %s (%s): give another --store, or move that away" % (masked(where), error)
        ) from error
    if found is None:
        return store
    store.close()
    raise StoreError(
        "%s was copied to %s on %s, which is the store now: give that one with --store (or take this one back: msgin5g"
        " store take-back %s)"
        % (masked(where), found[0], time.strftime("%Y-%m-%d", time.localtime(found[1])), masked(where))
    )


def _database(where, serving, create, node=None):
    try:
        from tools.store.postgres.store import PostgresStore
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "psycopg":
            raise
        raise StoreError(
            "--store postgresql://... needs psycopg: pip install 'msgin5g-tools[postgres]'"
        ) from None
    return PostgresStore(where, serving, create, node)


def _file(where, serving, create):
    from tools.store.store import Store

    return Store(where.removeprefix(_SQLITE), serving, create)


def open_file(where, serving=True, create=True):
    """As `open_store`, for a Gateway UE: it has its store for itself, which is a file."""
    if is_postgres(where):
        raise StoreError(
            "a gateway's store is a file, and %s is none: give --store FILE (msgin5g server serves from PostgreSQL)"
            % masked(where)
        )
    return _in_place(_file(where, serving, create), where)
