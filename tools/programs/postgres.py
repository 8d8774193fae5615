# SPDX-License-Identifier: MIT
"""PostgreSQL, for the tests and the demo: a server of their own, in a folder of its own, that they start and end.

What the machine has is taken; else Debian's packages are unpacked below .venv. They are never installed: that would
begin a service of the system. Nothing here touches one that runs already.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path
from typing import NamedTuple

import psutil

from tools.errors import UsageError
from tools.programs import debian, unprivileged
from tools.programs.begun import Begun
from tools.programs.micropython import BIN
from tools.programs.patience import finish, patiently

NAME = "PostgreSQL"
FOLDER = BIN.parent / "unpacked" / "postgresql"
AT_LEAST = 13
USER = "msgin5g"
ADVICE = (
    f"Debian, Ubuntu: sudo apt install postgresql; Homebrew: brew install postgresql; {AT_LEAST} or newer"
)
_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
_LONGEST_SOCKET = 100  # octets of its path; systems take 103 to 107
# Nothing here outlives the machine: what a process wrote, the system has, and a `kill -9` loses none of it.
_QUICK = {"fsync": "off", "full_page_writes": "off"}


class NoPostgres(UsageError):
    """It can't be had; the text says what to install."""


class Programs(NamedTuple):
    """The folder of PostgreSQL's programs, its version, and what they are started with."""

    folder: Path
    version: int
    environment: dict

    def command(self, name, *words):
        return [str(self.folder / name), *map(str, words)]

    def run(self, name, *words, input=None, seconds=60):
        """What a program of it wrote. Raises UsageError with its own words where it failed."""
        done = finish(
            self.command(name, *words), seconds, input, env=self.environment, capture_output=True, text=True
        )
        if done.returncode:
            raise UsageError(f"{name}: {done.stderr.strip() or f'exit code {done.returncode}'}")
        return done.stdout


def there():
    """The Programs that are there, None where `provide` has to see to it. The newest are taken."""
    found = [Path(path).parent for place in _PLACES for path in sorted(Path("/").glob(place[1:] + "/initdb"))]
    on_path = shutil.which("initdb")
    found += [Path(on_path).resolve().parent] if on_path else []
    known = [_programs(folder, {}) for folder in found]
    if not any(known):
        known = [
            _programs(path.parent, debian.libraries(FOLDER / "root"))
            for path in FOLDER.glob("root/usr/lib/postgresql/*/bin/initdb")
        ]
    return max(filter(None, known), key=lambda programs: programs.version, default=None)


def provide(say=print):
    """Sees to it that there are Programs, and gives them. NoPostgres says why there are none."""
    wanted = debian.Wanted(f"PostgreSQL {AT_LEAST} or newer", NoPostgres, ADVICE)
    words = "PostgreSQL for the tests: fetching postgresql"
    return debian.provided(there, ["postgresql"], FOLDER, wanted, lambda: say(words))


def _programs(folder, more):
    """None where they lack one or are too old. What the account has set for clients of its own does not count."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    environment |= {"LC_ALL": "C", "TZ": "UTC", **more}
    if not all((folder / name).exists() for name in ("initdb", "postgres", "psql")):
        return None
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"], env=environment, capture_output=True, text=True
        ).stdout
    except OSError:
        return None
    version = re.search(r"(\d+)", said)
    if version is None or int(version[1]) < AT_LEAST:
        return None
    return Programs(folder, int(version[1]), environment)


class Cluster(Begun):
    """A server of its own, at a socket in its folder; with `port`, on that port of 127.0.0.1 as well.

    `folder` is made where it is not there, and stays; without one it is a new one, which goes with the server.
    Whoever may enter the folder is let in. `durable`: as on a real machine, where a COMMIT waits for the disk;
    `settings`: more of postgresql.conf.
    """

    NAME, PREFIX, LOG = NAME, "msgin5g-pg-", "log"
    STOPS, STARTS = (
        signal.SIGINT,
        60,
    )  # what is under way is undone, all connections are cut, and all is on the disk

    def __init__(self, folder=None, *, port=None, durable=False, programs=None, settings=None):
        self._programs = programs or provide(say=lambda text: None)
        super().__init__(folder)
        self.port = port or 5432  # without one it is but a part of the name of the socket
        self._settings = {
            "listen_addresses": "127.0.0.1" if port else "",
            "port": self.port,
            "unix_socket_directories": self.folder,
            **({} if durable else _QUICK),
            **(settings or {}),
        }
        self._made = 0

    @property
    def programs(self):
        return self._programs

    def uri(self, database="postgres", over_tcp=False):
        """What a client is given."""
        if over_tcp:
            return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"
        where = urllib.parse.quote(str(self.folder), safe="/")
        return f"postgresql://{USER}@/{database}?host={where}&port={self.port}"

    def kill(self):
        """`kill -9` of all its processes at once, as where the machine dies."""
        if self._process is None:
            return
        try:
            first = psutil.Process(self._process.pid)
            family = [first, *first.children(recursive=True)] if self.pid else []
        except psutil.NoSuchProcess:
            family = []
        for process in family:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self._process.wait()
        more = patiently(30)
        while any(map(_is_there, family[1:])) and more():  # they hold its memory, which the next one needs
            time.sleep(0.005)
        self._process = None

    def close(self):
        """Ends it; what it held goes too, unless the folder was given: nobody needs an order in that."""
        if not self._kept:
            self.kill()
        super().close()

    def sql(self, text, database="postgres"):
        """What psql gives: a line a row, columns with | between them."""
        return self.run(
            "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-f", "-", database=database, input=text
        ).strip()

    def run(self, program, *words, database="postgres", **more):
        """A client's program (pg_dump, psql) on a database of it."""
        return self._programs.run(program, *words, "-d", self.uri(database), **more)

    def create(self, name=None, template="template1"):
        """A database, as the template is; its name. Nobody may be connected to the template meanwhile."""
        self._made += 1
        name = name or f"db{self._made}"
        # As files, not by way of the log: quicker, with a small template and no fsync. Older ones have no choice.
        how = " STRATEGY file_copy" if self._programs.version >= 15 else ""
        self.sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"{how}')
        return name

    def drop(self, name):
        self.sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    @property
    def _data(self):
        return self.folder / "data"

    def _begin(self):
        self._make()
        options = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        words = self._programs.command("postgres", "-D", self._data, *options)
        return unprivileged.command(words), self._programs.environment

    def _make(self):
        if (self._data / "PG_VERSION").exists():
            return
        if len(os.fsencode(self.folder)) + len("/.s.PGSQL.65535") > _LONGEST_SOCKET:
            raise UsageError(f"the name of {self.folder} is too long for a socket: take another folder")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unprivileged.own(self.folder)
        words = ["-D", self._data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        done = finish(
            unprivileged.command(self._programs.command("initdb", *words)),
            120,
            env=self._programs.environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise UsageError(f"initdb: {' / '.join((done.stderr or done.stdout).splitlines()[-3:])}")

    def _is_ready(self):
        """By the line of its file that says so: to ask takes a process each time. One that was killed left its own."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[0] == str(self._process.pid) and lines[7].strip() == "ready"


def _is_there(process):
    """Whether it runs; what nobody has asked for its exit code does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def main():
    """Always succeeds, as that of the peers."""
    try:
        found = provide()
        print(f"PostgreSQL {found.version}: {found.folder}")
    except NoPostgres as error:
        print(f"PostgreSQL for the tests: {error}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
