# SPDX-License-Identifier: MIT
"""A program that serves, begun and ended by who needs it, in a folder that holds all that it writes."""

import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from tools.errors import UsageError
from tools.programs.patience import patiently


class Begun:
    """A context manager: it serves within its block. A subclass has its `NAME`, the `PREFIX` of a folder
    that is made for it, and its `LOG` there; it gives `_begin()`, the words and the environment to start it with,
    `_is_ready()`, and `kill()`. `folder`: one that stays; without one it is a new one, which goes with the program."""

    NAME = PREFIX = LOG = ""
    STOPS = signal.SIGTERM  # ends it in order
    STARTS, ENDS = 30, 30  # s, on a machine that is not busy

    def __init__(self, folder=None):
        self._kept = folder is not None
        self.folder = Path(folder).absolute() if folder else Path(tempfile.mkdtemp(prefix=self.PREFIX))
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

    def start(self):
        """It serves when this returns. Raises UsageError with what it said where it does not come up."""
        if self.pid:
            return
        words, environment = self._begin()
        with open(self.folder / self.LOG, "ab") as log:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd="/",
                start_new_session=True,  # Ctrl-C is for who started it, which ends it then
            )
        more = patiently(self.STARTS)
        while not self._is_ready():
            if self._process.poll() is not None or not more():
                self.kill()
                raise UsageError(f"{self.NAME} did not start: {self._last_words()}")
            time.sleep(0.02)

    def stop(self):
        """In order, as a system ends it; by force where that takes too long."""
        if self.pid:
            self._process.send_signal(self.STOPS)
            more = patiently(self.ENDS)
            while self.pid and more():
                time.sleep(0.01)
        self.kill()

    def kill(self):
        """`kill -9` of all its processes."""
        raise NotImplementedError

    def restart(self):
        self.stop()
        self.start()

    def close(self):
        """Ends it; what it wrote goes too, unless the folder was given."""
        self.stop()
        if not self._kept:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _begin(self):
        raise NotImplementedError

    def _is_ready(self):
        raise NotImplementedError

    def _last_words(self):
        return " / ".join((self.folder / self.LOG).read_text(errors="replace").splitlines()[-3:])
