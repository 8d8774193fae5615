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
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tools.errors import UsageError
from tools.programs import debian, unprivileged
from tools.programs.micropython import BIN
from tools.programs.patience import finish, patiently
from tools.words import in_words

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
    libraries = {str(path.parent) for top in ("lib", "usr/lib") for path in (root / top).rglob("lib*.so*")}
    more = {"LD_LIBRARY_PATH": ":".join(sorted(libraries))}
    return _program(str(unpacked), more, [root / "usr/lib/nginx/modules"])


def provide(say=print):
    """Sees to it that there is a Program, and gives it. NoNginx says why there is none."""
    found = there()
    if found:
        return found
    if not debian.available():
        raise NoNginx(f"there is no NGINX with its stream module, and no apt on this system. {ADVICE}")
    say("NGINX for the tests: fetching " + " and ".join(PACKAGES))
    try:
        debian.unpack_tree(PACKAGES, FOLDER)
    except (debian.PackageError, OSError) as error:
        shutil.rmtree(FOLDER, ignore_errors=True)  # half of it is none
        raise NoNginx(f"there is no NGINX ({in_words(error)}). {ADVICE}") from None
    found = there()
    if found is None:
        raise NoNginx(f"the packages of this release hold no NGINX with its stream module. {ADVICE}")
    return found


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


class Nginx:
    """One that serves what a configuration says. Its folder holds all that it writes.

    `configuration`: a text, or a function of the folder that gives one: for what names places below it. As it is
    printed for an NGINX without root: pid, logs and all else in that folder.
    """

    def __init__(self, configuration, folder=None, *, program=None):
        self._program = program or provide(say=lambda text: None)
        self._kept = folder is not None
        self.folder = Path(folder).absolute() if folder else Path(tempfile.mkdtemp(prefix="msgin5g-nginx-"))
        self._configuration = configuration
        self._process = None

    def __enter__(self):
        try:
            self.start()
        except UsageError:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def pid(self):
        """The number of its first process, None where it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

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

    def start(self):
        """It listens when this returns. Raises UsageError with what it said where it does not come up."""
        if self.pid:
            return
        with contextlib.suppress(FileNotFoundError):
            (self.folder / "nginx.pid").unlink()
        with open(self.folder / "said", "ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._program.environment,
                cwd="/",
                start_new_session=True,  # Ctrl-C is for who started it, which ends it then
            )
        more = patiently(30)
        while not self._is_ready():
            if self._process.poll() is not None or not more():
                self.kill()
                raise UsageError(f"NGINX did not start: {self._last_words()}")
            time.sleep(0.02)

    def reload(self):
        """It takes what the configuration says now, and cuts nobody off."""
        self._command()
        self._process.send_signal(signal.SIGHUP)

    def stop(self):
        """At once, as `systemctl stop` does it."""
        if self.pid:
            self._process.terminate()
            more = patiently(20)
            while self.pid and more():
                time.sleep(0.01)
        self.kill()

    def kill(self):
        """`kill -9` of all its processes."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def restart(self):
        self.stop()
        self.start()

    def close(self):
        """Ends it; what it wrote goes too, unless the folder was given."""
        self.stop()
        if not self._kept:
            shutil.rmtree(self.folder, ignore_errors=True)

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

    def _last_words(self):
        return " / ".join((self.folder / "said").read_text(errors="replace").splitlines()[-3:])


def main():
    """Always succeeds, as that of the peers."""
    try:
        print("NGINX: " + provide().path)
    except NoNginx as error:
        print(f"NGINX for the tests: {error}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
