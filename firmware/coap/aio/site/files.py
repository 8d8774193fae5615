# SPDX-License-Identifier: MIT
"""Files as responses. Imported when `coap.aio.File` is asked for."""

import os

from ... import numbers
from ...compat import const
from .failure import Failure

_TYPING = const(False)
if _TYPING:
    from typing import Any

# ENOENT, ENOTDIR, EISDIR; and EINVAL, ENAMETOOLONG (of Linux and littlefs, of macOS): no file can have that name
_NONE = (2, 20, 21, 22, 36, 63)
_FORBIDDEN = (1, 13)  # EPERM, EACCES
_DIRECTORY = const(0x4000)
_LAST = const(0xFFFFFFFF)  # octets of a number that fit
_OCTETS = const(42)  # application/octet-stream
# Content-Formats by what a name ends with (RFC 7252 section 12.3, and the registry)
_FORMATS = {"txt": 0, "gif": 21, "jpg": 22, "png": 23, "xml": 41, "json": 50, "cbor": 60}


class File:
    """What a handler returns to answer with the content of a file: in blocks, read piece by piece.

    Its ETag is that of the route's `etag`, or made of size and time of the last change. A board has that time in
    seconds, if its clock is right: where files change and keep their size, give the route an `etag`. `content_format`
    is told by the end of the name where it is not given, octets where that says nothing. A file that is not there is
    answered with 4.04, one that may not be read with 4.03.
    """

    def __init__(self, path: str, content_format: int | None = None) -> None:
        self.path = path
        if content_format is None:
            _, dot, ending = path.rpartition(".")
            content_format = _FORMATS.get(dot and ending.lower(), _OCTETS)
        self.content_format = content_format
        self._file: "Any" = None

    def tag(self) -> bytes:
        """Return the ETag of what is there now. Raise Failure."""
        try:
            status = os.stat(self.path)
        except (OSError, ValueError) as error:
            raise _failure(error)
        if status[0] & 0xF000 == _DIRECTORY:
            raise Failure(numbers.NOT_FOUND)
        changed = getattr(status, "st_mtime_ns", 0) or int(status[8])  # MicroPython has seconds
        return (status[6] & _LAST).to_bytes(4, "big") + (changed & _LAST).to_bytes(4, "big")

    def read(self, size: int = -1) -> bytes:
        """Read as a file does."""
        return self._opened().read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Seek as a file does."""
        return self._opened().seek(offset, whence)

    def tell(self) -> int:
        """Return where it stands, as a file does."""
        return self._opened().tell()

    def close(self) -> None:
        """Close the file, where it was opened."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _opened(self):
        if self._file is None:
            try:
                self._file = open(self.path, "rb")
            except (OSError, ValueError) as error:
                raise _failure(error)
        return self._file


def _failure(error):
    number = getattr(error, "errno", None)
    if number in _NONE or not isinstance(error, OSError):  # CPython: no name has a NUL in it
        return Failure(numbers.NOT_FOUND)
    return Failure(numbers.FORBIDDEN) if number in _FORBIDDEN else error
