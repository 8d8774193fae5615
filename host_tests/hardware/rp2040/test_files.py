# SPDX-License-Identifier: MIT
"""Files on the flash survive all that ends a run: soft reset, reset, watchdog, power cut at any moment."""

import ast
import hashlib
import os
import re

from tools.emulator.client import POWER_CUT
from tools.image import files, rp2

WRITE = "with open('kept.txt', 'w') as f: f.write('{}')"
READ = "print(open('kept.txt').read())"


def test_files_survive_each_kind_of_reset(board):
    board.run(WRITE.format("soft reset"))
    board.enter(soft_reset=True)
    assert board.run(READ).strip() == "soft reset"

    board.run(WRITE.format("reset"))
    board.reset_by("import machine\nmachine.reset()")
    assert board.run(READ).strip() == "reset"

    board.run(WRITE.format("watchdog"))
    board.reset_by("import machine\nmachine.WDT(timeout=100)\nwhile True: pass")
    assert board.run(READ).strip() == "watchdog"

    board.run(WRITE.format("power"))
    board.emulator.ask("power-cycle")
    board.enter()
    assert board.run(READ).strip() == "power"
    stats = board.emulator.stats()
    assert (stats["watchdog_resets"], stats["forced_resets"]) == (1, 1)


def test_files_survive_the_end_of_the_emulator(boot):
    first = boot()
    first.run(WRITE.format("kept"))
    first.leave()
    first.emulator.cut_power()
    assert boot().run(READ).strip() == "kept"


# Each round replaces a file as coap.oscore.files does, appends to another, and says so when both are closed.
ROUNDS = """
import os
n = 0
while True:
    n += 1
    with open("state~", "w") as f:
        f.write("%d " % n + "x" * 700)
    os.rename("state~", "state")
    with open("log", "a") as f:
        f.write("%d\\n" % n)
    print("done", n)
"""


def test_what_was_said_to_be_written_is_there_after_a_power_cut(boot, tmp_path):
    """The power goes in the middle of a flash operation, every fourth of them from the first on."""
    layout = rp2.board_data("rp2040")["flash"]
    start = boot(flash=tmp_path / "start.bin")  # makes the file system
    start.leave()
    start.emulator.close()
    fresh = (tmp_path / "start.bin").read_bytes()
    confirmed = []
    for cut in range(0, 36, 4):
        flash = tmp_path / f"cut{cut}.bin"
        flash.write_bytes(fresh)
        board = boot(flash=flash, options=[f"--cut-after={cut}"])
        board.begin(ROUNDS)
        said = board.repl.said().decode()
        assert board.emulator.wait(60) == POWER_CUT
        last = max(map(int, re.findall(r"^done (\d+)\r\n", said, re.MULTILINE)), default=0)
        confirmed.append(last)
        # What was closed is there; the round that was under way may be there too, but whole.
        possible = [(n, m) for n in (last, last + 1) for m in (last, last + 1)]
        found = files.read_files(flash.read_bytes()[layout["firmware"] :])
        assert rounds(found.get("state", b""), found.get("log", b"")) in possible
    assert confirmed == sorted(confirmed) and confirmed[0] == 0 and confirmed[-1] >= 2
    board = boot(flash=flash)
    state, log = (
        board.run("print(open('state').read(), open('log').read().split(), sep='|')").strip().split("|")
    )
    assert rounds(state.encode(), "".join(f"{n}\n" for n in ast.literal_eval(log)).encode()) in possible


def rounds(state, log):
    """The round that each of the two files is from."""
    number, _, filling = state.partition(b" ")
    assert filling in (b"", b"x" * 700)
    lines = log.decode().splitlines()
    assert lines == [str(n + 1) for n in range(len(lines))]
    return int(number or 0), len(lines)


def test_the_board_reads_a_file_system_made_on_the_host_and_the_other_way_round(boot, tmp_path):
    layout = rp2.board_data("rp2040")["flash"]
    contents = {"a.txt": b"text", "lib/deep/b.bin": os.urandom(20000), "empty": b""}
    flash = tmp_path / "made.bin"
    flash.write_bytes(b"\xff" * layout["firmware"] + files.file_system(layout["files"], contents))
    board = boot(flash=flash)
    code = "import os, hashlib\nprint(open('a.txt').read(), os.stat('empty')[6],"
    code += "hashlib.sha256(open('lib/deep/b.bin', 'rb').read()).digest().hex())"
    text, empty, digest = board.run(code).split()
    assert (text, empty, digest) == ("text", "0", hashlib.sha256(contents["lib/deep/b.bin"]).hexdigest())
    board.run("os.remove('a.txt')\nwith open('lib/new', 'w') as f: f.write('of the board')")
    board.leave()
    board.emulator.close()
    found = files.read_files(flash.read_bytes()[layout["firmware"] :])
    expected = dict(contents, **{"lib/new": b"of the board"})
    del expected["a.txt"]
    assert found == expected
