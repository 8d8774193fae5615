# SPDX-License-Identifier: MIT
"""One owner at a time of a file or a folder: a lock on the thing itself, by whatever name it is opened.

The lock (flock) belongs to the open descriptor: a program that takes the place of this one, or a child that is given
the descriptor, goes on holding it, and it ends with the last of them, however that ends.
"""

import fcntl
import os

_LONGEST = 120  # characters of a command


class Held(Exception):
    """Somebody else has it; the text names who: "process 4711 (msgin5g gateway)"."""


def hold(descriptor):
    """Locks what the descriptor is open on. Raises Held, and OSError where the file system knows no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Held(holder(descriptor)) from None


def hold_folder(path):
    """A descriptor that holds the folder, until it is closed. Raises Held, OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        hold(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def holder(descriptor):
    """In words, who holds the lock on what the descriptor is open on, as far as this system tells."""
    wanted = os.fstat(descriptor)
    for pid in sorted((name for name in _listed("/proc") if name.isdecimal()), key=int):
        for number in _listed(f"/proc/{pid}/fd"):
            try:
                found = os.stat(f"/proc/{pid}/fd/{number}")
                if (found.st_dev, found.st_ino) != (wanted.st_dev, wanted.st_ino):
                    continue
                with open(f"/proc/{pid}/fdinfo/{number}") as file:
                    locked = "FLOCK" in file.read()
            except OSError:  # it ended meanwhile, or is another account's
                continue
            if locked:
                return _named(pid)
    return "another program"


def users(path, processes="/proc"):
    """[(who it is in words, its whole command)] of each process but this one that has the file or device open, as far
    as this system tells."""
    wanted = os.stat(path)
    found = []
    for pid in sorted((name for name in _listed(processes) if name.isdecimal()), key=int):
        for number in _listed(f"{processes}/{pid}/fd"):
            try:
                opened = os.stat(f"{processes}/{pid}/fd/{number}")
            except OSError:
                continue
            if (opened.st_dev, opened.st_ino) == (wanted.st_dev, wanted.st_ino) and int(pid) != os.getpid():
                found.append((_named(pid, processes), _command(pid, processes)))
                break
    return found


def _named(pid, processes="/proc"):
    words = _command(pid, processes)
    return f"process {pid}" + (f" ({words[:_LONGEST]})" if words else "")


def _command(pid, processes):
    try:
        with open(f"{processes}/{pid}/cmdline", "rb") as file:
            words = file.read().rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        words = ""
    return "".join(character if character.isprintable() else "?" for character in words)


def _listed(folder):
    try:
        return os.listdir(folder)
    except OSError:
        return ()
