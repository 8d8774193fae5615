# SPDX-License-Identifier: MIT
"""A change of the configuration, from a bundle that was verified to a file that is tried. Imported with the first."""

import os

from coap.compat import const, json_octets, json_value, submodule
from msgin5g import Config

_TYPING = const(False)
if _TYPING:
    from typing import Any

_CONFIG = const("msgin5g.json")
_TRY = const("slots/config.try")
_LONGEST = const(4096)  # octets of the changes
# Who has the key of updates shall not get hold of the others, nor shut out whoever has it by then.
_NEVER = ("security", "update")


def prepare(path: str, running: "Any") -> None:
    """Write msgin5g.json with the changes in the file `path` (RFC 7396) to where a trial looks for it.

    `running` is the Config of the client. Raise ValueError with a reason where there can be no such configuration,
    OSError where the storage fails.
    """
    with open(path, "rb") as file:
        octets = file.read(_LONGEST + 1)
    if len(octets) > _LONGEST:
        raise ValueError("the changes have more than %d octets" % _LONGEST)
    try:
        changes = json_value(octets)
    except ValueError:
        changes = None
    if not isinstance(changes, dict):
        raise ValueError("the changes are no JSON object")
    for name in _NEVER:
        if name in changes:
            raise ValueError("%s is not changed this way" % name)
    whole = submodule("msgin5g", "config_check").read(_CONFIG)
    if Config(whole).__dict__ != (running.given or running.__dict__):
        raise ValueError("this device does not run by msgin5g.json")
    merge(whole, changes)
    Config(whole)  # ConfigError is a ValueError
    with open(_TRY + "~", "wb") as file:
        file.write(json_octets(whole))
        file.flush()
    os.rename(_TRY + "~", _TRY)


def merge(whole: dict, changes: dict) -> None:
    """Change `whole` as RFC 7396 section 2 says: a member that is null goes."""
    for name, value in changes.items():
        if value is None:
            whole.pop(name, None)
        elif isinstance(value, dict):
            if not isinstance(whole.get(name), dict):
                whole[name] = {}
            merge(whole[name], value)
        else:
            whole[name] = value
