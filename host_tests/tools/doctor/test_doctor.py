# SPDX-License-Identifier: MIT
"""`msgin5g doctor` as a whole: lines, JSON, exit codes, a check that fails; and Python, packages, clock."""

import datetime
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import cli, doctor
from tools.doctor import clock, python
from tools.doctor.finding import LACKS, OK, UNKNOWN, Finding, lacks, ok, unknown

ROOT = Path(__file__).resolve().parents[3]
LINE = r"(ok      |lacks   |unknown )[^\n:]+: [^\n]+"


def test_each_finding_is_one_line_with_what_to_do():
    assert ok("disk", "is large").line() == "ok      disk: is large"
    assert lacks("disk", "is full", "make room").line() == "lacks   disk: is full; make room"
    assert unknown("disk", "who\nknows").line() == "unknown disk: could not be checked: who knows"
    # What a board on a cable calls itself.
    assert ok("serial port", "\x1b[2J\x9b2JPico\u202e").line() == "ok      serial port: ?[2J?2JPico?"


def test_this_machine_is_examined_and_nothing_is_changed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = cli.main(["doctor"])
    out, err = capsys.readouterr()
    lines = out.splitlines()
    findings = [line for line in lines if re.fullmatch(LINE, line)]
    lacking = [line for line in findings if line.startswith("lacks")]
    assert (code, err) == (1 if lacking else 0, "")
    assert len(lines) - len(findings) == (1 if lacking else 0)  # how many there are to see to
    seen = {re.sub(r"^\w+ +|:.*", "", line) for line in findings}
    assert {
        "Python",
        "Python packages",
        "MicroPython",
        "image",
        "firmware",
        "firewall",
        "clock",
        "disk",
    } <= seen
    assert "CoAP port 5683/UDP" in seen and "store gateway.db" in seen
    assert not list(tmp_path.iterdir())


def test_for_programs_it_is_one_json_object_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    cli.main(["doctor", "--json"])
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(found) >= 12
    assert all(set(each) == {"check", "state", "said", "todo"} for each in found)
    assert {each["state"] for each in found} <= {"ok", "lacks", "unknown"}


def test_the_exit_code_says_whether_something_is_lacking(args, monkeypatch, capsys):
    def told(*findings):
        monkeypatch.setattr(doctor, "examine", lambda *_: findings)
        code = doctor.main(args())
        return code, capsys.readouterr().out.splitlines()[-1]

    assert told(ok("a", "b")) == (0, "ok      a: b")
    assert told(unknown("a", "b")) == (0, "unknown a: could not be checked: b")
    assert told(lacks("a", "b", "c"), ok("a", "b")) == (1, "1 thing to see to")
    assert told(*[lacks("a", "b", "c")] * 2) == (1, "2 things to see to")


def test_a_check_that_fails_is_a_line_and_not_the_end(machine, args, monkeypatch):
    def broken(*_):
        yield ok("Python", "began")
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr(python, "interpreter", broken)
    first = ("Python", "python.interpreter")
    found = list(
        doctor.examine(machine, args(), (first, ("nothing", "nothing.there"), ("disk", "stores.disk")))
    )
    assert [each.state for each in found[:3]] == [OK, UNKNOWN, UNKNOWN]
    assert found[1] == unknown("Python", "RuntimeError: nobody thought of this")
    assert found[2].check == "nothing"
    assert found[3].check == "disk"


def test_where_a_system_lacks_what_others_have_the_rest_is_said(tmp_path):
    """Windows has no fcntl, grp, pwd."""
    code = (
        "import sys\n"
        "for name in ('fcntl', 'grp', 'pwd', 'resource'): sys.modules[name] = None\n"
        "from tools import cli\n"
        "sys.exit(cli.main(['doctor', '--state', '.']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    lines = [line for line in done.stdout.splitlines() if re.fullmatch(LINE, line)]
    assert len(lines) >= len(doctor.CHECKS)
    assert any(line.startswith("ok      Python packages: ") for line in lines)


# ---- Python and its packages: as PEP 440 and PEP 508 compare them


@pytest.fixture
def project(monkeypatch):
    def put(python_wanted, *packages):
        monkeypatch.setattr(python, "_project", lambda: (python_wanted, packages))

    return put


def test_an_interpreter_of_the_wrong_version(project, machine, args):
    project(">=3.11")
    (found,) = python.interpreter(machine, args())
    assert found.state == OK and found.said.startswith("%d.%d." % sys.version_info[:2])
    project(">=99")
    (found,) = python.interpreter(machine, args())
    assert found.state == LACKS and ">=99 is needed" in found.said and "PYTHON=" in found.todo


def test_packages_that_are_missing_or_of_the_wrong_version(project, machine, args):
    project(">=3", "aiocoap[oscore]>=0.4", "pytest<1", "no-such-package>=2", 'other; sys_platform == "none"')
    found = list(python.packages(machine, args()))
    assert [each.state for each in found] == [LACKS, LACKS]
    assert re.fullmatch(r"pytest is \d.*; <1 is needed", found[0].said)
    assert found[1].said == "no-such-package is missing"
    project(">=3", "aiocoap[oscore]>=0.4")
    (found,) = python.packages(machine, args())
    assert found.state == OK and found.said.startswith("1 package, ")


def test_an_image_needs_what_its_board_needs(machine, args):
    def said(board):
        (found,) = python.images(machine, args(board=board))
        return found

    assert said(None).state == UNKNOWN and "--board" in said(None).said
    assert said("unix").state == OK
    assert said("esp32").state == OK and "without a compiler" in said("esp32").said


def test_the_compiler_of_an_image(machine, args, monkeypatch, tmp_path):
    from tools.image import workshop

    monkeypatch.setattr(workshop, "UNPACKED", tmp_path / "unpacked")
    found = list(python.images(machine, args(board="rp2040")))
    assert [each.state for each in found] == [LACKS, LACKS]
    assert "arm-none-eabi-gcc" in found[0].said and "sudo apt install gcc-arm-none-eabi" in found[0].todo
    assert found[1].said.startswith("make and gcc ")
    for name in ("apt-get", "apt-cache", "dpkg-deb", "make", "gcc"):
        machine.program(name, "exit 0")
    (found,) = python.images(machine, args(board="rp2040"))
    assert found.state == OK and "make image gets it" in found.said
    machine.program("arm-none-eabi-gcc", "exit 0")
    (found,) = python.images(machine, args(board="rp2040"))
    assert found.state == OK and found.said.endswith("bin/arm-none-eabi-gcc")


# ---- the clock: timedatectl(1), chronyc(1)

NOW = datetime.datetime(2026, 3, 4, 5, 6, 7, tzinfo=datetime.UTC)


def clock_said(machine, args, now=NOW) -> Finding:
    (found,) = clock.clock(machine, args(), now)
    return found


@pytest.mark.parametrize("year", [1970, 2000, 2106])
def test_a_clock_that_was_lost(machine, args, year):
    found = clock_said(machine, args, NOW.replace(year=year))
    assert found.state == LACKS and found.todo == "sudo timedatectl set-ntp true"


@pytest.mark.parametrize(("answer", "state"), [("yes", OK), ("no", LACKS)])
def test_timedatectl_tells(machine, args, answer, state):
    machine.program("timedatectl", f'[ "$*" = "show --property=NTPSynchronized --value" ] && echo {answer}')
    found = clock_said(machine, args)
    assert found.state == state and found.said.startswith("2026-03-04 05:06:07 UTC")


@pytest.mark.parametrize(("leap", "state"), [("Normal", OK), ("Not synchronised", LACKS)])
def test_chrony_tells_where_there_is_no_systemd(machine, args, leap, state):
    machine.program(
        "timedatectl", "echo 'System has not been booted with systemd as init system (PID 1).' >&2; exit 1"
    )
    line = "C0248F97,192.36.143.151,2,1772600000.1,0.000012,-0.0000045,0.000031,-12.3,0.001,0.02,0.01,0.0005,64.2,"
    machine.program("chronyc", f"echo '{line}{leap}'")
    assert clock_said(machine, args).state == state


def test_nobody_tells(machine, args):
    found = clock_said(machine, args)
    assert found.state == UNKNOWN and "neither timedatectl nor chronyc" in found.said
    machine.platform = "darwin"
    assert "darwin was not asked" in clock_said(machine, args).said
