# SPDX-License-Identifier: MIT
"""msgin5g device: what it makes ready and what it refuses; and the command around it."""

import json
import os
import signal
import stat
import subprocess
import sys

import pytest

from tools import cli, device
from tools.errors import UsageError
from tools.programs import micropython

CONFIG = {"role": "client", "ue_service_id": "ue:1@example.org", "peer": "coap://127.0.0.1"}


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "given.json"
    path.write_text(json.dumps(CONFIG))
    return path


@pytest.fixture
def program(tmp_path):
    """Plays MicroPython: shows how it was started."""
    path = tmp_path / "micropython"
    path.write_text('#!/bin/sh\necho "$$|$(pwd)|$MICROPYPATH|$*"\nexit 7\n')
    path.chmod(0o755)
    return path


def test_the_configuration_is_copied_once(tmp_path, config, program, capsys):
    state = tmp_path / "deep/state"
    ours = state / "msgin5g.json"
    device.prepare(state, config, program=program)
    assert json.loads(ours.read_text()) == CONFIG
    assert stat.S_IMODE(ours.stat().st_mode) == 0o600  # it holds keys
    assert capsys.readouterr().err == f"msgin5g: {ours} copied from {config}\n"
    before = ours.stat()
    device.prepare(state, config, program=program)
    assert ours.stat().st_mtime_ns == before.st_mtime_ns
    assert capsys.readouterr().err == ""
    config.write_text(json.dumps(CONFIG | {"role": "application"}))
    device.prepare(state, config, program=program)
    assert json.loads(ours.read_text())["role"] == "application"
    assert "replaced by" in capsys.readouterr().err
    assert os.listdir(state) == ["msgin5g.json"]


def test_the_one_in_the_folder_is_enough(tmp_path, program):
    (tmp_path / "msgin5g.json").write_text(json.dumps(CONFIG))
    device.prepare(tmp_path, program=program)
    device.prepare(tmp_path, tmp_path / "msgin5g.json", program=program)


@pytest.mark.parametrize(
    "text, sentence",
    [
        (None, "configuration .*given.json: No such file or directory"),
        ("{role: client}", "given.json is not JSON: .*line 1"),
        ("[]", "given.json: a JSON object is needed"),
        ("\xff", "is not JSON"),
    ],
)
def test_a_bad_configuration_is_refused(tmp_path, config, program, text, sentence):
    config.unlink()
    if text is not None:
        config.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match=sentence):
        device.prepare(tmp_path / "state", config, program=program)
    assert not (tmp_path / "state/msgin5g.json").exists()


def test_no_configuration_says_how_to_name_one(tmp_path, program):
    with pytest.raises(UsageError, match="msgin5g.json: No such file or directory; name one with --config"):
        device.prepare(tmp_path, program=program)


def test_the_interpreter_is_the_one_that_is_named(tmp_path, config, program, monkeypatch):
    monkeypatch.delenv("MICROPYTHON", raising=False)
    assert device.prepare(tmp_path / "state", config)[0][0] == str(micropython.BIN / "micropython")
    monkeypatch.setenv("MICROPYTHON", program.name)
    monkeypatch.chdir(tmp_path)  # the device will be in its folder
    assert device.prepare(tmp_path / "state", config)[0][0] == str(program)


def test_no_micropython_says_how_to_make_it(tmp_path, config):
    with pytest.raises(UsageError, match="no MicroPython at .*; make it with: make micropython"):
        device.prepare(tmp_path, config, program=tmp_path / "nothing")


def test_micropython_is_fetched_where_there_is_none(tmp_path, config, program, monkeypatch):
    """By the command: who starts a device from a program has it."""
    monkeypatch.delenv("MICROPYTHON", raising=False)
    monkeypatch.setattr(micropython, "BIN", tmp_path / "bin")
    fetched = []
    monkeypatch.setattr(micropython, "provide", fetched.append)
    device.fetch()
    assert fetched == [tmp_path / "bin"]
    monkeypatch.setenv("MICROPYTHON", str(program))
    device.fetch()
    assert len(fetched) == 1


def test_no_micropython_to_be_had_says_who_knows_more(tmp_path, monkeypatch, capsys):
    def provide(folder):
        raise micropython.NoMicroPython("several lines")

    monkeypatch.delenv("MICROPYTHON", raising=False)
    monkeypatch.setattr(micropython, "BIN", tmp_path)
    monkeypatch.setattr(micropython, "provide", provide)
    assert cli.main(["device", "--state", str(tmp_path / "state")]) == 2
    said = capsys.readouterr().err
    assert said == "msgin5g: no MicroPython can be had here; make micropython says why, and what to do\n"


def test_a_state_folder_that_cannot_be_is_refused(tmp_path, config, program):
    with pytest.raises(UsageError, match="state folder .*given.json"):
        device.prepare(config, config, program=program)
    with pytest.raises(UsageError, match="state folder .*Not a directory"):
        device.prepare(config / "below", config, program=program)


def test_a_state_folder_that_is_not_writable_is_refused(tmp_path, config, program, monkeypatch):
    # Root may write everywhere, so the answer is ours.
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    with pytest.raises(UsageError, match="not writable"):
        device.prepare(tmp_path / "state", config, program=program)


def test_no_application_is_refused(tmp_path, config, program):
    with pytest.raises(UsageError, match="no application .*app.py"):
        device.prepare(tmp_path, config, app=tmp_path / "app.py", program=program)


def test_the_interpreter_takes_the_place_of_the_process(tmp_path, config, program):
    (tmp_path / "app.py").touch()
    code = f"from tools.device import run; run('state', {str(config)!r}, '96k', 'app.py', {str(program)!r})"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    output, _ = process.communicate()
    pid, folder, path, arguments = output.strip().split("|")
    assert int(pid) == process.pid
    assert folder == str(tmp_path / "state")
    assert path == "/rom:.frozen"
    rom = f"{device.ROOT}/boards/unix/rom.py {device.ROOT}/build/unix/firmware.romfs main"
    assert arguments == f"-X heapsize=96k {rom} {tmp_path}/app.py"
    assert process.returncode == 7


def test_a_signal_hits_the_real_interpreter(tmp_path, config):
    """The real one, with a start of ours: up, then ended by the signal."""
    (tmp_path / "boards/unix").mkdir(parents=True)
    (tmp_path / "boards/unix/rom.py").write_text("import time\nprint('up')\nwhile True: time.sleep(1)\n")
    code = (
        "import pathlib; from tools import device; "
        f"device.ROOT = pathlib.Path({str(tmp_path)!r}); device.run('state', {str(config)!r})"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "up\n"
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == -signal.SIGTERM


def test_one_device_in_a_folder_and_the_second_hears_who_it_is(tmp_path, config, program):
    program.write_text("#!/bin/sh\necho up\nread line\n")  # until its input ends
    (tmp_path / "other").symlink_to(tmp_path / "state")

    def start(state):
        code = f"from tools.device import run; run({state!r}, {str(config)!r}, program={str(program)!r})"
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", code]
        return subprocess.Popen(command, cwd=tmp_path, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    first = start("state")
    assert first.stdout.readline() == "up\n"
    for state in ("state", "other"):
        second = start(state)
        assert f"state folder {state} is a running device, process {first.pid} (" in second.communicate()[1]
        assert second.returncode == 1
    first.kill()
    first.communicate()
    third = start("other")
    assert third.communicate("\n")[0] == "up\n"
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_a_configuration_that_others_could_read_is_mended(tmp_path, program, capsys):
    ours = tmp_path / "msgin5g.json"
    ours.write_text(json.dumps(CONFIG))
    ours.chmod(0o644)
    device.prepare(tmp_path, program=program)
    assert stat.S_IMODE(ours.stat().st_mode) == 0o600
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and str(ours) in err and "0600" in err
    device.prepare(tmp_path, program=program)
    assert capsys.readouterr().err == ""


# ---- the command


def test_errors_are_one_line_and_exit_code_2(tmp_path, capsys):
    assert cli.main(["device", "--state", str(tmp_path), "--config", str(tmp_path / "no.json")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("msgin5g: ") and error.count("\n") == 1


@pytest.mark.parametrize("size", ["", "k", "0", "12g", "-1"])
def test_a_heap_that_is_no_size_is_refused(size, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["device", "--state", "x", f"--heap={size}"])
    assert caught.value.code == 2
    assert "is no size" in capsys.readouterr().err
