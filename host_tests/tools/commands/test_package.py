# SPDX-License-Identifier: MIT
"""`mip install` of the repository: mpremote's mip, with the index and the files over HTTP from this computer.

MicroPython's own mip is not run: it knows addresses relative to the index from 0.4.0 on, and Debian's 1.25 has 0.3.0.
"""

import functools
import http.server
import json
import os
import subprocess
import threading

import pytest
from mpremote import mip

from tools.programs.micropython import BIN
from tools.project import package


@pytest.fixture
def repository():
    """Where the repository is served, as a code host serves its files."""
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    handler = functools.partial(quiet, directory=package.ROOT)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_index_is_that_of_the_tree():
    assert package.INDEX.read_text() == package.text(), (
        "write it anew: .venv/bin/python -m tools.project.package"
    )
    assert json.loads(package.text()) == package.index()


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


def test_what_mip_installs_is_the_firmware_and_runs(repository, tmp_path):
    """The packages, and a board's board.py by its own address, as docs/development.md says."""
    for address in (repository, f"{repository}/boards/unix/board.py"):
        mip._install_package(Folder(tmp_path), address, mip._PACKAGE_INDEX, "lib", None, False)
    installed = {file.relative_to(tmp_path / "lib").as_posix() for file in tmp_path.rglob("*.py")}
    assert installed == {name for name, _ in package.index()["urls"]} | {"board.py"}
    for name, source in package.index()["urls"]:
        assert (tmp_path / "lib" / name).read_bytes() == (package.ROOT / source).read_bytes()

    (tmp_path / "msgin5g.json").write_text('{"role": "client", "ue_service_id": "ue:a@x"}')
    code = "from device import boot, console\nboot.main()"
    environment = {**os.environ, "MICROPYPATH": "lib:.frozen"}
    command = [BIN / "micropython", "-X", "heapsize=1M", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert "peer: is missing" in done.stdout, done.stdout + done.stderr
