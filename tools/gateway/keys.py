# SPDX-License-Identifier: MIT
"""The file with a device's OSCORE keys, as the device reads it: the section `security` of msgin5g.json."""

import json
import os
import secrets

from tools import private
from tools.store.keys.sectables import Keys
from tools.words import complain

_LONGEST_ID = 7  # octets, RFC 8613 section 3.3 with a nonce of 13


class KeyFileError(Exception):
    """The sentence says what to do, and tells nothing of a key."""


def read(path):
    """The Keys in a file: of msgin5g.json, or of its section `security` alone. Raises KeyFileError, OSError."""
    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
    except ValueError:
        raise KeyFileError("%s is not JSON" % path) from None  # its error has the text of the file with it
    return of_section(path, data.get("security", data) if isinstance(data, dict) else None)


def of_section(path, section):
    """The Keys of the section `security` of a configuration, which `path` names. Raises KeyFileError."""
    if not isinstance(section, dict):
        raise KeyFileError("%s: a JSON object is needed" % path)
    if section.get("mode", "oscore") != "oscore":
        raise KeyFileError("%s: security.mode is not oscore" % path)
    keys = Keys(
        recipient_id=_octets(path, section, "sender_id", 0, _LONGEST_ID),
        sender_id=_octets(path, section, "recipient_id", 0, _LONGEST_ID),
        secret=_octets(path, section, "master_secret", 16, 64),
        salt=_octets(path, section, "master_salt", 0, 64, b""),
        id_context=_octets(path, section, "id_context", 0, 64, None),
    )
    if keys.recipient_id == keys.sender_id:
        raise KeyFileError("%s: security.sender_id and security.recipient_id must differ" % path)
    return keys


def _octets(path, section, name, shortest, longest, default=...):
    value = section.get(name)
    if value is None and default is not ...:
        return default
    try:
        octets = bytes.fromhex(value)
    except (TypeError, ValueError):
        octets = None
    if octets is None or not shortest <= len(octets) <= longest or len(value) != 2 * len(octets):
        raise KeyFileError(
            "%s: security.%s must be the hexadecimal digits of %d to %d octets"
            % (path, name, shortest, longest)
        )
    return octets


def free_ids(in_use):
    """Sender IDs for new keys, each once, the shortest first. `in_use`: those of other devices."""
    for size in range(1, _LONGEST_ID + 1):
        for number in range(256**size):
            octets = number.to_bytes(size, "big")
            if octets not in in_use:
                yield octets


def new_section(in_use):
    """New keys, from the system's random source, as a section `security`. `in_use`: sender IDs of other devices."""
    return next(new_sections(in_use))


def new_sections(in_use):
    """The same for one device after the other."""
    return map(_new_section, free_ids(in_use))


def _new_section(sender_id, recipient_id=b""):  # each device has one peer, which needs no name
    return {
        "mode": "oscore",
        "master_secret": secrets.token_hex(16),
        "master_salt": secrets.token_hex(8),
        "sender_id": sender_id.hex(),
        "recipient_id": recipient_id.hex(),
    }


def renewed(keys, sender_id):
    """New Keys in the place of these, with a sender ID that no device has. Both IDs are others, so that either side
    can tell by what a request was protected."""
    names = (b"", b"g", b"h")
    recipient_id = next(name for name in names if name not in (keys.sender_id, sender_id))
    return of_section("", _new_section(sender_id, recipient_id))


def section_of(keys):
    """The section `security` of the device that has these Keys."""
    section = {
        "mode": "oscore",
        "master_secret": keys.secret.hex(),
        "master_salt": keys.salt.hex(),
        "sender_id": keys.recipient_id.hex(),
        "recipient_id": keys.sender_id.hex(),
    }
    return section if keys.id_context is None else section | {"id_context": keys.id_context.hex()}


def make(path, in_use):
    """New keys, in a new file that its owner alone can read. `in_use`: sender IDs of other devices."""
    section = new_section(in_use)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump({"security": section}, file, indent=1)
        file.write("\n")
    return read(path)


def obtain(store, path):
    """(the Keys in a file, whether they were made): where it is not there, new ones are made for it. Raises
    KeyFileError, OSError."""
    made = not os.path.exists(path)
    if not made and private.mend(path):
        complain(private.MENDED.format(path))
    return (make(path, store.kids_in_use()) if made else read(path)), made


def say(path, made):
    """For people: where the keys are now."""
    print("new keys in %s: put them into the device's msgin5g.json" % path if made else "keys of %s" % path)


def add(store, ue, keys, path):
    """Lets `ue` register, with these keys only; True where it is new. Raises KeyFileError, which names `path`."""
    added = store.add_device(ue)
    _bound(path, store.bind_keys(ue, keys))
    return added


def add_ue_id(store, ue_id, keys, path):
    """Lets the device with this MSGin5G UE ID ask for its configuration, with these keys only, which its UE Service ID
    has too, now or once it gets one. True where it is new. Raises KeyFileError, which names `path`."""
    added = store.key_of_ue_id(ue_id) is None
    _bound(path, store.bind_ue_id_keys(ue_id, keys))
    return added


def _bound(path, other):
    if other is not None:
        raise KeyFileError(
            "%s: security.sender_id is that of %s, which has another key: take another sender_id"
            % (path, other)
        )
