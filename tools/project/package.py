# SPDX-License-Identifier: MIT
"""The indices that `mip install` reads: all of the firmware, CoAP alone, and its OSCORE.

    python -m tools.project.package

writes them anew. Each names its files by where they lie beside it, so that forks and branches are whole. What a package
depends on can be named by a whole address only, which a fork would not have: OSCORE has CoAP beside it by a second
`mip install`.
"""

import json
import runpy
from pathlib import Path

from tools.image import bytecode

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = bytecode.FIRMWARE
NAME = "package.json"
OSCORE = FIRMWARE / "coap/oscore"
# Folder of an index: what it installs
PACKAGES = {
    ROOT: [FIRMWARE / name for name in ("base", "coap", "msgin5g", "device")],
    FIRMWARE / "coap": [FIRMWARE / "coap"],
    OSCORE: [OSCORE],
}


def index(folder):
    """What is in the index of this folder: [place on the board, place beside the index] of each module."""
    files = [path for package in PACKAGES[folder] for path in bytecode.sources(package)]
    if folder == FIRMWARE / "coap":
        files = [path for path in files if OSCORE not in path.parents]
    urls = [[path.relative_to(FIRMWARE).as_posix(), path.relative_to(folder).as_posix()] for path in files]
    version = runpy.run_path(str(FIRMWARE / "coap/version.py"))["VERSION"]
    return {"urls": sorted(urls), "deps": [], "version": version}


def text(folder):
    """One line a file, so that a change shows as what it is."""
    found = index(folder)
    lines = ",\n".join(f"    {json.dumps(pair)}" for pair in found["urls"])
    return f'{{\n  "urls": [\n{lines}\n  ],\n  "deps": [],\n  "version": {json.dumps(found["version"])}\n}}\n'


if __name__ == "__main__":
    for folder in PACKAGES:
        (folder / NAME).write_text(text(folder))
