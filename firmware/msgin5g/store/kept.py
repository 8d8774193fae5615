# SPDX-License-Identifier: MIT
"""A small file of a procedure that outlives a restart: a line with its version, then a JSON list of lists
(docs/flash-format.md). Imported by the first procedure that has one."""

from coap.compat import json_octets

from .storage import discard, loads


class Kept:
    """The file `name`, of at most `longest` octets, in this version. One of a newer version, or one that cannot be
    read, is left alone."""

    def __init__(self, storage, name, version, longest):
        self._storage = storage
        self._name = name
        self._version = version
        self._longest = longest
        self.newer = False  # whether newer firmware has written it
        self._unread = None  # what the storage said where it could not be read

    def read(self):
        """Return the lists in it. What is not understood there is skipped: it must not keep the device from
        starting."""
        try:
            octets = self._storage.read(self._name, 0, self._longest)
        except OSError as error:
            self._unread = error.args or (0,)
            return []
        head, line, rest = octets.partition(b"\n")
        try:
            if line:
                self.newer = int(head) > self._version
            rows = () if self.newer else loads(rest if line else head)
        except ValueError:
            return []
        return [row for row in rows if isinstance(row, list) and row] if isinstance(rows, list) else []

    def write(self, rows):
        """Write these lists in its place; remove it where there are none. Raise OSError."""
        if self._unread:
            raise OSError(*self._unread)
        if self.newer:
            return
        if rows:
            self._storage.replace(self._name, b"%d\n" % self._version + json_octets(rows))
        else:
            discard(self._storage, self._name)
