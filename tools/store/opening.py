# SPDX-License-Identifier: MIT
"""Opens the store that somebody has named: a file of SQLite, or a database of PostgreSQL."""

from tools.store.faults import StoreError
from tools.store.postgres.naming import is_postgres, masked

_SQLITE = "sqlite:"


def open_store(where, serving=True, create=True, node=None):
    """The store: `postgresql://...`, `sqlite:FILE`, FILE or ":memory:". `serving`: for a program that serves from it,
    not for a command beside it; `create`: whether one that is not there is made; `node`: the name of who serves,
    where several do. Raises StoreError."""
    if is_postgres(where):
        try:
            from tools.store.postgres.store import PostgresStore
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "psycopg":
                raise
            raise StoreError(
                "--store postgresql://... needs psycopg: pip install 'msgin5g-tools[postgres]'"
            ) from None
        return PostgresStore(where, serving, create, node)
    return open_file(where, serving, create)


def open_file(where, serving=True, create=True):
    """As `open_store`, for a Gateway UE: it has its store for itself, which is a file."""
    if is_postgres(where):
        raise StoreError(
            "a gateway's store is a file, and %s is none: give --store FILE (msgin5g server serves from PostgreSQL)"
            % masked(where)
        )
    from tools.store.store import Store

    return Store(where.removeprefix(_SQLITE), serving, create)
