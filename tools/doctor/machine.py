# SPDX-License-Identifier: MIT
"""The machine as the checks see it: its files, its programs, who we are on it. Tests put another one in its place."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_PATIENCE = 10  # s for a program that only says something


@dataclass(frozen=True)
class Said:
    """What a program said: its exit code, its standard output, and its standard error."""

    code: int
    out: str
    err: str


class Machine:
    """`root`: where its files are; `path`: where programs are looked for; `platform`: as sys.platform."""

    def __init__(self, root="/", path=None, platform=sys.platform):
        self.root = Path(root)
        self.platform = platform
        self._path = path

    @property
    def linux(self):
        return self.platform.startswith("linux")

    @property
    def is_root(self):
        return hasattr(os, "geteuid") and os.geteuid() == 0

    def file(self, name):
        """A path of this machine; `name` begins at its root."""
        return self.root / name.lstrip("/")

    def text(self, name):
        """The text of a file, None where there is none. Raises OSError where it can't be read."""
        try:
            return self.file(name).read_text(errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            return None

    def which(self, program):
        """The path of a program, None where there is none. Those of administrators are looked for too."""
        path = self._path
        if path is None:
            path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
        return shutil.which(program, path=path)

    def run(self, program, *words):
        """What a program says, None where there is no such program. It can ask nothing, and has 10 s."""
        found = self.which(program)
        if found is None:
            return None
        environment = {**os.environ, "LC_ALL": "C"}
        try:
            done = subprocess.run(
                [found, *words],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_PATIENCE,
                env=environment,
            )
        except subprocess.TimeoutExpired:
            return Said(-1, "", f"{program} gave no answer")
        return Said(done.returncode, done.stdout.strip(), done.stderr.strip())

    # ---- people and processes

    def user(self):
        """The name of who runs this, its number where it has none, as in a container."""
        import getpass

        try:
            return getpass.getuser()
        except (KeyError, OSError):
            return str(os.getuid())

    def group(self, number):
        """The name of a group, its number where it has none."""
        import grp

        try:
            return grp.getgrgid(number).gr_name
        except KeyError:
            return str(number)

    def members(self, group):
        """Who is in a group by the group database; a session that was begun before does not know it yet."""
        import grp

        try:
            return grp.getgrnam(group).gr_mem
        except KeyError:
            return []

    def users_of(self, name):
        """[("process 4711 (mpremote)", its command)] of those that have a device open, as far as this account sees."""
        from tools import held

        return held.users(self.file(name), self.file("/proc"))
