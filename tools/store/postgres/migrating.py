# SPDX-License-Identifier: MIT
"""The tables of a PostgreSQL database: made, and brought to what this program knows, by numbered files of SQL.

Each file is one transaction, which is noted with a digest of the file. One program at a time does it: several nodes may
start at once.
"""

import hashlib
import importlib.resources
import re
from dataclasses import dataclass

import psycopg

from tools.store.faults import NoStore, StoreError

_LOCK = 0x4D534735  # of all that bring tables into being; any number that nobody else has
_NAME = re.compile(r"(\d{4})_\w+\.sql")
_NOTED = (
    "CREATE TABLE IF NOT EXISTS migration (number BIGINT PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL,"
    " at TIMESTAMPTZ NOT NULL DEFAULT now())"
)


@dataclass(frozen=True)
class Migration:
    number: int
    name: str
    sql: str

    @property
    def digest(self):
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations():
    """All that this program knows, in order."""
    folder = importlib.resources.files("tools.store.postgres") / "migrations"
    found = []
    for file in folder.iterdir():
        match = _NAME.fullmatch(file.name)
        if match:
            found.append(Migration(int(match[1]), file.name, file.read_text("utf-8")))
    return sorted(found, key=lambda each: each.number)


def migrate(link, where, make, known=None):
    """Brings the tables to what the program knows, where they are to be made (`make`); else looks whether they are.
    `where`: the database's name, for people. Gives whether it was empty. Raises StoreError, psycopg.Error."""
    known = migrations() if known is None else known
    try:
        link.execute("SET lock_timeout=0; SET statement_timeout=0")  # another program may be at it
        link.execute("SELECT pg_advisory_lock(%d)" % _LOCK)
        try:
            return _migrate(link, where, make, known)
        finally:
            link.execute("SELECT pg_advisory_unlock(%d)" % _LOCK)
    finally:
        if not link.closed:
            link.execute("SET lock_timeout='2s'; SET statement_timeout='5s'")


def _migrate(link, where, make, known):
    tables = {
        name
        for (name,) in link.execute("SELECT tablename::text FROM pg_tables WHERE schemaname=current_schema()")
    }
    if "migration" not in tables:
        if tables:
            raise StoreError(
                "%s holds tables of another program (%s): give the URI of an empty database"
                % (where, ", ".join(sorted(tables)[:3]))
            )
        if not make:
            raise NoStore(
                "there is no store in %s: name the server's own with --store URI (msgin5g server makes a new one)"
                % where
            )
        link.execute(_NOTED)
    done = {
        number: digest for number, digest in link.execute("SELECT number, digest FROM migration").fetchall()
    }
    newer = sorted(set(done) - {each.number for each in known})
    if newer:
        raise StoreError(
            "%s was brought to version %d by a newer program, and this one knows %d: use the newer one"
            % (where, newer[-1], known[-1].number)
        )
    for each in known:
        if each.number in done:
            if done[each.number] != each.digest:
                raise StoreError(
                    "%s was made by another state of %s than this program has: use the program that made it, or a"
                    " new database" % (where, each.name)
                )
        elif not make:
            raise StoreError(
                "%s is of an earlier version: start this version of msgin5g server on it first" % where
            )
        else:
            _apply(link, where, each)
    return not done


def _apply(link, where, migration):
    try:
        with link.transaction():
            link.execute(migration.sql)
            link.execute(
                "INSERT INTO migration (number, name, digest) VALUES (%s, %s, %s)",
                (migration.number, migration.name, migration.digest),
            )
    except psycopg.Error as error:
        raise StoreError(
            "%s cannot be brought to version %d (%s: %s): look what the account may do there"
            % (where, migration.number, migration.name, " ".join(str(error).split()))
        ) from error
