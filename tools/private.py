# SPDX-License-Identifier: MIT
"""Files that hold keys: readable for their owner only, and replaced in one step."""

import os


def stage(path, octets):
    """A new file beside `path`, complete and on the disk, to be moved over it. Gives its path. Raises OSError."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
    return new


def replace(path, octets):
    """`path` has these octets, or, after an OSError, what it had before."""
    stage(path, octets).replace(path)
