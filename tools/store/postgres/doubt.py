# SPDX-License-Identifier: MIT
"""What became of a COMMIT whose answer never came: the database knows by the transaction's number.

A round that was committed must not be decided once more, and one that was not must be. So who lost the connection asks
on a new one. A session that still holds the transaction is ended first: whether its COMMIT was on the way or not, the
answer stays the same from then on.
"""

import contextlib
import time

import psycopg

from tools.store.faults import StoreError
from tools.store.postgres.dialing import Unreached

PATIENCE = 5.0  # s that are spent on it: who waits for an answer is to get one
_POLL = 0.1  # s

_STATUS = "SELECT pg_xact_status(CAST(%s AS xid8))"
_END = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE pid=%s AND backend_xid=xid(CAST(%s AS xid8)) AND pid<>pg_backend_pid()"
)


def committed(dial, doubt, ended):
    """Whether the transaction of this InDoubt is in the database; None where nobody says so within PATIENCE, or the
    database does not know any more. `dial(name)` gives a psycopg connection, `ended()` is true where nobody waits."""
    end = time.monotonic() + PATIENCE
    link = None
    try:
        while True:
            try:
                if link is None:
                    link = dial("msgin5g doubt")
                (status,) = link.execute(_STATUS, (doubt.transaction,)).fetchone()
                if status != "in progress":
                    return None if status is None else status == "committed"
                link.execute(_END, (doubt.session, doubt.transaction))
            except psycopg.DataError:
                return None  # another database's: it has not come to this number
            except (psycopg.Error, Unreached):
                _close(link)
                link = None
            except StoreError:
                return None
            if ended() or time.monotonic() > end:
                return None
            time.sleep(_POLL)
    finally:
        _close(link)


def _close(link):
    if link is not None:
        with contextlib.suppress(psycopg.Error):
            link.close()
