# SPDX-License-Identifier: MIT
"""A storage in files, for tests whose heap must not hold what a board has on flash."""

import binascii
import os


class Folder:
    """A FileStorage in a folder of its own, which goes away with what is in it."""

    def __enter__(self):
        # late: the package comes with the runner, and the heap has room for that only once all else stands
        from device.storage import FileStorage

        self._path = "/tmp/msgin5g-test-" + str(binascii.hexlify(os.urandom(6)), "ascii")
        self._storage = FileStorage(self._path)
        return self._storage

    def __exit__(self, *error):
        for name in self._storage.names():
            self._storage.remove(name)
        os.rmdir(self._path)
