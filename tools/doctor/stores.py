# SPDX-License-Identifier: MIT
"""The gateway's store, a device's folder, and the disk below them: readable for their owner alone, of this version."""

import contextlib
import importlib
import json
import os
import shutil
import sqlite3
import stat
from pathlib import Path

from tools.doctor.finding import lacks, ok, unknown
from tools.words import counted, in_words

_ROOM = 100 << 20  # octets: three full files of --events, or a store with what waits for some hundred devices


def store(_machine, args):
    """The file or the database of --store."""
    from tools.store.opening import is_postgres
    from tools.store.tables import VERSION

    if is_postgres(args.store):
        yield from importlib.import_module("tools.doctor.database").store(args.store)
        return
    path = Path(args.store.removeprefix("sqlite:"))
    check = f"store {path}"
    if not path.exists():
        yield ok(check, "there is none yet", "msgin5g gateway and msgin5g provision make it")
        return
    trouble = _trouble(check, path)
    if trouble:
        yield trouble
        return
    try:
        version, found, keys = _read(path, VERSION)
    except sqlite3.Error as error:
        yield lacks(check, f"is no store of the gateway ({error})", "name another with --store FILE")
        return
    if version != VERSION:
        todo = "use the version of the tools that wrote it, or another --store FILE"
        yield lacks(check, f"has version {version}; these tools write version {VERSION}", todo)
        return
    yield ok(check, f"version {version}, {counted(keys, 'key')}, yours alone")
    yield _generation(check, path, found)


def _trouble(check, path):
    """What is wrong with a file that holds keys, before it is read; None where nothing is."""
    try:
        found = os.stat(path)
        with open(path, "rb"):
            pass
    except OSError as error:
        return lacks(check, in_words(error), f"look whose it is: ls -l {path}")
    if not stat.S_ISREG(found.st_mode):
        return lacks(check, "is no file", "name one")
    if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
        return lacks(check, "belongs to another account", f"sudo chown $USER {path}")
    if os.name == "posix" and found.st_mode & 0o077:
        return lacks(
            check, f"other accounts can read its keys (mode {found.st_mode & 0o777:04o})", f"chmod 600 {path}"
        )
    return None


def _read(path, wanted):
    """(version, row of its generation, number of keys). Nothing is changed, whether a gateway serves from it or not."""
    # Without a -wal beside it nobody has it open, and SQLite need not make one to read it.
    lonely = not Path(f"{path}-wal").exists()
    uri = f"{path.absolute().as_uri()}?mode=ro" + ("&immutable=1" if lonely else "")
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as database:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version != wanted:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return version, None, 0
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type='table'")}
        found = None
        if "generation" in tables:
            found = database.execute("SELECT name, count, top, noted FROM generation").fetchone()
        keys = database.execute("SELECT count(*) FROM security_context").fetchone()[0]
        return version, found, keys


def _generation(check, path, found):
    """Whether it is the newest that there was, or a copy was put back."""
    from tools.store.sqlite import generation
    from tools.store.sqlite.storefile import GENERATION

    beside = f"{path}{GENERATION}"
    try:
        record = generation.look(beside)
    except OSError as error:
        return unknown(check, f"{beside}: {in_words(error)}")
    why = generation.doubt(found, record, beside)
    if record is None and not (found and found[1]):
        return ok(check, "no gateway has served from it yet")
    if why:
        return ok(check, f"may be an older copy ({why})", "the gateway sees to it at its next start")
    return ok(check, "is the newest that there was")


def keys_of_device(_machine, args):
    """The folder of --state."""
    if args.state is None:
        return
    from tools.device import CONFIG_NAME

    path = Path(args.state) / CONFIG_NAME
    check = f"device {args.state}"
    if not path.exists():
        yield lacks(
            check, f"has no {CONFIG_NAME}", f"msgin5g provision --state {args.state} --ue ue:NAME@DOMAIN"
        )
        return
    trouble = _trouble(check, path)
    if trouble:
        yield trouble
        return
    try:
        config = json.loads(path.read_bytes())
        named, mode = config["ue_service_id"], config.get("security", {}).get("mode", "none")
    except (ValueError, KeyError, TypeError, AttributeError):
        yield lacks(
            check, f"{path} is no configuration", f"msgin5g provision --state {args.state} --show says more"
        )
        return
    yield ok(check, f"{named}, security {mode}, its keys yours alone")


def disk(_machine, args):
    """Where the store is: a full disk loses nothing, but takes nothing either."""
    from tools.store.opening import is_postgres

    where = "." if is_postgres(args.store) else args.store.removeprefix("sqlite:")
    folder = Path(where).absolute().parent
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    said = f"{free >> 20:,} MiB are free in {folder}"
    if free < _ROOM:
        yield lacks("disk", said, "make room: with a full disk the gateway takes no messages")
    else:
        yield ok("disk", said)
    if not os.access(folder, os.W_OK):
        yield lacks(
            "disk", f"you may not write in {folder}", "go to another folder, or name one with --store"
        )
