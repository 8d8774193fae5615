# SPDX-License-Identifier: MIT
"""The one file that holds a board's modules, mounted by MicroPython itself: what is imported from it, what who looks at
its files sees, and what of it is damaged."""

import binascii
import json
import os
import subprocess

import pytest

from host_tests.newer import newer
from tools.image import bytecode, files
from tools.image.boards import ROOT
from tools.programs.micropython import BIN

FILES = {
    "alone.mpy": bytecode.module(b"WORDS = 'alone'\n", "alone.py", bytecode.SMALL),
    "room/__init__.mpy": bytecode.module(b"from . import deep\n", "room/__init__.py", bytecode.SMALL),
    "room/deep/__init__.mpy": bytecode.module(
        b"def fail():\n    raise ValueError('here')\n", "room/deep/__init__.py", bytecode.SMALL
    ),
    "room/long.mpy": bytecode.module(f"TEXT = {'long ' * 300!r}\n".encode(), "room/long.py", bytecode.SMALL),
    "empty": b"",
}
BEGIN = "import os, sys, vfs\nimport firmware_pack\n"
MOUNT = BEGIN + "vfs.mount(firmware_pack.Pack('pack'), '/firmware')\nsys.path.append('/firmware')\n"


@pytest.fixture(params=("oldest", "newest"))
def run(tmp_path, request):
    """run(code, octets of the file) -> what MicroPython prints, with the module that mounts it."""
    program, missing = (BIN / "micropython", "") if request.param == "oldest" else newer()
    if program is None:
        pytest.skip(missing)
    made = bytecode.module((ROOT / "boards/pico_w/firmware_pack.py").read_bytes(), "firmware_pack.py")
    (tmp_path / "firmware_pack.mpy").write_bytes(made)

    def start(code, octets=None):
        (tmp_path / "pack").write_bytes(files.pack(FILES) if octets is None else octets)
        environment = {**os.environ, "MICROPYPATH": f"{tmp_path}:.frozen"}
        command = [program, "-X", "heapsize=192k", "-c", code]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
        )
        return done.stdout + done.stderr

    return start


def test_modules_are_imported_from_it(run):
    said = run(
        MOUNT + "import alone, room, room.long\n"
        "print(alone.WORDS, alone.__file__, room.deep.__file__, room.__path__, room.long.TEXT == 'long ' * 300)\n"
        "try:\n import room.no\nexcept ImportError as error:\n print(error)\n"
        "try:\n room.deep.fail()\nexcept ValueError as error:\n sys.print_exception(error)\n"
    )
    files_ = "/firmware/alone.mpy /firmware/room/deep/__init__.mpy /firmware/room"
    assert said.startswith(f"alone {files_} True\nno module named 'room.no'\n")
    assert '  File "room/deep/__init__.py", line ' in said and said.endswith("ValueError: here\n")


def test_who_looks_at_its_files_sees_what_is_there(run):
    said = run(
        MOUNT + "import json\n"
        "def look(folder):\n"
        " for name, kind, _, size in os.ilistdir(folder):\n"
        "  path = folder + '/' + name\n"
        "  mode = os.stat(path)\n"
        "  assert (mode[0], mode[6], len(mode)) == (kind, size, 10)\n"
        "  if kind == 0x4000:\n"
        "   look(path)\n"
        "  else:\n"
        "   with open(path, 'rb') as file:\n"
        "    octets = file.read(7)\n"
        "    piece = bytearray(50)\n"
        "    octets += bytes(piece[:file.readinto(piece)]) + file.read()\n"
        "    assert file.read(1) == b''\n"
        "   found[path[10:]] = [size, octets.hex()]\n"
        "found = {}\nlook('/firmware')\nprint(json.dumps(found))\n"
        "print(os.stat('/firmware')[0], os.stat('/firmware/')[0], os.statvfs('/firmware')[3])\n"
        "print(sorted(os.listdir('/firmware')), os.listdir('/firmware/room/deep/'))\n"
    )
    found, *others = said.splitlines()
    assert json.loads(found) == {path: [len(octets), octets.hex()] for path, octets in FILES.items()}
    assert others == ["16384 16384 0", "['alone.mpy', 'empty', 'room'] ['__init__.mpy']"]


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("os.stat('/firmware/no')", 2),
        ("os.listdir('/firmware/roo')", 2),
        ("os.listdir('/firmware/alone.mpy')", 20),
        ("open('/firmware/no')", 2),
        ("open('/firmware/room')", 21),
        ("open('/firmware/alone.mpy', 'wb')", 30),
        ("open('/firmware/new', 'a')", 30),
        ("os.remove('/firmware/alone.mpy')", 30),
        ("os.rename('/firmware/alone.mpy', '/firmware/b')", 30),
        ("os.mkdir('/firmware/new')", 30),
        ("os.rmdir('/firmware/room')", 30),
        ("os.chdir('/firmware')", 1),
    ],
)
def test_what_cannot_be_done_has_its_error(run, code, number):
    said = run(MOUNT + f"try:\n {code}\nexcept OSError as error:\n print(error.errno)\n")
    assert said == f"{number}\n"


FAILING = """
import binascii as whole
class binascii:
    def crc32(octets):
        binascii.left -= 1
        if not binascii.left:
            raise kind()
        return whole.crc32(octets)
firmware_pack.binascii = binascii
for name in ("alone", "room", "room.long"):
    for kind in (MemoryError, KeyboardInterrupt):
        number = 0
        while True:
            number += 1
            binascii.left = number
            try:
                __import__(name)
                break
            except kind:
                pass
            binascii.left = 0
            __import__(name)
            for each in list(sys.modules):
                if each.split(".")[0] in ("alone", "room"):
                    del sys.modules[each]
        print(name, number)
        for each in list(sys.modules):
            if each.split(".")[0] in ("alone", "room"):
                del sys.modules[each]
"""


def test_a_full_heap_and_ctrl_c_are_no_missing_module(run):
    """Whatever of an import they come in: folder, .py, .mpy, and its opening; and the next import finds it."""
    lines = run(MOUNT + FAILING).splitlines()
    assert lines[:2] == ["alone 5", "alone 5"]  # it came four times, and the fifth import was done before
    assert [line.split()[0] for line in lines] == ["alone"] * 2 + ["room"] * 2 + ["room.long"] * 2
    assert min(int(line.split()[1]) for line in lines[2:]) > 5


def test_it_is_there_again_when_it_was_mounted_anew(run):
    assert (
        run(MOUNT + "vfs.umount('/firmware')\n" + MOUNT[len(BEGIN) :] + "import alone\nprint(alone.WORDS)")
        == "alone\n"
    )


PACK = files.pack(FILES)
DAMAGED = {
    "empty": (b"", "it is none"),
    "another file": (b"M\x06\x00\x1f" * 20, "it is none"),
    "another form": (PACK[:4] + b"\x02" + PACK[5:], "it is none"),
    "cut short": (PACK[:-1], "it is not whole"),
    "more behind it": (PACK + b"\0", "it is not whole"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_one_that_is_damaged_is_not_mounted(run, name):
    octets, words = DAMAGED[name]
    code = BEGIN + "firmware_pack._FILE = 'pack'\nfirmware_pack.begin()\nprint('/firmware' in sys.path)\n"
    assert run(code, octets) == (
        f"msgin5g: pack cannot be used ({words}): copy it to the board anew\nFalse\n"
    )


def test_it_comes_before_what_a_user_has_in_lib(run):
    code = "firmware_pack._FILE = 'pack'\nsys.path[:] = ['', '.frozen', '/lib']\n"
    assert (
        run(BEGIN + code + "firmware_pack.begin()\nprint(sys.path)\n")
        == "['', '.frozen', '/firmware', '/lib']\n"
    )


def test_one_that_another_was_copied_over_is_read_no_more(run):
    other = files.pack({"longer" + path: octets for path, octets in FILES.items()})
    code = f"with open('pack', 'wb') as file:\n file.write({other!r})\n"
    said = run(
        MOUNT + code + "try:\n open('/firmware/alone.mpy')\nexcept OSError as error:\n print(error.errno)\n"
    )
    assert said == "5\n"


def test_a_path_is_found_whatever_its_neighbours_in_the_index_are(run, monkeypatch):
    """Octets of two CRCs that stand beside each other can look like another one."""
    keys = {"a": "01050607", "b": "02000000", "c": "05060702", "no": "06070200"}
    monkeypatch.setattr(files, "_key", lambda path: bytes.fromhex(keys[path]))
    code = (
        f"class binascii:\n crc32 = staticmethod(lambda path: int({keys}[str(path, 'ascii')], 16))\n"
        "firmware_pack.binascii = binascii\n"
        "print(*(str(open('/firmware/' + name).read(), 'ascii') for name in 'abc'))\n"
        "try:\n open('/firmware/no')\nexcept OSError as error:\n print(error.errno)\n"
    )
    held = {name: f"of {name}".encode() for name in "abc"}
    assert run(MOUNT + code, files.pack(held)) == "of a of b of c\n2\n"


def test_two_paths_with_one_crc_are_no_file():
    # CRC-32 of both is 0x4ddb0c25
    assert binascii.crc32(b"plumless") == binascii.crc32(b"buckeroo")
    with pytest.raises(ValueError, match="rename one"):
        files.pack({"plumless": b"", "buckeroo": b""})
