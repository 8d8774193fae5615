# SPDX-License-Identifier: MIT
"""The version stands at one place, firmware/coap/version.py; whoever needs it reads it there."""

import json
import re
import subprocess
import sys
import tomllib
import types
from pathlib import Path

import pytest

from tools.image import bytecode
from tools.image.boards import version
from tools.programs.micropython import BIN
from tools.project import package

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware"
HOME = FIRMWARE / "coap/version.py"
VERSION = re.search(r'^VERSION = "(\d+\.\d+\.\d+)"$', HOME.read_text(), re.M)[1]


def test_index_image_and_tools_have_it():
    for folder in package.PACKAGES:
        assert json.loads((folder / package.NAME).read_text())["version"] == VERSION
    assert version() == VERSION
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    module, _, name = project["tool"]["setuptools"]["dynamic"]["version"]["attr"].rpartition(".")
    assert (ROOT / module.replace(".", "/")).with_suffix(".py") == HOME and name == "VERSION"


def evaluated(manifest):
    """[(keywords of metadata)] of a manifest and those that it includes, as makemanifest.py of MicroPython does it."""
    found = []

    def metadata(**keywords):
        if keywords:
            found.append(keywords)
        return types.SimpleNamespace(version=found[0]["version"] if found else None)

    def include(name, **options):
        if "$(" not in name:
            path = Path(name).resolve()
            run(path / "manifest.py" if path.is_dir() else path, **options)

    def run(path, **given):
        options = types.SimpleNamespace(defaults=lambda **keywords: vars(options).update(keywords | given))
        scope = {"include": include, "metadata": metadata, "options": options}
        scope |= dict.fromkeys(("package", "module", "freeze", "require"), lambda *_, **__: None)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(path.parent)  # paths in a manifest are relative to it
            exec(compile(path.read_text(), str(path), "exec"), scope)

    run(manifest)
    return found


@pytest.mark.parametrize(
    "manifest",
    ["firmware", "firmware/coap", *(f"boards/{p.parent.name}" for p in ROOT.glob("boards/*/manifest.py"))],
)
def test_each_manifest_says_it(manifest):
    (metadata,) = evaluated(ROOT / manifest / "manifest.py")
    assert metadata["version"] == VERSION
    assert metadata["license"] == "MIT" and metadata["description"]


@pytest.mark.parametrize("interpreter", ["cpython", "micropython"])
@pytest.mark.parametrize(
    ("name", "module"), [("coap", "exchange"), ("msgin5g", "errors"), ("device", "findings")]
)
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
    for path in bytecode.sources(FIRMWARE / name):
        words = path.relative_to(FIRMWARE).with_suffix("").parts
        if words[-1] == "__init__":
            words = words[:-1]
        if len(words) > 1 and not words[-1].startswith("_"):  # such a one is its neighbour's alone
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
    examples = ("docs/provisioning.md", "host_tests/tools/board/", "CHANGELOG.md")
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
    written = {(folder / package.NAME).relative_to(ROOT).as_posix() for folder in package.PACKAGES}
    written.add("typings/pyproject.toml")  # by tools/project/stubs.py
    others = [name for name in listed if not name.startswith(examples) and name not in written]
    assert others in ([], ["firmware/coap/version.py"])
