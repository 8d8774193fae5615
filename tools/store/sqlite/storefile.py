# SPDX-License-Identifier: MIT
"""The files of a store on the disk: its owner alone can read them, and one gateway at a time serves from it.

They hold the devices' keys. SQLite gives -wal and -shm the mode of the database, so that is made here, before SQLite
sees it, and whatever the umask is. The lock is on the database itself: a symbolic link, another folder or a lost lock
file lead to the same one. Closing any descriptor of a database would drop SQLite's own locks on it, which are this
process's and not the descriptor's; so the one that holds the lock is opened before SQLite's and closed after it, and
none is opened for a database that this process serves already.
"""

import os
import stat

from tools import held
from tools.store.faults import NoStore, StoreError

PRIVATE = 0o600
GENERATION = "-generation"  # see `generation`
_BESIDE = (
    "-wal",
    "-shm",
    "-journal",
    GENERATION,
    ".lock",
)  # the last one is of versions that locked beside it
_serving: set[tuple[int, int]] = set()  # (device, inode) of the databases that this process serves


def in_use(path, who):
    return StoreError(
        "%s is in use by another gateway, %s: stop that one or give another --store" % (path, who)
    )


def path_of(path):
    """The one name of a store, to which every link leads. Raises StoreError for a name that is none."""
    if not path or "\0" in path:
        raise StoreError("a store needs the name of a file: --store FILE")
    return os.path.realpath(path)


class StoreFile:
    """`path`: the one name; `made`: whether it is new; `mended`: the names of files that others could read;
    `restored`: of a store that is not the newest, what to tell."""

    def __init__(self, path, serving, create=True):
        """Raises StoreError, OSError."""
        self.path = path_of(path)
        self._asked = path
        self._descriptor = None
        self._inode = None
        self.made = False
        self.restored = None  # by Store: what `open_generation` gave
        if create:
            self.made = _create(self.path)
        elif not os.path.exists(self.path):
            raise NoStore(
                "there is no store %s: name the gateway's own with --store FILE (msgin5g provision makes a new one)"
                % path
            )
        if not stat.S_ISREG(os.stat(self.path).st_mode):
            raise StoreError("%s is no file: give another --store FILE" % path)
        if serving:
            self._lock()
        try:
            self.mended = [name for name in map(self.path.__add__, ("", *_BESIDE)) if _mended(name)]
            if os.stat(self.path).st_nlink > 1:
                raise StoreError(
                    "%s has another name (a hard link), and what SQLite keeps beside it goes by the name: two of them"
                    " lose messages. Remove the other name, or make it a copy" % path
                )
        except BaseException:
            self.close()
            raise

    def _lock(self):
        found = os.stat(self.path)
        inode = (found.st_dev, found.st_ino)
        if inode in _serving:
            raise in_use(self._asked, "process %d, this one" % os.getpid())
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            held.hold(self._descriptor)
            self._older_version()
        except held.Held as who:
            os.close(self._descriptor)
            raise in_use(self._asked, who) from None
        except BaseException:
            os.close(self._descriptor)
            raise
        self._inode = inode
        _serving.add(inode)

    def _older_version(self):
        """A gateway of an earlier version locks a file beside the store; one that nobody holds is of no use."""
        beside = self.path + ".lock"
        try:
            descriptor = os.open(beside, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return
        try:
            held.hold(descriptor)
            os.unlink(beside)
        finally:
            os.close(descriptor)

    def news(self):
        """What its owner should hear, as (event, its fields)."""
        if self.made:
            yield "store-made", {"store": self.path}
        if self.mended:
            yield "store-mended", {"files": ", ".join(self.mended)}
        if self.restored:
            yield "store-restored", {"store": self.path, **self.restored}

    def check(self):
        """After SQLite has opened it: it must be the file that was looked at. Raises StoreError."""
        if self._descriptor is not None and not self.in_place():
            raise StoreError("%s was replaced while it was opened: try again" % self._asked)

    def in_place(self):
        """Whether the file that is served is still the one of that name."""
        try:
            found = os.stat(self.path)
        except OSError:
            return False
        return self._inode is None or (found.st_dev, found.st_ino) == self._inode

    def remove(self):
        """Takes back a closed store that was made in vain, unless a gateway serves from it meanwhile."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            held.hold(descriptor)
            os.unlink(self.path)
        except held.Held:
            pass
        finally:
            os.close(descriptor)

    def close(self):
        """After SQLite's own descriptors are closed."""
        if self._descriptor is not None:
            _serving.discard(self._inode)
            os.close(self._descriptor)
            self._descriptor = None


def _create(path):
    """Makes an empty file that its owner alone can read; False where there is one."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
    except FileExistsError:
        return False
    os.fchmod(descriptor, PRIVATE)  # a umask may have taken more than it should
    os.close(descriptor)  # it is new: no other part of this process has it open
    return True


def _mended(path):
    """Takes other accounts' rights from a file; whether there were any. Raises StoreError for one of theirs."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return False
    if os.geteuid() not in (0, found.st_uid):
        raise StoreError(
            "%s belongs to another account of this machine, which could read the keys in it: give another --store"
            " FILE, or have it moved away" % path
        )
    if stat.S_ISLNK(found.st_mode) or not found.st_mode & 0o077:
        return False
    os.chmod(path, PRIVATE)
    return True
