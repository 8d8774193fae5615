# SPDX-License-Identifier: MIT
"""The processor, its ROM and MicroPython on it give the right results."""

import math
import os
import runpy
import struct
import subprocess
from pathlib import Path

from tools.programs.micropython import BIN

BATTERY = Path(__file__).with_name("battery.py")


def test_integers_bytes_hashes_and_objects_as_on_the_unix_port(board):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MICROPY")}
    expected = subprocess.run(
        [BIN / "micropython", BATTERY], capture_output=True, text=True, check=True, env=environment
    )
    assert len(expected.stdout.splitlines()) > 350
    assert board.run(BATTERY.read_text()).splitlines() == expected.stdout.splitlines()


def single(value):
    """Rounded to single precision, which the RP2040 has."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


VALUES = [single(v) for v in (0.0, 1.0, -1.0, 0.1, -2.5, 3.1415927, 1e-20, 6.02e23, 1 / 3, 16777217.0, -1e10)]


def test_single_precision_is_rounded_once(board):
    """The four operations and the root have one right answer (IEEE 754, 5.4.1): that of doubles, rounded to single.

    Doubles have more than twice the digits, so rounding twice does no harm.
    """
    code = "import struct, math\nb = lambda x: struct.pack('<f', x)\nfor h in {}:\n a, c = struct.unpack('<ff', h)\n"
    code += " print(b(a + c).hex(), b(a - c).hex(), b(a * c).hex(), b(a / c).hex() if c else '-',"
    code += " b(math.sqrt(a)).hex() if a >= 0 else '-', a < c, a == c)\n"
    pairs = [(a, c) for a in VALUES for c in VALUES]
    lines = board.run(code.format([struct.pack("<ff", a, c) for a, c in pairs])).splitlines()
    assert len(lines) == len(pairs)
    for (a, c), line in zip(pairs, lines, strict=True):
        expected = [
            *(octets(value) for value in (a + c, a - c, a * c)),
            octets(a / c) if c else "-",
            octets(math.sqrt(a)) if a >= 0 else "-",
            str(a < c),
            str(a == c),
        ]
        assert line.split() == expected, (a, c)


def octets(value):
    """Single precision, as hex; beyond it is infinity, and the ROM takes denormals for zero (data sheet 2.8.3.2)."""
    if abs(value) < 2**-126:
        value = math.copysign(0.0, value)
    try:
        return struct.pack("<f", value).hex()
    except OverflowError:
        return struct.pack("<f", math.copysign(math.inf, value)).hex()


def test_functions_of_angles_and_conversions(board):
    """Within 2 units of the last place, what the data sheet (2.8.3.2.3) gives at worst."""
    angles = [0.0, 0.1, 0.5, 1.0, 1.5, 3.0, -2.0, 6.0]
    code = f"import math, struct\nfor x in {angles}:\n"
    code += " print(*(struct.pack('<f', f(x)).hex() for f in (math.sin, math.cos, math.exp, math.atan)))\n"
    for angle, line in zip(angles, board.run(code).splitlines(), strict=True):
        for result, function in zip(line.split(), (math.sin, math.cos, math.exp, math.atan), strict=True):
            (value,) = struct.unpack("<f", bytes.fromhex(result))
            exact = function(single(angle))
            assert abs(value - exact) <= 2 * 2**-23 * max(abs(exact), 2**-20), (function, angle)
    code = "print(int(2.9), int(-2.9), int(1e9), float(2**24 + 1), float(-7), int(16777215.0), 7 // 2.0, -7.5 % 2)"
    assert board.run(code).split() == "2 -2 1000000000 1.677722e+07 -7.0 16777215 3.0 0.5".split()


def test_aes_in_counter_mode(board):
    """NIST SP 800-38A, F.5.1, first two blocks. The unix port has no such mode to compare with."""
    code = """import cryptolib
cipher = cryptolib.aes(bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c"), 6, bytes(range(0xF0, 0x100)))
print(cipher.encrypt(bytes.fromhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")).hex())"""
    expected = "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
    assert board.run(code).strip() == expected


def test_the_random_numbers_differ(board):
    """os.urandom comes from the ring oscillator: no two the same, and about as many ones as zeros."""
    octets = bytes.fromhex(board.run("import os\nprint(os.urandom(512).hex())").strip())
    ones = sum(octet.bit_count() for octet in octets)
    # 4096 bits: mean 2048, standard deviation 32; six of them are reached once in 500 million
    assert abs(ones - 2048) < 6 * 32
    assert len({octets[i : i + 8] for i in range(0, 512, 8)}) == 64


def test_what_the_image_says_of_itself(board):
    code = (
        "import os, sys\nprint(os.uname().machine, os.uname().release, sys.implementation._machine, sep='|')"
    )
    machine, release, implementation = board.run(code).strip().split("|")
    assert machine == implementation == f"MSGin5G {version()} for Raspberry Pi Pico with RP2040"
    assert release == "1.25.0"


def version():
    return runpy.run_path(str(BATTERY.parents[3] / "firmware/coap/version.py"))["VERSION"]
