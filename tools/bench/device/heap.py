# SPDX-License-Identifier: MIT
"""Where the heap of a Client goes that registers and sends: module by module, on the emulated RP2040.

Each module is imported when all that it imports is there, so that what is measured is its own. The board also says what
its names hold: functions, classes and the tables of names, whose sizes follow from MicroPython's source, for words
of 32 bits: py/objfun.h, py/objtype.c (mp_obj_new_type), py/map.c (hash_allocation_sizes). What is left beside
these is what the module's body makes, and, from an .mpy file, its bytecode and new names.
"""

import ast
import json
import tempfile
from pathlib import Path

from tools import private
from tools.bench import Row
from tools.bench.device.rp2040 import BOARD, CORE, PACKAGES, compiled, flash_image
from tools.emulator.client import Emulator, provide
from tools.emulator.repl import RawRepl
from tools.errors import UsageError
from tools.image import bytecode, rp2
from tools.words import counted

BOARD_CODE = """
import gc, sys
import asyncio, hashlib, json, select
SIZES = (0, 1, 2, 4, 6, 8, 10, 12, 17, 23, 29, 37, 47, 59, 73, 97, 127, 167, 223, 293, 389)
def generator():
    yield
FUNCTIONS = (type(lambda: 0), type(generator))
class Package:  # in place of one whose own imports come first
    def __init__(self, name):
        self.__path__ = FOLDER + name.replace(".", "/")
def octets(names):
    return (8 * min(size for size in SIZES if size >= names) + 15) // 16 * 16
def allocated():
    gc.collect()
    gc.collect()
    return gc.mem_alloc()
def count(names, module, found):
    for value in names.values():
        if isinstance(value, FUNCTIONS):
            found[0] += 1
        elif isinstance(value, property):
            found[0] += 2  # with its function
        elif isinstance(value, type) and value.__dict__.get("__module__") == module:
            found[1] += 1
            found[2] += 80 + octets(len(value.__dict__))
            count(value.__dict__, "", found)
def account(name):
    package = name.rpartition(".")[0]
    if package and package not in sys.modules:
        sys.modules[package] = Package(package)
    place = sys.modules.pop(name, None)
    loaded = len(sys.modules)
    before = allocated()
    module = __import__(name, None, None, ("x",))
    if place:
        for each in dir(place):
            if not each.startswith("__"):
                setattr(module, each, getattr(place, each))
    place = None
    taken = allocated() - before
    found = [0, 0, 0]
    count(module.__dict__, name, found)
    names = len(module.__dict__)
    return [name, taken, len(sys.modules) - loaded] + found + [names, 32 + octets(names)]
"""
FUNCTION = 16  # octets, without defaults of its arguments


def measure():
    provide()
    image = rp2.build(BOARD, rp2.ROOT / "build" / BOARD)
    with tempfile.TemporaryDirectory() as folder:
        frozen = taken(image, Path(folder) / "frozen.bin", {})
        files = taken(image, Path(folder) / "files.bin", compiled(Path(folder)))
    for row, (_, octets, *_) in sorted(zip(frozen, files, strict=True), key=lambda pair: -pair[0][1]):
        yield Row(described(row), row[1], "octets")
        yield Row(f"  {row[0]} from .mpy files", octets, "octets")
    yield Row("all, frozen", sum(row[1] for row in frozen), "octets")
    yield Row("all, from .mpy files", sum(row[1] for row in files), "octets")


def described(row):
    """What a module's heap is, in words."""
    name, octets, _, functions, classes, of_classes, names, of_module = row
    rest = octets - functions * FUNCTION - of_classes - of_module
    parts = ", ".join(
        (
            f"{counted(functions, 'function')} {functions * FUNCTION}",
            f"{counted(classes, 'class', 'classes')} {of_classes}",
            f"{counted(names, 'name')} {of_module}",
        )
    )
    return f"{name}: {parts}, rest {rest}"


def taken(image, flash, contents):
    """[module, octets, modules loaded (1), functions, classes, their octets, names, octets of the module] of each."""
    private.replace(flash, flash_image(contents))
    folder = "" if contents else ".frozen/"
    with Emulator(image, flash=flash, options=["--virtual", "--quiet"]) as pico:
        repl = RawRepl(pico.ports["repl"])
        try:
            repl.run(f"FOLDER = {folder!r}\n{BOARD_CODE}")
            rows = []
            for name in Order().of(CORE):
                row = json.loads(repl.run(f"print(json.dumps(account({name!r})))"))
                if row[2] != 1:
                    raise UsageError(f"bench: {name} loaded {counted(row[2], 'module')} where it should be 1")
                rows.append(row)
            return rows
        finally:
            repl.close()


class Order:
    """The firmware's modules that some code has loaded in the end, each behind those that it imports itself."""

    def __init__(self, firmware=bytecode.FIRMWARE):
        self._firmware = firmware
        self._begun = set()
        self._found = []
        self._homes = {}  # of names that msgin5g finds when they are asked for
        for node in ast.parse((firmware / "msgin5g/__init__.py").read_text()).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOMES":
                for home, *names in map(str.split, ast.literal_eval(node.value.args[0]).split("\n")):
                    home = home if home.startswith("coap.") else f"msgin5g.{home}"
                    self._homes |= dict.fromkeys(names, home)

    def of(self, code):
        """Their names."""
        self._scan(code, "")
        return self._found

    def _load(self, name):
        path = self._firmware.joinpath(*name.split("."))
        source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if name in self._begun or name.split(".")[0] not in PACKAGES or not source.is_file():
            return
        above = name.rpartition(".")[0]
        self._load(above)
        self._begun.add(name)
        self._scan(source.read_text(), name if path.is_dir() else above)
        self._found.append(name)

    def _scan(self, text, package):
        for node in ast.parse(text).body:  # and not what stands for types alone, or within functions
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self._load(alias.name)
            elif isinstance(node, ast.ImportFrom):
                words = package.split(".")
                above = words[: len(words) - node.level + 1] if node.level else []
                base = ".".join([*above, *([node.module] if node.module else [])])
                self._load(base)
                for alias in node.names:
                    late = self._homes.get(alias.name) if base == "msgin5g" else None
                    self._load(late or f"{base}.{alias.name}")
