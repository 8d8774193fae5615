# SPDX-License-Identifier: MIT
"""Files that hold keys: readable for their owner only, and replaced in one step."""

import os
import stat


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


def mend(path):
    """Takes other accounts' rights from a file with keys; whether there were any. Nothing for one that is not ours."""
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode) or not mode & 0o077:
            return False
        os.chmod(path, 0o600)
    except OSError:
        return False
    return True


MENDED = "other accounts of this machine could read {}: not any more (mode 0600)"
