# SPDX-License-Identifier: MIT
"""Folders of a slot in place of those of the same name, with packages that are made for it: what a device has is in
`was`, the slot in `fw`."""

import binascii
import os
import sys

from coap.compat import submodule, unload
from common import Skip, equal, raises

# What stands in each file is what it is, and what it imports as the firmware does. Nothing is called `here` elsewhere.
WAS = {
    "ovone/__init__.py": "here = 'was'",
    "ovone/plain.py": "here = 'was'",
    "ovone/room/__init__.py": "here = 'was'",
    "ovone/room/first.py": "here = 'was'",
    "ovone/room/second.py": "here = 'was'",
    "ovone/next/__init__.py": "",
    "ovone/next/user.py": "from ..room import first\nfrom ..room.second import here as second\n",
    "ovtwo/__init__.py": "here = 'was'",
    "ovtwo/low.py": "here = 'was'",
    "ovalone.py": "here = 'was'",
}
ROOM = {
    "ovone/room/__init__.py": "here = 'now'",
    "ovone/room/first.py": "here = 'now'\nfrom ..plain import here as plain\nfrom . import second\n",
    "ovone/room/second.py": "here = 'now'",
    "ovone/room/deep/__init__.py": "",
    "ovone/room/deep/third.py": "from ...next import user\nfrom ..first import here\n",
}
NAMES = ("ovone", "ovtwo", "ovalone")


class Flash:
    """A folder with these files, first on sys.path and where the program is, until the end of the block."""

    def __init__(self, slot, was=WAS):
        if sys.implementation.name != "micropython":
            raise Skip("CPython looks for the modules of a package in a list of places")
        self.slot = slot
        self.was = was

    def __enter__(self):
        from base import overlay

        self.path = "/tmp/msgin5g-overlay-" + str(binascii.hexlify(os.urandom(6)), "ascii")
        self.before = os.getcwd(), sys.path[:]
        for name, files in (("was", self.was), ("fw", self.slot)):
            for file in files:
                self.write(name + "/" + file, files[file])
        os.chdir(self.path)
        sys.path.insert(0, self.path + "/was")
        return overlay

    def __exit__(self, *error):
        os.chdir(self.before[0])
        sys.path[:] = self.before[1]
        for name in list(sys.modules):
            if name.split(".")[0] in NAMES:
                del sys.modules[name]
        self.remove(self.path)

    def write(self, name, text):
        path = self.path
        for part in name.split("/"):
            if path == self.path or not part.endswith(".py"):
                try:
                    os.mkdir(path)
                except OSError:
                    pass
            path += "/" + part
        try:
            os.mkdir(path[: path.rindex("/")])
        except OSError:
            pass
        with open(path, "w") as file:
            file.write(text)

    def remove(self, path):
        for name, kind, *_ in os.ilistdir(path):
            if kind == 0x4000:
                self.remove(path + "/" + name)
            else:
                os.remove(path + "/" + name)
        os.rmdir(path)


def here(name):
    return __import__(name, None, None, ("here",)).here


def test_a_room_takes_the_place_of_one_and_the_rest_of_its_package_stays():
    with Flash(ROOM) as overlay:
        overlay.begin("fw")
        user = __import__("ovone.next.user", None, None, ("user",))
        equal(
            (user.first.here, user.first.plain, user.first.second.here, user.second),
            ("now", "was", "now", "now"),
        )
        equal([here(name) for name in ("ovone", "ovone.plain", "ovone.room")], ["was", "was", "now"])
        equal(here("ovone.room.deep.third"), "now")


def test_names_in_each_form_are_those_of_the_slot():
    with Flash(ROOM) as overlay:
        overlay.begin("fw")
        scope = {}
        exec(
            "import ovone.room.first as one\nimport ovone.room.second\nfrom ovone import room, plain\n", scope
        )
        equal((scope["one"].here, scope["ovone"].room.second.here, scope["room"].here), ("now", "now", "now"))
        equal((scope["plain"].here, submodule("ovone.room", "first").here), ("was", "now"))
        assert scope["ovone"].room is scope["room"] is sys.modules["ovone.room"]


def test_what_is_unloaded_comes_back_from_the_slot():
    with Flash(ROOM) as overlay:
        overlay.begin("fw")
        for _ in range(2):
            equal(here("ovone.room.second"), "now")
            unload("ovone.room.second")
            assert "ovone.room.second" not in sys.modules


def test_it_does_so_wherever_the_application_goes():
    with Flash(ROOM) as overlay:
        overlay.begin("fw")
        os.chdir("/tmp")
        equal(here("ovone.room.second"), "now")


def test_a_package_and_a_module_take_the_place_of_theirs_whole():
    slot = {
        "ovone/__init__.py": "from ovtwo import here as two\nhere = 'now'",
        "ovtwo/__init__.py": "from .low import here as low\nhere = 'now'",
        "ovtwo/low.py": "here = 'now'",
        "ovalone.py": "from ovone import here as one\nhere = 'now'",
    }
    with Flash(slot) as overlay:
        path = sys.path[:]
        overlay.begin("fw")
        equal([here(name) for name in NAMES], ["now", "now", "now"])
        equal((sys.modules["ovone"].two, sys.modules["ovtwo"].low, sys.modules["ovalone"].one), ("now",) * 3)
        equal(sys.path, path)
        raises(ImportError, __import__, "ovone.plain")


def test_the_packages_that_others_import_come_first():
    was = WAS | {"ovtwo/__init__.py": "from ovone.room import here"}
    with Flash(ROOM | {"ovtwo/deep/__init__.py": "here = 'now'"}, was) as overlay:
        equal(
            str(raises(ImportError, overlay.begin, "fw")),
            "ovone.room was imported before its place was taken",
        )
    was = WAS | {"ovtwo/__init__.py": "from ovone import here"}
    with Flash(ROOM | {"ovtwo/deep/__init__.py": "here = 'now'"}, was) as overlay:
        overlay.begin("fw")
        equal([here(name) for name in ("ovone.room", "ovtwo", "ovtwo.deep")], ["now", "was", "now"])


def test_nothing_of_base_is_replaced():
    with Flash({"base/__init__.py": "", "base/overlay.py": "begin = None"}) as overlay:
        overlay.begin("fw")
        assert sys.modules["base.overlay"] is overlay and overlay.begin


def test_what_cannot_take_a_place_is_said():
    with Flash({"ovone/room/first.py": "here = 'now'"}) as overlay:
        said = str(raises(ImportError, overlay.begin, "fw"))
        equal(said, "ovone/room has no __init__, and first.py alone cannot take a place")
    with Flash(ROOM) as overlay:
        equal(here("ovone.room"), "was")
        raises(ImportError, overlay.begin, "fw")


def test_a_package_that_raises_leaves_its_parent_and_the_path_as_they_were():
    for name, slot in (
        ("ovone", {"ovone/__init__.py": "1 / 0"}),
        ("ovone.room", {"ovone/room/__init__.py": "1 / 0"}),
    ):
        with Flash(slot) as overlay:
            path = sys.path[:]
            raises(ZeroDivisionError, overlay.begin, "fw")
            equal((sys.path, name in sys.modules), (path, False))
            raises(AttributeError, getattr, overlay, "__path__")
            if name == "ovone.room":
                equal(here("ovone.plain"), "was")
