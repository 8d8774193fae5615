# SPDX-License-Identifier: MIT
"""The files of events: bounded in size and number, no line is lost or broken but those of the oldest file, which are
counted, and a pipe is none of them."""

import json
import os

import pytest

from tools import cli
from tools.page.events import Events
from tools.page.turning import TurningFile

SIZE = 2000


def numbers(path):
    return [json.loads(line).get("number") for line in path.read_text().splitlines()]


def emit(events, first, last):
    for number in range(first, last):
        events.emit("refused", number=number, reason="x" * 50)


@pytest.mark.parametrize("files", [1, 2, 4])
def test_so_many_files_of_such_a_size(tmp_path, files):
    path = tmp_path / "events"
    stream = TurningFile(str(path), SIZE, files)
    events = Events(None, stream, clock=lambda: 0)
    emit(events, 0, 500)
    stream.close()
    found = sorted(tmp_path.iterdir())
    assert [each.name for each in found] == ["events", *("events.%d" % number for number in range(1, files))]
    assert all(0 < each.stat().st_size <= SIZE for each in found)
    left = [number for each in (*reversed(found[1:]), found[0]) for number in numbers(each)]
    wanted = [number for number in left if number is not None]
    assert wanted == list(range(500 - len(wanted), 500))
    assert len(wanted) > (files - 1) * SIZE // 150


def test_what_went_is_told_and_counted(tmp_path):
    path = tmp_path / "events"
    stream = TurningFile(str(path), SIZE, 2)
    events = Events(None, stream, clock=lambda: 0)
    heard = []
    events.callbacks.append(heard.append)
    emit(events, 0, 200)
    stream.close()
    told = sum(record["octets"] for record in heard if record["event"] == "events-dropped")
    written = sum(len(json.dumps(record)) + 1 for record in heard)
    assert told == stream.dropped == written - sum(each.stat().st_size for each in tmp_path.iterdir())
    assert events.counts["events-dropped"] > 3


def test_a_program_that_starts_again_goes_on_in_the_same_file(tmp_path):
    path = tmp_path / "events"
    for first in range(0, 40, 10):
        stream = TurningFile(str(path), SIZE, 3)
        emit(Events(None, stream, clock=lambda: 0), first, first + 10)
        stream.close()
    assert (
        numbers(tmp_path / "events.1") + numbers(path)
        == list(range(40))[-len(numbers(tmp_path / "events.1") + numbers(path)) :]
    )
    assert all(each.stat().st_size <= SIZE for each in tmp_path.iterdir())


def test_one_that_was_moved_away_is_left_alone(tmp_path):
    path, moved = tmp_path / "events", tmp_path / "moved"
    stream = TurningFile(str(path), SIZE, 3)
    events = Events(None, stream, clock=lambda: 0)
    emit(events, 0, 5)
    path.rename(moved)
    emit(events, 5, 30)
    stream.close()
    assert numbers(moved)[:5] == [0, 1, 2, 3, 4]
    assert not (tmp_path / "events.2").exists()
    assert sum(len(numbers(each)) for each in tmp_path.iterdir()) == 30


def test_where_none_can_be_made_it_is_told_and_what_waits_goes_out_later(tmp_path):
    """The bound holds: nothing is written beyond it."""
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "events"
    stream = TurningFile(str(path), SIZE, 3)
    events = Events(None, stream, clock=lambda: 0)
    (folder / "events.2").mkdir()
    emit(events, 0, 60)
    (state,) = events.state()
    assert state["failing"] and path.stat().st_size <= SIZE and stream.dropped == 0
    (folder / "events.2").rmdir()
    events.flush()
    stream.close()
    left = [number for name in ("events.2", "events.1", "events") for number in numbers(folder / name)]
    assert [number for number in left if number is not None][-40:] == list(range(20, 60))
    assert all(each.stat().st_size <= SIZE for each in folder.iterdir())


def test_a_pipe_has_no_size(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    stream = TurningFile(str(pipe), SIZE, 3)
    emit(Events(None, stream, clock=lambda: 0), 0, 100)
    octets = os.read(reader, 1 << 20)
    assert len(octets.splitlines()) == 100 and [each.name for each in tmp_path.iterdir()] == ["pipe"]
    stream.close()
    os.close(reader)


def test_a_link_stays_one_and_the_file_behind_it_turns(tmp_path):
    link, folder = tmp_path / "events", tmp_path / "log"
    folder.mkdir()
    link.symlink_to(folder / "real")
    stream = TurningFile(str(link), SIZE, 3)
    emit(Events(None, stream, clock=lambda: 0), 0, 100)
    stream.close()
    assert sorted(tmp_path.iterdir()) == [link, folder] and link.is_symlink()
    assert sorted(each.name for each in folder.iterdir()) == ["real", "real.1", "real.2"]
    assert all(each.stat().st_size <= SIZE for each in folder.iterdir())
    assert numbers(link)[-1] == 99


def test_the_name_of_a_descriptor_is_never_given_to_another_file(tmp_path):
    """As of /dev/stdout, where that is a file: it is of who has opened it, and there is one such name for all."""
    with open(tmp_path / "out", "ab") as out:
        stream = TurningFile("/proc/self/fd/%d" % out.fileno(), SIZE, 3)
        emit(Events(None, stream, clock=lambda: 0), 0, 100)
        stream.close()
    assert [each.name for each in tmp_path.iterdir()] == ["out"]
    assert numbers(tmp_path / "out") == list(range(100))


@pytest.mark.parametrize("program", ("gateway", "server", "relay"))
def test_a_file_that_cannot_be_written_is_said_with_what_to_do(tmp_path, capsys, program):
    path = tmp_path / "nowhere/events"
    more = ["--server", "192.0.2.1:5683"] if program == "relay" else ["--store", ":memory:"]
    assert cli.main([program, "--events", str(path), *more]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.endswith("cannot write --events %s (No such file or directory): give another FILE" % path)
