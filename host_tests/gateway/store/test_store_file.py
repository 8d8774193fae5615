# SPDX-License-Identifier: MIT
"""The store's files: private from their first octet, one gateway at a time, none made by a command that reads."""

import os
import re
import shutil
import signal
import stat
import subprocess
import sys

import pytest

from host_tests.gateway.scripted import ROOT, Ue, gateway, run
from tools import cli
from tools.gateway import keys as key_files
from tools.store.sqlite import storefile
from tools.store.store import Store, StoreError

UE = "ue:sensor-1@example.org"
FREE = ["--coap", "127.0.0.1:0", "--http", "127.0.0.1:0"]


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def beside(path):
    """{name: mode} of the store's files."""
    folder, name = os.path.split(path)
    return {each: mode(os.path.join(folder, each)) for each in os.listdir(folder) if each.startswith(name)}


@pytest.fixture
def served(tmp_path):
    """served(store) starts `msgin5g gateway` on it, in tmp_path: the process, once it listens, and what it said."""
    running = []

    def start(store, umask=0o022):
        process = subprocess.Popen(
            [sys.executable, "-m", "tools.cli", "gateway", *FREE, "--store", str(store)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            umask=umask,
        )
        running.append(process)
        said = []
        for line in process.stdout:
            said.append(line)
            if "listening" in line:
                break
        return process, "".join(said)

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture(params=[0o000, 0o022, 0o277], ids="umask {:03o}".format)
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


# ---- private


def test_all_files_of_a_store_are_private_whatever_the_umask(tmp_path, umask):
    path = str(tmp_path / "gateway.db")
    made = []
    real = os.open

    def watched(*arguments, **more):
        descriptor = real(*arguments, **more)
        if str(arguments[0]).startswith(path):
            made.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return descriptor

    os.open = watched
    try:
        store = Store(path)
    finally:
        os.open = real
    with store.transaction():
        key_files.add(store, UE, key_files.of_section(UE, key_files.new_section(set())), UE)
    files = beside(path)
    assert {"gateway.db", "gateway.db-wal", "gateway.db-shm"} <= set(files)
    assert set(files.values()) == {0o600}
    assert made and not any(each & 0o077 for each in made)  # from the first octet
    store.close()
    assert set(beside(path).values()) == {0o600}


def test_the_gateways_own_program_makes_private_files(tmp_path, served):
    _, said = served("gateway.db", umask=0)
    assert f"new store {tmp_path}/gateway.db" in said
    assert set(beside(str(tmp_path / "gateway.db")).values()) == {0o600}


def test_a_start_mends_files_that_others_could_read_and_says_so(tmp_path, served):
    process, _ = served("gateway.db")
    process.kill()  # -wal and -shm stay
    process.wait()
    names = sorted(beside(str(tmp_path / "gateway.db")))
    assert len(names) >= 3
    for name in names:
        (tmp_path / name).chmod(0o644)
    _, said = served("gateway.db")
    assert set(beside(str(tmp_path / "gateway.db")).values()) == {0o600}
    told = [line for line in said.splitlines() if "other accounts" in line]
    assert len(told) == 1 and all(str(tmp_path / name) in told[0] for name in names)


def test_a_command_mends_them_too(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["gateway", "device", "add", UE]) == 0
    (tmp_path / "gateway.db").chmod(0o664)
    capsys.readouterr()
    assert cli.main(["gateway", "device", "list"]) == 0
    out, err = capsys.readouterr()
    assert out == UE + "\n" and err.count("\n") == 1 and "gateway.db" in err and "0600" in err
    assert mode(tmp_path / "gateway.db") == 0o600


@pytest.mark.parametrize("name", ["gateway.db", "gateway.db-wal"])
def test_a_file_of_another_account_is_refused(tmp_path, monkeypatch, name):
    # Somebody makes gateway.db, or its -wal, in a shared folder first, to have it filled with keys.
    Store(str(tmp_path / "gateway.db"), serving=False).close()
    (tmp_path / name).touch()
    real = os.lstat

    def foreign(path):
        found = real(path)
        if str(path).endswith(name):
            found = os.stat_result((*found[:4], found.st_uid + 1, *found[5:10]))
        return found

    monkeypatch.setattr(storefile.os, "lstat", foreign)
    monkeypatch.setattr(storefile.os, "geteuid", lambda: real(tmp_path).st_uid + 54321)
    with pytest.raises(StoreError, match="belongs to another account"):
        Store(str(tmp_path / "gateway.db"))


# ---- one gateway


def test_one_gateway_at_a_time_by_whatever_name(tmp_path, served):
    first, _ = served("gateway.db")
    (tmp_path / "link.db").symlink_to("gateway.db")
    (tmp_path / "folder").symlink_to(tmp_path)
    os.link(tmp_path / "gateway.db", tmp_path / "hard.db")
    (tmp_path / "gateway.db.lock").unlink(missing_ok=True)
    for name in ("gateway.db", "folder/link.db", "hard.db"):
        second, said = served(name)
        assert second.wait() == 2, said
        assert re.search(rf"{name} is in use by another gateway, process {first.pid} \(.* gateway ", said), (
            said
        )
    (tmp_path / "hard.db").unlink()
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert "listening" in served("link.db")[1]
    assert (tmp_path / "link.db").is_symlink() and not (tmp_path / "link.db-wal").exists()


def test_a_second_one_of_the_same_process_does_not_break_the_first_ones_locks(tmp_path):
    # Closing a descriptor of the file drops all POSIX locks of the process on it, SQLite's too. Then another program
    # that closes the store would take itself for the last one, and remove the -wal that is in use.
    path = str(tmp_path / "gateway.db")
    store = Store(path)
    with pytest.raises(StoreError, match=r"in use by another gateway, process %d, this one" % os.getpid()):
        Store(path)
    with store.transaction():
        store.add_device(UE)
    code = (
        f"import sqlite3; d = sqlite3.connect({path!r}); "
        "print(d.execute('SELECT ue FROM device').fetchall()); d.close()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert UE in done.stdout
    assert os.path.exists(path + "-wal")  # ours: the other one knew that it was not alone
    store.close()
    Store(path).close()


def test_a_hard_link_is_refused_for_what_sqlite_keeps_goes_by_the_name(tmp_path):
    Store(str(tmp_path / "gateway.db")).close()
    os.link(tmp_path / "gateway.db", tmp_path / "other.db")
    for serving in (True, False):
        with pytest.raises(StoreError, match="hard link"):
            Store(str(tmp_path / "other.db"), serving)


def test_commands_work_while_a_gateway_serves(tmp_path, served, monkeypatch, capsys):
    served("gateway.db")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["gateway", "device", "add", UE]) == 0
    assert cli.main(["gateway", "device", "list"]) == 0
    assert UE in capsys.readouterr().out


def test_a_store_that_is_moved_away_while_it_is_served_takes_nothing(tmp_path):
    """What went into it would be gone with the gateway, and was answered 2.04."""

    async def main():
        async with gateway(str(tmp_path / "gateway.db")) as g, Ue(g, UE) as a:
            assert await a.code(a.own("REG", cliProfile={})) == "2.04"
            os.rename(tmp_path / "gateway.db", tmp_path / "moved.db")
            (tmp_path / "gateway.db").write_bytes(b"")  # as somebody puts another one in its place
            assert await a.code(a.msg("as:weather@example.org", "21.5", "AS")) == "5.03"
            assert "replaced while it was served" in (await g.journal.wait("store-error"))["reason"]
            os.rename(tmp_path / "moved.db", tmp_path / "gateway.db")
            assert await a.code(a.msg("as:weather@example.org", "21.5", "AS")) == "2.04"

    run(main())


def test_a_second_one_is_refused_where_the_store_was_replaced_under_the_first(tmp_path):
    path = str(tmp_path / "gateway.db")
    store = Store(path)
    shutil.copy(path, path + ".copy")
    os.replace(path + ".copy", path)  # another file: the lock of the first is not on it
    with pytest.raises(StoreError, match="in use by another gateway, process %d" % os.getpid()):
        Store(path)
    store.close()


# ---- names of stores


READING = [
    ["device", "list"],
    ["device", "remove", UE],
    ["application", "list"],
    ["application", "remove", "1"],
    ["target", "list"],
    ["target", "remove", "weather.example.org"],
    ["ue", "list"],
    ["ue", "remove", "urn:imei:1"],
]


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_a_command_that_makes_nothing_makes_no_store(tmp_path, monkeypatch, capsys, words):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["gateway", *words, "--store", "typo.db"]) == 2
    err = capsys.readouterr().err
    assert "there is no store typo.db" in err and err.count("\n") == 1
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("words", [*READING, ["device", "add", UE]], ids=" ".join)
@pytest.mark.parametrize("name", [":memory:", ""])
def test_a_store_that_ends_with_the_command_is_refused(tmp_path, monkeypatch, capsys, words, name):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["gateway", *words, "--store", name]) == 2
    assert "--store FILE" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_an_add_says_that_the_store_is_new(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["gateway", "device", "add", UE]) == 0
    assert capsys.readouterr().err == f"new store {tmp_path}/gateway.db\n"
    assert cli.main(["gateway", "device", "add", "ue:2"]) == 0
    assert capsys.readouterr().err == ""


def test_a_folder_or_another_programs_file_is_no_store(tmp_path):
    with pytest.raises(StoreError, match="is no file"):
        Store(str(tmp_path))
    (tmp_path / "text").write_text("no database\n" * 100)
    with pytest.raises(StoreError, match="give another --store"):
        Store(str(tmp_path / "text"))


def test_a_store_in_memory_of_these_tests_is_what_a_program_makes(tmp_path):
    """`made_once`, whose stores are copies; each has a name of its own."""

    def all_of(store):
        execute = store._db.execute
        made = set(execute("SELECT type, name, tbl_name, sql FROM sqlite_master"))
        tables = sorted(name for kind, name, _, _ in made if kind == "table" and name != "generation")
        return made, {name: execute("SELECT * FROM %s" % name).fetchall() for name in tables}

    stores = [Store(path) for path in (str(tmp_path / "store"), ":memory:", ":memory:")]
    found = [all_of(store) for store in stores]
    names = {store._db.execute("SELECT name FROM generation").fetchone()[0] for store in stores}
    for store in stores:
        store.close()
    assert found[0] == found[1] == found[2] and len(found[0][0]) > 100
    assert len(names) == 3
