# SPDX-License-Identifier: MIT
"""The storage of `msgin5g.storage`, one file a row, in a folder of the board's file system."""

import os

_ENOENT = 2


class FileStorage:
    """Rows as files below `folder`, which is made where it is missing."""

    def __init__(self, folder):
        self._folder = folder
        try:
            os.stat(folder)
        except OSError:
            os.mkdir(folder)
        for name in os.listdir(folder):
            if name.endswith("~"):  # the power went in the middle of replace()
                self.remove(name)

    def append(self, name, octets):
        with open(self._path(name), "ab") as file:
            file.write(octets)

    def read(self, name, offset, size):
        try:
            with open(self._path(name), "rb") as file:
                file.seek(offset)
                return file.read(size)
        except OSError as error:
            if error.errno == _ENOENT:
                return b""
            raise

    def replace(self, name, octets):
        # littlefs and POSIX both rename in one step, so a power cut leaves the old row or the new one
        temporary = self._path(name + "~")
        with open(temporary, "wb") as file:
            file.write(octets)
        os.rename(temporary, self._path(name))

    def remove(self, name):
        try:
            os.remove(self._path(name))
        except OSError as error:
            if error.errno != _ENOENT:
                raise

    def names(self):
        return os.listdir(self._folder)

    def _path(self, name):
        return self._folder + "/" + name
