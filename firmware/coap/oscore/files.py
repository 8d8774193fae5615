# SPDX-License-Identifier: MIT
"""A storage that is a folder of the board's file system, for OSCORE and for who keeps messages beside its numbers."""

import os

from ..compat import const

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from contracts import Octets

_ENOENT = const(2)
# Of a host: what was written is lost in a power cut until the disk was told to keep it, which takes the name of a file
# apart from its octets. On a board, and on MicroPython's unix port, flush() does it.
_fsync = getattr(os, "fsync", None)
_rename = getattr(os, "replace", os.rename)  # on Windows the latter writes over nothing

# (path, file) that more is expected for. One for all storages: where one follows another on a folder, what the former
# left open must not come to write over what the latter wrote.
_kept: "Any" = [None, None]


class FileStorage:
    """Files below `folder`, which is made where it is missing, also after an application has deleted it."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        if _kept[0] is not None and _kept[0].startswith(folder):
            _let_go()
        try:
            try:
                os.stat(folder)
            except OSError:
                os.mkdir(folder)
            for name in os.listdir(folder):
                if name.endswith("~"):  # the power went in the middle of replace()
                    self.remove(name)
        except OSError:
            pass  # each call raises it again

    def append(self, name: str, octets: "Octets", more: bool = False) -> int | None:
        """Add at the end of a file, made where it is new; return its length.

        With `more` a power cut may take the octets until the next append to this file without it, which may be of none.
        The file stays open: littlefs goes on within its last block, which else it copies into a new one each time.
        """
        path = self._path(name)
        try:
            if more or _kept[0] == path:
                size = self._write_on(path, octets, more)
                begun = not more
            else:
                size = self._write(self._opened(path, "ab"), octets)
                begun = not octets or size == len(octets)  # of none: it may have been made by `more`
            if begun:
                self._settle()
            return size
        except (OSError, MemoryError):
            self._forget(path, 0)  # a full file system may have had room for the name of the file only
            raise

    def read(self, name: str, offset: int, size: int) -> bytes:
        """Return up to `size` octets from `offset`."""
        try:
            with open(self._closed(name), "rb") as file:
                file.seek(offset)
                return file.read(size)
        except OSError as error:
            if error.errno == _ENOENT:
                return b""
            raise

    def replace(self, name: str, octets: "Octets") -> None:
        """Have all of the new file or, after a power cut, all of the old one."""
        # littlefs and POSIX both rename in one step, so a power cut leaves the old file or the new one
        temporary = self._path(name + "~")
        try:
            self._write(self._opened(temporary, "wb"), octets)
            _rename(temporary, self._closed(name))
            self._settle()
        except (OSError, MemoryError):
            self._forget(temporary, None)
            raise

    def _opened(self, path, mode):
        try:
            file = open(path, mode)
        except OSError as error:
            if error.errno != _ENOENT:
                raise
            os.mkdir(self._folder)
            file = open(path, mode)
        file.seek(0, 2)  # where nothing is written it tells its length, too
        return file

    def _write(self, file, octets):
        with file:
            file.write(octets)
            file.flush()
            if _fsync:
                _fsync(file.fileno())
            return file.tell()

    def _write_on(self, path, octets, more):
        """Write to the file that is kept open; it stays so where `more` is expected and nothing failed."""
        if _kept[0] != path:
            _let_go()
            _kept[1] = self._opened(path, "ab")
            _kept[0] = path
        file = _kept[1]
        stays = False
        try:
            file.write(octets)
            if not more:
                file.flush()
                if _fsync:
                    _fsync(file.fileno())
            size = file.tell()
            stays = more
            return size
        finally:
            if not stays:
                _let_go()

    def _settle(self):
        """Have the disk of a host keep the names in the folder, too."""
        if _fsync and os.name == "posix":
            folder = os.open(self._folder, os.O_RDONLY)
            try:
                _fsync(folder)
            finally:
                os.close(folder)

    def _forget(self, path, size):
        """Remove the file that a failed write left: only one of this size, or one of any."""
        try:
            if size is None or os.stat(path)[6] == size:
                os.remove(path)
        except OSError:
            pass  # there is none

    def remove(self, name: str) -> None:
        """Remove a file, where it is there."""
        try:
            os.remove(self._closed(name))
        except OSError as error:
            if error.errno != _ENOENT:
                raise

    def names(self) -> list[str]:
        """Return the names of all files."""
        try:
            return os.listdir(self._folder)
        except OSError as error:
            if error.errno == _ENOENT:
                return []
            raise

    def _path(self, name):
        return self._folder + "/" + name

    def _closed(self, name):
        """Return the path of a file that is not, or not any more, kept open."""
        path = self._path(name)
        if _kept[0] == path:
            _let_go()
        return path


def _let_go():
    """Close the file that is kept open. Where that fails, who appends to it next sees by its length what is lost."""
    file = _kept[1]
    _kept[0] = _kept[1] = None
    if file is not None:
        try:
            file.close()
        except OSError:
            pass
