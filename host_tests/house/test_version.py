# SPDX-License-Identifier: MIT
"""The version stands at one place, firmware/coap/version.py; whoever needs it reads it there."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tools.image.boards import version
from tools.programs.micropython import BIN
from tools.project import package

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware"
HOME = FIRMWARE / "coap/version.py"
VERSION = re.search(r'^VERSION = "(\d+\.\d+\.\d+)"$', HOME.read_text(), re.M)[1]


def test_index_image_and_tools_have_it():
    assert json.loads(package.INDEX.read_text())["version"] == VERSION
    assert version() == VERSION
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    module, _, name = project["tool"]["setuptools"]["dynamic"]["version"]["attr"].rpartition(".")
    assert (ROOT / module.replace(".", "/")).with_suffix(".py") == HOME and name == "VERSION"


def evaluated(manifest):
    """[(keywords of metadata)] of a manifest and those that it includes, as makemanifest.py of MicroPython does it."""
    found = []

    def include(name):
        if "$(" not in name:
            found.extend(evaluated((manifest.parent / name).resolve()))

    scope = {
        "include": include,
        "metadata": lambda **keywords: found.append(keywords),
        **dict.fromkeys(("package", "module", "freeze", "require"), lambda *_, **__: None),
    }
    code = compile(manifest.read_text(), str(manifest), "exec")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(manifest.parent)  # paths in a manifest are relative to it
        exec(code, scope)
    return found


@pytest.mark.parametrize(
    "manifest", ["firmware", *(f"boards/{p.parent.name}" for p in ROOT.glob("boards/*/manifest.py"))]
)
def test_each_manifest_says_it(manifest):
    (metadata,) = evaluated(ROOT / manifest / "manifest.py")
    assert metadata["version"] == VERSION
    assert metadata["license"] == "MIT" and metadata["description"]


@pytest.mark.parametrize("interpreter", ["cpython", "micropython"])
@pytest.mark.parametrize(("name", "module"), [("coap", "exchange"), ("msgin5g", "errors"), ("device", "log")])
def test_each_package_says_it(name, module, interpreter):
    """Asked for, and by `from ... import`, which finds modules of the package all the same; what is not there raises
    AttributeError."""
    lines = f"import {name}\nfrom {name} import __version__\nprint({name}.__version__, __version__)\n"
    lines += f"from {name} import {module}\nprint({module}.__name__)\n"
    lines += f"try:\n    {name}.__nothing__\nexcept AttributeError:\n    print('no more')"
    python = sys.executable if interpreter == "cpython" else str(BIN / "micropython")
    if interpreter == "cpython" and name == "device":
        lines = "import asyncio, asyncio.events\nasyncio.core = None\n" + lines
    done = subprocess.run(
        [python, "-c", lines],
        env={"PYTHONPATH": str(FIRMWARE), "MICROPYPATH": f"{FIRMWARE}:.frozen"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == [VERSION, VERSION, f"{name}.{module}", "no", "more"], done.stderr


def modules(name):
    """Each module of a package, those of its rooms too, as (package, module)."""
    found = []
    for path in sorted((FIRMWARE / name).rglob("*.py")):
        words = path.relative_to(FIRMWARE).with_suffix("").parts
        if words[-1] == "__init__":
            words = words[:-1]
        if len(words) > 1:
            found.append((".".join(words[:-1]), words[-1]))
    return found


@pytest.mark.parametrize("interpreter", ["cpython", "micropython"])
@pytest.mark.parametrize("name", ["coap", "msgin5g"])
def test_each_module_is_imported_from_its_package(name, interpreter):
    """By `from ... import`, each where nothing else of ours is imported but the package. A name of nothing raises
    AttributeError, so that hasattr() can be asked; CPython makes ImportError of it where it is imported.
    """
    code = """
import sys
def fresh():
    for name in list(sys.modules):
        if name.split(".")[0] in ("coap", "msgin5g"):
            del sys.modules[name]
for package, module in %r:
    fresh()
    names = {}
    exec("from %%s import %%s as found" %% (package, module), names)
    print(names["found"].__name__ == package + "." + module or (package, module, names["found"]))
import %s as package
print(hasattr(package, "nothing"), hasattr(package, "_nothing"), hasattr(package, "NOTHING"))
try:
    from %s import nothing
except (ImportError, AttributeError):
    print("none")
"""
    wanted = modules(name)
    assert len(wanted) > 10
    python = sys.executable if interpreter == "cpython" else str(BIN / "micropython")
    done = subprocess.run(
        [python, "-c", code % (wanted, name, name)],
        env={"PYTHONPATH": str(FIRMWARE), "MICROPYPATH": f"{FIRMWARE}:.frozen"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines() == ["True"] * len(wanted) + ["False False False", "none"], done.stderr


def test_no_other_place_has_it_typed():
    """Elsewhere it may only be said of an example."""
    examples = ("docs/provisioning.md", "host_tests/tools/board/", "CHANGELOG.md", "package.json")
    run = [
        "git",
        "grep",
        "-lIF",
        VERSION,
        "--",
        "*.py",
        "*.toml",
        "*.json",
        "*.md",
        "*.h",
        "*.cmake",
        "Makefile",
    ]
    listed = subprocess.run(run, cwd=ROOT, capture_output=True, text=True).stdout.split()
    assert [name for name in listed if not name.startswith(examples)] in ([], ["firmware/coap/version.py"])
