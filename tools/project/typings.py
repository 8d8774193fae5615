# SPDX-License-Identifier: MIT
"""What a port of MicroPython offers, as type stubs: for a check of what a board and its links ask of it.

    python -m tools.project.typings

puts them into build/typings. An editor that is pointed there completes and checks, too.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build/typings"
LINKS = [ROOT / "firmware/device/links" / name for name in ("__init__.py", "serial.py", "slipmux.py")]
RADIO = [ROOT / "firmware/device/links" / name for name in ("udp.py", "wifi.py", "espnow.py")]
# board: (package, what is checked against it)
BOARDS = {
    "esp32": ("micropython-esp32-stubs", [ROOT / "boards/esp32/board.py", *LINKS, *RADIO]),
    "rp2040": ("micropython-rp2-stubs", [ROOT / "boards/rp2040/board.py", *LINKS]),
}
# The oldest MicroPython that will do, which may lack something newer, and the newest, where something may be gone.
VERSIONS = {
    ("esp32", "1.25"): "1.25.0.post5",
    ("esp32", "1.29"): "1.29.0.post1",
    ("rp2040", "1.25"): "1.25.0.post3",
    ("rp2040", "1.29"): "1.29.0.post1",
}
# Attributes that are None until a link is open, and lists that begin empty: without annotations mypy can't know better.
_UNKNOWABLE = ("union-attr", "var-annotated")


def provide(board, version):
    """The folder of the stubs. Raises UsageError where pip can't have them."""
    folder = FOLDER / f"{board}-{version}"
    if not folder.exists():
        wanted = f"{BOARDS[board][0]}=={VERSIONS[board, version]}"
        print(f"Type stubs: fetching {wanted}", flush=True)
        new = folder.with_name(f".{folder.name}.{os.getpid()}")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run([*command, "--target", new, wanted], capture_output=True, text=True)
        if done.returncode:
            shutil.rmtree(new, ignore_errors=True)
            raise UsageError(f"pip can't have {wanted}: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
        try:
            new.rename(folder)
        except OSError:  # another run was first
            shutil.rmtree(new)
    return folder


def errors(board: str, version: str, files: list[Path] | None = None) -> list[str]:
    """What mypy finds in the board's files (or in `files`), lines "PATH:LINE: error: ...", and not in the stubs."""
    stubs = provide(board, version)
    names = [str(file) for file in files or BOARDS[board][1]]
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file",
        os.devnull,
        "--no-site-packages",
        "--no-color-output",
    ]
    command += [
        "--custom-typeshed-dir",
        stubs,
        "--cache-dir",
        os.devnull,
        "--check-untyped-defs",
    ]
    command += [
        "--follow-imports=silent",
        "--show-absolute-path",
        "--no-error-summary",
        "--hide-error-context",
    ]
    # No cache: with one, mypy 2.4 does not tell of a mistake a second time.
    for code in _UNKNOWABLE:
        command += ["--disable-error-code", code]
    environment = {
        **os.environ,
        "MYPYPATH": os.pathsep.join((str(stubs), str(ROOT / "firmware"), str(ROOT / "boards" / board))),
    }
    done = subprocess.run([*command, *names], capture_output=True, text=True, env=environment, cwd=ROOT)
    if done.returncode not in (0, 1):
        raise UsageError(f"mypy does not work: {(done.stderr or done.stdout).strip()}")
    lines = [line for line in done.stdout.splitlines() if re.search(r": error: ", line)]
    return [line for line in lines if line.split(":")[0] in names]


def main():
    try:
        for board, version in VERSIONS:
            provide(board, version)
    except UsageError as error:  # the test says so too
        print(f"Type stubs: {error}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
