# SPDX-License-Identifier: MIT
"""The interpreter with the ESP32 port's own C: what is built of what, what is said where it can't be, and how one run
of the chip tells the next why it ended.
"""

import os
import signal
import subprocess

import pytest

from host_tests.esp32 import chip
from host_tests.esp32.idf import build, compiler
from tools.errors import UsageError
from tools.image import workshop
from tools.programs.patience import finish

CAUSE = "import machine\nprint(machine.reset_cause())\n"


def test_the_port_s_sources_are_those_of_the_tree():
    build.build()
    tree = workshop.sources(print)
    port = build.BUILD / "modules/idf/port"
    for name in build.LINKED:
        assert (port / name).resolve() == (tree / "ports/esp32" / name).resolve()
    assert {path.name for path in port.iterdir()} == {*build.LINKED, "mpconfigport.h", "check_esp_err.inc"}
    assert (port / "mpconfigport.h").read_text() == ""
    assert (port / "check_esp_err.inc").read_text() in (tree / "ports/esp32/mphalport.c").read_text()


def test_it_is_made_once(monkeypatch):
    said = []
    path = build.build(say=said.append)
    assert path == build.program() and os.access(path, os.X_OK)
    said.clear()
    monkeypatch.setattr(build, "_make", lambda *arguments: pytest.fail("made again"))
    assert build.build(say=said.append) == path
    assert not said


def test_a_cut_out_that_is_another_is_refused():
    whole = build.CUT_FROM + "int code) { nlr_raise(x); check_esp_err_(); }\n"
    assert build.cut(whole + build.CUT_TO + "...") == whole
    for text in ("", whole, build.CUT_TO + whole, whole + "nlr_raise(y);" + build.CUT_TO):
        with pytest.raises(UsageError, match="mphalport.c is not that of MicroPython"):
            build.cut(text)


def test_what_is_missing_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(build, "_digest", lambda *arguments: "another")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match=r"make is missing.*apt install gcc make"):
        build.build()


def test_a_machine_without_32_bits(monkeypatch):
    assert compiler.arguments(64, print) == []
    monkeypatch.setattr(compiler, "_works", lambda command: False)
    monkeypatch.setattr(compiler, "_unpacked", lambda say: ["gcc", "-m32"])
    with pytest.raises(compiler.No32Bits, match="apt install gcc-multilib"):
        compiler.arguments(32, print)
    monkeypatch.setattr(compiler.platform, "machine", lambda: "aarch64")
    with pytest.raises(compiler.No32Bits, match="of the kind aarch64 runs no programs of x86"):
        compiler.arguments(32, print)


# By machine.reset_cause() of the run that comes after: mp_machine_reset_cause() of ports/esp32/modmachine.c
POWER_ON, HARD, WATCHDOG, DEEP_SLEEP = 1, 2, 3, 4
ENDS = {
    "machine.reset()": HARD,
    "machine.deepsleep(1000)": DEEP_SLEEP,
    "idf.panic()": HARD,
    "idf.brown_out()": POWER_ON,
    "machine.WDT(timeout=50)\nwhile True: pass": WATCHDOG,
    "idf.real(False)\nmachine.WDT(timeout=3600000)\nidf.advance(3599999)\nprint('fed')\nidf.advance(1)": WATCHDOG,
    "idf.real(False)\nw = machine.WDT(timeout=100)\nmachine.lightsleep(60000)\nw.feed()\nidf.panic()": HARD,
    "print('well')": POWER_ON,
}


@pytest.mark.parametrize("end", ENDS)
def test_how_a_run_ended_is_told_to_the_next(end):
    def run(code, cause):
        environment = {**os.environ, "CHIP_CAUSE": str(cause), "CHIP_CLOCK": "real"}
        command = [build.build(), "-c", code]
        return finish(
            command, 60, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    ended = run("import idf, machine\n" + end + "\nprint('whole')", chip.POWER_ON)
    assert ("whole" in ended.stdout) == (ended.returncode == 0) == (end == "print('well')"), ended.stdout
    assert ("fed" in ended.stdout) == ("fed" in end)
    assert ended.returncode in (0, *chip.CAUSES)
    again = run(CAUSE, chip.CAUSES.get(ended.returncode, chip.POWER_ON))
    assert (again.stdout, again.returncode) == (f"{ENDS[end]}\n", 0)


def test_a_sleep_without_an_end_is_no_end():
    """Nothing would ever wake the chip; a test that waits for it would not end either."""
    for code in ("machine.lightsleep()", "machine.deepsleep()"):
        command = [build.build(), "-c", "import machine\n" + code]
        done = finish(command, 60, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 105
        assert done.returncode not in chip.CAUSES and -signal.SIGALRM in chip.CAUSES
