# SPDX-License-Identifier: MIT
"""Prints the table of docs/bench.md, "Wi-Fi": the link on the ESP32 port's own C, in virtual time.

python -m host_tests.esp32.wifi
"""

import os
import subprocess
import sys
from pathlib import Path

from host_tests.esp32.chip import PATH
from host_tests.esp32.idf import build
from host_tests.interpreters import HELPERS, ROOT
from tools.errors import UsageError

HERE = Path(__file__).parent


def main():
    """Returns the exit code."""
    try:
        program = build.build(say=lambda text: print(text, file=sys.stderr))
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    path = (*PATH, HERE, HERE.parent, ROOT / "firmware", *HELPERS, ".frozen")
    return subprocess.run(
        [program, "-X", "heapsize=1m", "-c", "import figures; figures.show()"],
        env={**os.environ, "MICROPYPATH": ":".join(map(str, path))},
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
