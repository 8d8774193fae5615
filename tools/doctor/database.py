# SPDX-License-Identifier: MIT
"""A store in a PostgreSQL database: whether it answers, what is in it, and who serves from it. It is only read."""

import contextlib

from tools.doctor.finding import lacks, ok
from tools.store.faults import StoreError
from tools.store.postgres.naming import masked
from tools.words import counted

_SILENT = 5  # s without a sign of life, after which a node is taken for dead
_NODES = "SELECT name, state, extract(epoch FROM clock_timestamp())::float8 - beat FROM node ORDER BY name"


def store(where):
    """Findings about the database at this URI."""
    check = f"store {masked(where)}"
    try:
        from tools.store.postgres.dialing import Unreached, dial
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "psycopg":
            raise
        yield lacks(check, "psycopg is not installed", "pip install 'msgin5g-tools[postgres]'")
        return
    try:
        link = dial(where, "msgin5g doctor")
    except Unreached as error:
        yield lacks(check, f"cannot be reached ({error})", "start it, or name another with --store")
        return
    except StoreError as error:
        yield lacks(check, str(error), "")
        return
    with contextlib.closing(link):
        yield ok(check, f"PostgreSQL {_version(link.info.server_version)} answers")
        if (yield from _tables(check, link)):
            yield _nodes(check, link)


def _version(number):
    return "%d.%d" % divmod(number, 10000)


def _tables(check, link):
    """Yields whether the tables are those of this version of the tools; gives whether they can be read."""
    from tools.store.postgres.migrating import migrations

    known = [each.number for each in migrations()]
    there = link.execute("SELECT to_regclass('migration') IS NOT NULL").fetchone()[0]
    if not there:
        some = link.execute("SELECT count(*) FROM pg_tables WHERE schemaname=current_schema()").fetchone()[0]
        if some:
            yield lacks(check, "has tables of another program", "name an empty database, or the server's own")
        else:
            yield ok(check, "has no tables yet", "msgin5g server makes them")
        return False
    done = [number for (number,) in link.execute("SELECT number FROM migration ORDER BY number").fetchall()]
    if set(done) - set(known):
        todo = "use the version of the tools that wrote it"
        yield lacks(check, f"its tables have version {done[-1]}; these tools know {known[-1]}", todo)
        return False
    if done != known:
        said = f"its tables have version {done[-1] if done else 0}; these tools write {known[-1]}"
        yield ok(check, said, "msgin5g server brings them there when it starts")
        return False
    keys = link.execute("SELECT count(*) FROM security_context").fetchone()[0]
    yield ok(check, f"version {known[-1]}, {counted(keys, 'key')}")
    return True


def _nodes(check, link):
    nodes = link.execute(_NODES).fetchall()
    if not nodes:
        return ok(check, "no node has served from it yet")
    down = [name for name, state, silent in nodes if state == "down"]
    late = [
        f"{name} (silent for {silent:.0f} s)"
        for name, state, silent in nodes
        if state != "down" and (silent is None or silent > _SILENT)
    ]
    alive = len(nodes) - len(down) - len(late)
    said = f"{counted(alive, 'node')} up"
    if down:
        said += ", ended: " + ", ".join(down)
    if late:
        words = "start it again, or let it be: the others have its work"
        return lacks(check, f"{said}, not heard: {', '.join(late)}", words)
    return ok(check, said)
