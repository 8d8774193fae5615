# SPDX-License-Identifier: MIT
"""Packages of npm that a folder's package.json names, for programs in JavaScript that tests and tools start."""

import fcntl
import json
import shutil
import subprocess

from tools.errors import UsageError

ADVICE = "Debian, Ubuntu: sudo apt install nodejs npm; Homebrew: brew install node; or https://nodejs.org"
NEEDED = 18


def provide(folder, what, say=print):
    """Sees to it that the folder's programs can be started; UsageError says what is missing. Quick the second time.

    `what` are words for what they are: "the emulator".
    """
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise UsageError(f"{program} is missing, which {what} needs. {ADVICE}")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip()
    if not version.startswith("v") or int(version[1:].split(".")[0]) < NEEDED:
        raise UsageError(f"Node {NEEDED} or newer is needed; node says {version or 'nothing'}. {ADVICE}")
    with (folder / "package.json").open() as file:
        # npm ci begins by removing what is there: of two at once the other one waits, and finds all of it.
        fcntl.flock(file, fcntl.LOCK_EX)
        _install(folder, what, json.load(file)["dependencies"], say)


def _install(folder, what, wanted, say):
    if all(_installed(folder, name) == version for name, version in wanted.items()):
        return
    say(f"fetching what {what} is built on: " + ", ".join(wanted))
    command = ["npm", "ci", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise UsageError(f"npm ci failed in {folder}: {' '.join(said)}")


def _installed(folder, name):
    try:
        return json.loads((folder / "node_modules" / name / "package.json").read_text())["version"]
    except (OSError, ValueError, KeyError):
        return None
