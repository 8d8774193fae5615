# SPDX-License-Identifier: MIT
"""`mip install` of the firmware, of CoAP alone and of its OSCORE: mpremote's mip and MicroPython's, with the index and
the files over HTTP from this computer; and a manifest of somebody else that includes CoAP.

MicroPython's mip knows addresses relative to the index from 0.4.0 on, and Debian's 1.25 has 0.3.0: the newer one runs.
"""

import json
import os
import subprocess
import sys

import pytest
from mpremote import mip

from host_tests.newer import newer
from tools.image import rp2, workshop
from tools.programs.micropython import BIN
from tools.project import package

COAP = package.FIRMWARE / "coap"
ASK = """
import sys
sys.path[:] = ["", "lib", ".frozen"]
import coap
print(coap.GET, coap.path_options("/a"), coap.__version__, coap.__file__)
try:
    import coap.oscore
    print(coap.oscore.Context.__name__)
except ImportError:
    print("no OSCORE")
"""


@pytest.mark.parametrize("folder", package.PACKAGES, ids=lambda folder: folder.name)
def test_each_index_is_that_of_the_tree(folder):
    written = (folder / package.NAME).read_text()
    assert written == package.text(folder), "write it anew: .venv/bin/python -m tools.project.package"
    assert json.loads(written) == package.index(folder)


def test_coap_and_its_oscore_are_apart_and_together_all_of_it():
    alone, oscore = ({name for name, _ in package.index(folder)["urls"]} for folder in (COAP, package.OSCORE))
    there = {path.relative_to(package.FIRMWARE).as_posix() for path in COAP.rglob("*.py")}
    assert alone | oscore == there - {"coap/manifest.py"}
    assert not alone & oscore
    assert {name for name in there if "oscore" in name} == oscore


class Folder:
    """In place of a board at a serial port: a transport to the files of the unix port, which has no raw REPL."""

    def __init__(self, path):
        self.path = path

    def fs_exists(self, path):
        return (self.path / path).exists()

    def fs_mkdir(self, path):
        (self.path / path).mkdir()

    def fs_writefile(self, path, octets, progress_callback):
        (self.path / path).write_bytes(octets)


def install(address, path):
    mip._install_package(Folder(path), address, mip._PACKAGE_INDEX, "lib", None, False)


def check(path, *folders):
    """What lies in `path` is what these indices name, octet for octet."""
    wanted = {name: folder / source for folder in folders for name, source in package.index(folder)["urls"]}
    assert {file.relative_to(path).as_posix() for file in path.rglob("*.py")} == wanted.keys()
    for name, source in wanted.items():
        assert (path / name).read_bytes() == source.read_bytes()


def run(program, code, folder):
    environment = {**os.environ, "MICROPYPATH": "lib:.frozen"}
    command = [program, "-X", "heapsize=1M", "-c", code]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_what_mip_installs_is_the_firmware_and_runs(repository, tmp_path):
    """The packages, and a board's board.py by its own address, as docs/development.md says."""
    install(repository, tmp_path)
    check(tmp_path / "lib", package.ROOT)
    install(f"{repository}/boards/unix/board.py", tmp_path)
    (tmp_path / "msgin5g.json").write_text('{"role": "client", "ue_service_id": "ue:a@x"}')
    done = run(BIN / "micropython", "from device import boot, console\nboot.main()", tmp_path)
    assert "peer: is missing" in done.stdout, done.stdout + done.stderr


def test_coap_alone_and_then_its_oscore_by_mpremote(repository, tmp_path):
    install(f"{repository}/firmware/coap", tmp_path)
    check(tmp_path / "lib", COAP)
    assert run(BIN / "micropython", ASK, tmp_path).stdout.splitlines()[-1] == "no OSCORE"
    install(f"{repository}/firmware/coap/oscore", tmp_path)
    check(tmp_path / "lib", COAP, package.OSCORE)
    version = package.index(COAP)["version"]
    assert run(BIN / "micropython", ASK, tmp_path).stdout.splitlines() == [
        f"1 [(11, b'a')] {version} lib/coap/__init__.py",
        "Context",
    ]


def test_coap_and_its_oscore_by_the_mip_of_micropython(repository, tmp_path):
    program, missing = newer()
    if program is None:
        pytest.skip(missing)
    lines = [f"mip.install('{repository}/firmware/{name}', target='lib')" for name in ("coap", "coap/oscore")]
    done = run(program, "\n".join(["import mip", *lines]), tmp_path)
    assert done.stdout.splitlines().count("Done") == 2, done.stdout + done.stderr
    check(tmp_path / "lib", COAP, package.OSCORE)
    assert run(program, ASK, tmp_path).stdout.splitlines()[-1] == "Context"


def frozen(folder, manifest):
    """{module} that MicroPython's own makemanifest.py freezes of a manifest, and the C that it makes of them."""
    tree = workshop.sources(print)
    rp2.mpy_cross(tree=tree)
    (folder / "manifest.py").write_text(manifest)
    (folder / "genhdr").mkdir()
    # the table of names, as a port's build has it: empty here
    (folder / "genhdr/qstrdefs.preprocessed.h").write_text(
        "QCFG(BYTES_IN_LEN, (1))\nQCFG(BYTES_IN_HASH, (2))\n"
    )
    variables = {"MPY_DIR": tree, "MPY_LIB_DIR": "", "PORT_DIR": tree / "ports/rp2", "BOARD_DIR": folder}
    command = [sys.executable, tree / "tools/makemanifest.py", "-o", folder / "frozen.c", "-b", folder]
    command += [word for name, path in variables.items() for word in ("-v", f"{name}={path}")]
    done = subprocess.run([*command, folder / "manifest.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    made = (folder / "frozen_mpy").rglob("*.mpy")
    return {path.relative_to(folder / "frozen_mpy").with_suffix("").as_posix() for path in made}


@pytest.mark.parametrize("option, folders", [("", (COAP, package.OSCORE)), (", oscore=False", (COAP,))])
def test_a_manifest_of_somebody_else_freezes_it(option, folders, tmp_path):
    lines = 'metadata(version="9.9")\ninclude("%s"%s)\n' % (COAP, option)
    names = {name for folder in folders for name, _ in package.index(folder)["urls"]}
    assert frozen(tmp_path, lines) == {name.removesuffix(".py") for name in names}
    assert "coap_blockwise" in (tmp_path / "frozen.c").read_text()
