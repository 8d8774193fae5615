# SPDX-License-Identifier: MIT
"""Packages of MicroPython that others wrote, in a folder that the user has: `make bench PEERS=FOLDER`. They are in no
registry that pip can install from, so they are not fetched."""

from pathlib import Path

from tools.errors import UsageError

# The module that a program imports, and how to have it in a folder
PACKAGES = {
    "umqtt.simple": ".venv/bin/micropython -c \"import mip; mip.install('umqtt.simple', target='FOLDER')\"",
    "mqtt_as": "the folder mqtt_as of github.com/peterhinch/micropython-mqtt",
    "microcoapy": "the folder microcoapy of github.com/insighio/microCoAPy",
}
NAMES = ", ".join(PACKAGES)
_taken: dict[str, Path | None] = {"folder": None}


def take(folder):
    """Names the folder; None: there is none. UsageError where it has none of the packages."""
    if folder is not None:
        if not folder.is_dir():
            raise UsageError(f"bench: --peers {folder} is no folder")
        if not any(_is_in(folder, name) for name in PACKAGES):
            raise UsageError(f"bench: {folder} has none of {NAMES}; {PACKAGES['umqtt.simple']}")
    _taken["folder"] = folder and folder.resolve()


def folder_with(name):
    """The folder that has this package, or None."""
    folder = _taken["folder"]
    return folder if folder and _is_in(folder, name) else None


def advice(name):
    """What to do to have it measured."""
    how = PACKAGES[name].replace("FOLDER", "peers")
    return (
        f"{name}: {how}, and make bench PEERS=peers"
        if "mip" in how
        else f"{name}: {how} in peers/, and PEERS=peers"
    )


def _is_in(folder, name):
    place = folder.joinpath(*name.split("."))
    return any(
        path.is_file()
        for end in (".py", ".mpy")
        for path in (place.with_suffix(end), place / f"__init__{end}")
    )
