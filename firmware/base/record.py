# SPDX-License-Identifier: MIT
"""Which slot runs, and which is on trial: the file slots/now (docs/flash-format.md). Nobody else reads or writes it."""

import json
import os

_FOLDER = "slots"
_FILE = "slots/now"
_MOST = 1024  # octets of it


def load() -> dict:
    """Return the record. A member that is missing, or has another type than it ought to, is as with a device that was
    never updated; one that is not known stays in it. Raise nothing that a storage can cause."""
    record = {
        "now": "",
        "try": "",
        "left": 0,
        "trial": 600,
        "confirm": False,
        "kind": "app",
        "id": "",
        "why": "",
    }
    try:
        with open(_FILE, "rb") as file:
            octets = file.read(_MOST + 1)
        found = json.loads(str(octets, "utf-8")) if len(octets) <= _MOST else None
    except (OSError, ValueError, RuntimeError):  # the last of these: brackets within brackets, on CPython
        found = None
    if isinstance(found, dict):
        for name in found:
            if name not in record or type(found[name]) is type(record[name]):
                record[name] = found[name]
    if record["now"] not in ("", "a", "b"):
        record["now"] = ""
    if record["try"] not in ("a", "b", "config", "image") or record["try"] == record["now"]:
        record["try"] = ""
    return record


def save(record: dict) -> None:
    """Have all of the new record or, after a power cut, all of the old one. Raise OSError, and ValueError for a record
    that is too long."""
    octets = json.dumps(record).encode()
    if len(octets) > _MOST:
        raise ValueError("the record has %d octets, %d at most" % (len(octets), _MOST))
    try:
        os.mkdir(_FOLDER)
    except OSError:
        pass  # it is there
    # littlefs and POSIX rename in one step
    with open(_FILE + "~", "wb") as file:
        file.write(octets)
        file.flush()
    os.rename(_FILE + "~", _FILE)


def there(path: str) -> bool:
    """Return whether there is such a file or folder."""
    try:
        os.stat(path)
        return True
    except OSError:
        return False
