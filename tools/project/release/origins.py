# SPDX-License-Identifier: MIT
"""What the images are compiled from: each with the version that its own files say, and its licence."""

import re

from tools.errors import UsageError
from tools.image import workshop

# Beside each other in the tree of MicroPython: file, the words behind which parts of the version stand, licence
_FILES = {
    "pico-sdk": (
        "lib/pico-sdk/pico_sdk_version.cmake",
        ("set(PICO_SDK_VERSION_MAJOR", "set(PICO_SDK_VERSION_MINOR", "set(PICO_SDK_VERSION_REVISION"),
        "BSD-3-Clause",
    ),
    "tinyusb": (
        "lib/tinyusb/src/tusb_option.h",
        ("#define TUSB_VERSION_MAJOR", "#define TUSB_VERSION_MINOR", "#define TUSB_VERSION_REVISION"),
        "MIT",
    ),
    "mbedtls": (
        "lib/mbedtls/include/mbedtls/build_info.h",
        ("#define MBEDTLS_VERSION_MAJOR", "#define MBEDTLS_VERSION_MINOR", "#define MBEDTLS_VERSION_PATCH"),
        "Apache-2.0 OR GPL-2.0-or-later",
    ),
}


def origins(tree):
    """{name: (version, licence)}, of the tree of `workshop.sources`. Raises UsageError."""
    found = {"micropython": (workshop.MICROPYTHON, "MIT")}
    for name, (path, words, licence) in _FILES.items():
        text = (tree / path).read_text()
        numbers = [re.search(re.escape(word) + r"\s+(\d+)", text) for word in words]
        if not all(numbers):
            raise UsageError(f"{tree / path} does not say which version of {name} it is of")
        found[name] = (".".join(number[1] for number in numbers), licence)
    return found
