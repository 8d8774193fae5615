# SPDX-License-Identifier: MIT
"""The store as the gateway's own commands make it, and what can be wrong with it; a device's folder; the disk."""

import contextlib
import json
import os
import shutil
import sqlite3

import pytest

from tools import cli
from tools.doctor import stores
from tools.doctor.finding import LACKS, OK
from tools.store.store import Store


@pytest.fixture
def kept(tmp_path, capsys):
    """A store with a device that has a key."""
    path = tmp_path / "gateway.db"
    words = [
        "gateway",
        "device",
        "add",
        "ue:a@x",
        "--key",
        str(tmp_path / "keys.json"),
        "--store",
        str(path),
    ]
    assert cli.main(words) == 0
    capsys.readouterr()
    return path


def served(path):
    """As a gateway that starts and ends."""
    store = Store(str(path))
    store.close()


def look(args, path):
    return list(stores.store(None, args(store=str(path))))


def test_there_is_none_yet(args, tmp_path):
    (found,) = look(args, tmp_path / "none.db")
    assert found.state == OK and "none yet" in found.said
    assert not list(tmp_path.iterdir())


def test_one_that_is_right(args, kept):
    first, second = look(args, kept)
    assert first.state == OK and "1 key, yours alone" in first.said
    assert second.said == "no gateway has served from it yet"
    served(kept)
    assert [each.state for each in look(args, kept)] == [OK, OK]
    assert look(args, kept)[1].said == "is the newest that there was"


def test_it_is_looked_at_while_a_gateway_serves_and_stays_as_it_is(args, kept):
    store = Store(str(kept))
    try:
        assert [each.state for each in look(args, kept)] == [OK, OK]
        assert store.file.in_place()
        with pytest.raises(Exception, match="in use by another gateway"):
            Store(str(kept))  # the lock is there still
    finally:
        store.close()


def test_an_older_copy_that_was_put_back(args, kept, tmp_path):
    served(kept)
    shutil.copy2(kept, tmp_path / "copy.db")
    served(kept)
    os.replace(tmp_path / "copy.db", kept)
    first, second = look(args, kept)
    assert first.state == OK and second.said.startswith("may be an older copy (")


def test_keys_that_others_can_read(args, kept):
    kept.chmod(0o644)
    (found,) = look(args, kept)
    assert found.state == LACKS and "(mode 0644)" in found.said and found.todo == f"chmod 600 {kept}"
    assert kept.stat().st_mode & 0o777 == 0o644  # it is looked at, not mended


def test_another_version_another_program_and_no_database(args, kept, tmp_path):
    with contextlib.closing(sqlite3.connect(kept)) as database:
        database.execute("PRAGMA user_version=99")
    (found,) = look(args, kept)
    assert found.state == LACKS and found.said.startswith("has version 99; these tools write version ")
    other = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE things (name)")
    other.chmod(0o600)
    assert look(args, other)[0].state == LACKS
    text = tmp_path / "text.db"
    text.write_text("no database")
    text.chmod(0o600)
    (found,) = look(args, text)
    assert found.state == LACKS and "is no store of the gateway" in found.said
    assert look(args, tmp_path)[0].state == LACKS


def device(args, folder):
    return list(stores.keys_of_device(None, args(state=str(folder))))


def test_the_folder_of_a_device(args, tmp_path):
    assert device(args, tmp_path)[0].said == "has no msgin5g.json"
    path = tmp_path / "msgin5g.json"
    security = {"mode": "oscore", "master_secret": "00112233445566778899aabbccddeeff"}
    path.write_text(json.dumps({"ue_service_id": "ue:a@x", "security": security}))
    path.chmod(0o640)
    assert device(args, tmp_path)[0].todo == f"chmod 600 {path}"
    path.chmod(0o600)
    (found,) = device(args, tmp_path)
    assert found.state == OK and found.said == "ue:a@x, security oscore, its keys yours alone"
    for text in ("{", "[]", "{}", '{"ue_service_id": "ue:a@x", "security": "none"}'):
        path.write_text(text)
        assert device(args, tmp_path)[0].state == LACKS
    assert list(stores.keys_of_device(None, args())) == []


@pytest.mark.parametrize(("free", "state"), [(1 << 30, OK), (1 << 20, LACKS)])
def test_the_disk(args, tmp_path, monkeypatch, free, state):
    usage = shutil.disk_usage(tmp_path)._replace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    (found,) = stores.disk(None, args(store=str(tmp_path / "new/folder/gateway.db")))
    assert found.state == state and str(tmp_path) in found.said
