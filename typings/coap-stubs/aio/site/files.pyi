# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Files as responses. Imported when `coap.aio.File` is asked for."""

class File:
    """What a handler returns to answer with the content of a file: in blocks, read piece by piece.

    Its ETag is that of the route's `etag`, or made of size and time of the last change. A board has that time in
    seconds, if its clock is right: where files change and keep their size, give the route an `etag`. `content_format`
    is told by the end of the name where it is not given, octets where that says nothing. A file that is not there is
    answered with 4.04, one that may not be read with 4.03.
    """
    path: str
    content_format: int | None
    def __init__(self, path: str, content_format: int | None=None) -> None: ...
    def tag(self) -> bytes:
        """Return the ETag of what is there now. Raise Failure."""
    def read(self, size: int=-1) -> bytes:
        """Read as a file does."""
    def seek(self, offset: int, whence: int=0) -> int:
        """Seek as a file does."""
    def tell(self) -> int:
        """Return where it stands, as a file does."""
    def close(self) -> None:
        """Close the file, where it was opened."""
