# SPDX-License-Identifier: MIT
"""package.json, the index that `mip install` reads: `python -m tools.project.package` writes it anew."""

import json
import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INDEX = ROOT / "package.json"
PACKAGES = ("coap", "msgin5g", "device")


def index():
    """What is in it: the packages of firmware/, found beside it, so that forks and branches are whole."""
    firmware = ROOT / "firmware"
    files = sorted(file for package in PACKAGES for file in (firmware / package).rglob("*.py"))
    names = [file.relative_to(firmware).as_posix() for file in files]
    version = runpy.run_path(str(firmware / "coap/version.py"))["VERSION"]
    return {"urls": [[name, f"firmware/{name}"] for name in names], "deps": [], "version": version}


def text():
    """One line a file, so that a change shows as what it is."""
    found = index()
    lines = ",\n".join(f"    {json.dumps(pair)}" for pair in found["urls"])
    return f'{{\n  "urls": [\n{lines}\n  ],\n  "deps": [],\n  "version": {json.dumps(found["version"])}\n}}\n'


if __name__ == "__main__":
    INDEX.write_text(text())
