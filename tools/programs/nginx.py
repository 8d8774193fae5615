# SPDX-License-Identifier: MIT
"""NGINX with its module for UDP, for the tests and the demo: one of their own, with a configuration that they give it.

What the machine has is taken; else Debian's packages are unpacked below .venv. They are never installed: that would
begin a service of the system.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tools.errors import UsageError
from tools.programs import debian, unprivileged
from tools.programs.begun import Begun
from tools.programs.micropython import BIN
from tools.programs.patience import finish

NAME = "NGINX"
FOLDER = BIN.parent / "unpacked" / "nginx"
PACKAGES = ("nginx", "libnginx-mod-stream")
ADVICE = (
    "Debian, Ubuntu: sudo apt install nginx libnginx-mod-stream; Homebrew: brew install nginx; elsewhere: NGINX 1.18"
    " or newer with its stream module"
)
_MODULE = "ngx_stream_module.so"
_PLACES = ("/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/etc/nginx/modules")


class NoNginx(UsageError):
    """It can't be had; the text says what to install."""


class Program(NamedTuple):
    """NGINX's program, what it is started with, and the path of its stream module, "" where that is built in."""

    path: str
    environment: dict
    module: str

    def command(self, *words):
        """To run it in the foreground, and, as whoever starts it, with no account changed."""
        module = f"load_module {self.module};" if self.module else ""
        return [self.path, "-g", f"daemon off; {module}", *map(str, words)]


def there():
    """The Program that is there, None where `provide` has to see to it."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")
    if found and (program := _program(found, {}, _PLACES)):
        return program
    root = FOLDER / "root"
    unpacked = root / "usr/sbin/nginx"
    if not unpacked.exists():
        return None
    return _program(str(unpacked), debian.libraries(root), [root / "usr/lib/nginx/modules"])


def provide(say=print):
    """Sees to it that there is a Program, and gives it. NoNginx says why there is none."""
    wanted = debian.Wanted("NGINX with its stream module", NoNginx, ADVICE)
    words = "NGINX for the tests: fetching " + " and ".join(PACKAGES)
    return debian.provided(there, PACKAGES, FOLDER, wanted, lambda: say(words))


def _program(path, more, places):
    """None where it lacks its stream module."""
    environment = {**os.environ, "LC_ALL": "C", **more}
    try:
        said = subprocess.run([path, "-V"], env=environment, capture_output=True, text=True).stderr
    except OSError:
        return None
    built_in = re.search(r"--with-stream(?!=|_)", said)
    module = next((str(Path(place, _MODULE)) for place in places if Path(place, _MODULE).exists()), "")
    return Program(path, environment, "" if built_in else module) if built_in or module else None


class Nginx(Begun):
    """One that serves what a configuration says. Its folder holds all that it writes.

    `configuration`: a text, or a function of the folder that gives one: for what names places below it. As it is
    printed for an NGINX without root: pid, logs and all else in that folder.
    """

    NAME, PREFIX, LOG = NAME, "msgin5g-nginx-", "said"
    STOPS, ENDS = signal.SIGTERM, 20  # at once, as `systemctl stop` does it

    def __init__(self, configuration, folder=None, *, program=None):
        self._program = program or provide(say=lambda text: None)
        super().__init__(folder)
        self._configuration = configuration

    def write(self, configuration):
        """Gives it another configuration, which `start` and `reload` look at."""
        self._configuration = configuration

    def check(self):
        """`nginx -t`: what it says. Raises UsageError where the configuration is wrong."""
        done = finish(
            self._command("-t"), 30, env=self._program.environment, capture_output=True, text=True, cwd="/"
        )
        if done.returncode:
            raise UsageError(f"nginx -t: {done.stderr.strip()}")
        return done.stderr

    def reload(self):
        """It takes what the configuration says now, and cuts nobody off."""
        self._command()
        self._process.send_signal(signal.SIGHUP)

    def kill(self):
        """`kill -9` of all its processes."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def _begin(self):
        with contextlib.suppress(FileNotFoundError):
            (self.folder / "nginx.pid").unlink()
        return self._command(), self._program.environment

    def _command(self, *words):
        """Its configuration is there when this returns."""
        self.folder.mkdir(parents=True, exist_ok=True)
        unprivileged.own(self.folder)
        path = self.folder / "nginx.conf"
        text = self._configuration
        path.write_text(text(self.folder) if callable(text) else text)
        return unprivileged.command(self._program.command("-p", self.folder, "-c", path, *words))

    def _is_ready(self):
        """It writes the file after it has opened all that it listens on."""
        with contextlib.suppress(OSError):
            return (self.folder / "nginx.pid").read_text().strip() == str(self._process.pid)
        return False


def main():
    """Always succeeds, as that of the peers."""
    try:
        print("NGINX: " + provide().path)
    except NoNginx as error:
        print(f"NGINX for the tests: {error}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
