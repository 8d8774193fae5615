# SPDX-License-Identifier: MIT
"""The keys of ESP-NOW: a device has them in its configuration, the gateway's radio gets the file that they are in.

The file is JSON: `pmk`, the same for all who talk with that radio, and `lmk`, for each device one of its own. What is
missing in it is made. It is written before a device gets its keys, so that a run that was cut off is run again.
"""

import contextlib
import fcntl
import json
import os
import secrets
from pathlib import Path

from tools import private
from tools.errors import UsageError
from tools.provision import settings
from tools.words import why

SCHEME = "l3+espnow:"
SECTION = "espnow"
SIZE = 16  # octets (esp_now.h, ESP_NOW_KEY_LEN)
BARE = "ESP-NOW without keys: anyone in range can read, change and forge; --espnow FILE makes some"


def refuse(path, peers, files):
    """Raises UsageError for what can't be: `peers` that no device can have, a file of keys at `path` that is for none
    of them, or is one of the `files` that configurations go to.
    """
    peers = [peer for peer in peers if peer.startswith(SCHEME)]
    for peer in peers:
        if not _is_station(peer[len(SCHEME) :].removeprefix("//").rstrip("/")):
            raise UsageError(
                f"--peer {peer} must name the MAC address of one station: {SCHEME}//a0b1c2d3e4f5"
            )
    if path is None:
        return
    if not peers:
        raise UsageError(f"--espnow is for a --peer {SCHEME}//MAC, and there is none")
    if Path(path).resolve() in [Path(file).resolve() for file in files]:
        raise UsageError(
            f"--espnow {path}: a device's configuration goes there; name another file for all keys"
        )


def give(wanted, found, path, force=False):
    """Puts keys into the settings `wanted`: those of the file at `path`, or without one those that the device has in
    `found`. Gives a sentence for the person who waits, None where there is no ESP-NOW. Raises UsageError.
    """
    if not wanted["peer"].startswith(SCHEME):
        return None
    ue = wanted.get("ue_service_id") or wanted.get("ue_id")
    kept = _kept(ue, found)
    if path is None:
        if kept is None:
            return BARE
        pmk, lmk = kept
        said = "the keys of ESP-NOW are kept"
    else:
        with _alone(Path(path)):
            pmk, lmk, said = _of_file(path, ue, kept, force)
    wanted[SECTION] = {**wanted.get(SECTION, {}), "pmk": pmk, "lmk": lmk}
    return said


def _of_file(path, ue, kept, force):
    """PMK and LMK of this device, in the file from now on; a sentence."""
    known = _load(path)
    before = json.dumps(known)
    pmk = known.setdefault("pmk", kept[0] if kept else secrets.token_hex(SIZE))
    lmk = None if force else known["lmk"].get(ue) or (kept[1] if kept and kept[0] == pmk else None)
    said = "ESP-NOW: the keys of %s" if lmk else "ESP-NOW: a new key, in %s for the gateway's radio"
    lmk = known["lmk"][ue] = lmk or secrets.token_hex(SIZE)
    if json.dumps(known) != before:
        _save(path, known)
    return pmk, lmk, said % path


@contextlib.contextmanager
def _alone(path):
    """Another run with the same file waits: both would write what they read with one key more, and one be lost."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path.parent, os.O_RDONLY)
    except OSError as error:
        raise UsageError(f"--espnow {path}: {why(error)}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def has_keys(config):
    """Whether a configuration has keys of ESP-NOW in it."""
    section = config.get(SECTION)
    return isinstance(section, dict) and any(section.get(name) is not None for name in ("pmk", "lmk"))


def _kept(ue, found):
    """(PMK, LMK) of what was found, None where there are none, or another device's."""
    section = found.get(SECTION) if isinstance(found, dict) else None
    if not isinstance(section, dict) or ue not in (found.get("ue_service_id"), found.get("ue_id")):
        return None
    keys = section.get("pmk"), section.get("lmk")
    return keys if all(map(_is_key, keys)) else None


def _is_station(text):
    try:
        octets = bytes.fromhex(text.replace(":", ""))
    except ValueError:
        return False
    return len(octets) == 6 and not octets[0] & 1  # that bit is a group's


def _is_key(text):
    try:
        return isinstance(text, str) and len(text) == 2 * SIZE and len(bytes.fromhex(text)) == SIZE
    except ValueError:
        return False


def _load(path):
    """What the file has, nothing yet where there is none. Raises UsageError, which quotes nothing of it."""
    if not Path(path).exists():
        return {"lmk": {}}
    private.mend(path)
    known = settings.load(path)
    keys = known.get("lmk", {})
    if set(known) - {"pmk", "lmk"} or not isinstance(keys, dict):
        raise UsageError(f'--espnow {path}: it has "pmk", a key, and "lmk", one for each device, and no more')
    common = {name: key for name, key in known.items() if name == "pmk"}
    for name, key in [*common.items(), *keys.items()]:
        if not _is_key(key):
            raise UsageError(f"--espnow {path}: the key of {name!r} must be {2 * SIZE} hexadecimal digits")
    return {**known, "lmk": keys}


def _save(path, known):
    try:
        private.replace(Path(path), (json.dumps(known, indent=1) + "\n").encode())
    except OSError as error:
        raise UsageError(f"--espnow {path}: {why(error)}") from None
