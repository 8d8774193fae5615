# SPDX-License-Identifier: MIT
"""Connections to a PostgreSQL database: made, so that a cut network or a database that hangs is noticed within seconds,
and looked after while they wait.
"""

import threading
import time
import weakref

import psycopg

from tools.store.faults import StoreError
from tools.store.postgres.naming import masked

_CONNECT = 5  # s
_HANGS = 8.0  # s that a statement may take, seen from here
_ANSWERS = {  # what libpq is told, where the URI does not
    "connect_timeout": _CONNECT,
    "tcp_user_timeout": 5000,  # ms
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "client_encoding": "UTF8",
}
# Statements are prepared once, on tables that are empty perhaps: their plans must be right for full ones as well, so
# they never go through a whole table where there is an index.
_SESSION = """
SET enable_seqscan=off; SET plan_cache_mode=force_generic_plan; SET jit=off; SET lock_timeout='2s';
SET statement_timeout='5s'; SET idle_in_transaction_session_timeout='%ds'; SET synchronous_commit=%s
"""
_OLDEST = 130000  # version: gen_random_uuid, and all that is used here
_SURE = "SELECT current_setting('synchronous_commit')"


class Unreached(Exception):
    """There is no connection now; the words say why."""


def dial(where, name="msgin5g", idle=5):
    """A psycopg connection, in autocommit. Raises Unreached, and StoreError where no other try would help."""
    try:
        known = psycopg.conninfo.conninfo_to_dict(where)
    except psycopg.ProgrammingError as error:
        raise StoreError(
            "--store %s is no URI of a PostgreSQL database (%s): postgresql://USER@HOST/DATABASE"
            % (masked(where), _words(error))
        ) from None
    options = {key: value for key, value in _ANSWERS.items() if key not in known}
    options.setdefault("application_name", name)
    try:
        link = psycopg.connect(where, autocommit=True, **options)
    except psycopg.Error as error:
        raise Unreached(masked(_words(error))) from None
    try:
        if link.info.server_version < _OLDEST:
            raise StoreError(
                "%s is PostgreSQL %d, and the store needs %d or newer: use a newer one"
                % (masked(where), link.info.server_version // 10000, _OLDEST // 10000)
            )
        (sure,) = link.execute(_SURE).fetchone()
        # What was answered must be on the disk: never less than that, whatever the database's default is.
        link.execute(_SESSION % (idle, "on" if sure in ("off", "local") else sure))
    except psycopg.Error as error:
        link.close()
        raise Unreached(_words(error)) from None
    except BaseException:
        link.close()
        raise
    return link


def _words(error):
    return " ".join(str(error).split()) or type(error).__name__


class Watchdog:
    """Cuts connections on which a statement hangs: TCP alone does not notice a database that has stopped and whose
    machine has not."""

    def __init__(self):
        self._connections = weakref.WeakSet()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = None

    def watch(self, connection):
        with self._lock:
            self._connections.add(connection)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="store-watch", daemon=True)
                self._thread.start()

    def _run(self):
        while not self._ended.wait(1.0):
            now = time.monotonic()
            with self._lock:
                connections = list(self._connections)
            for each in connections:
                since = each.since
                if since is not None and now - since > _HANGS:
                    each.cut()

    def end(self):
        self._ended.set()
