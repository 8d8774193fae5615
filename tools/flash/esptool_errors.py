# SPDX-License-Identifier: MIT
"""What esptool says when it fails, and what a person can do about it."""

import re

from tools.line import ports

BOOT_MODE = "hold the button BOOT, press and release EN, let BOOT go, and run this again"
LOST = (
    "the board was lost in the middle: look at the cable, and run this again. It starts again once it is "
    "flashed as a whole; its boot loader can't be lost"
)

# The first that is found counts. {0}, {1}: what the expression has in brackets.
TABLE = (
    (r"Lost connection", LOST),  # whatever became of its next try
    (
        r"This chip is (\S+), not (\S+)\.",
        "the board has an {0}, and the image is for an {1}: make one for it",
    ),
    (r"Wrong boot mode detected", "the chip started its program, not its boot loader: " + BOOT_MODE),
    (
        r"Setting RTS/DTR lines is not supported|Chip was NOT reset",
        "the lines DTR and RTS can't be set at {port}, so esptool can't reset the board: "
        + BOOT_MODE
        + ", with --no-reset",
    ),
    (
        r"Download mode successfully detected, but getting no sync reply",
        "the board is in its boot loader and hears nothing: the line from this computer to its RX is broken",
    ),
    (
        r"MD5 of file does not match|Verification failed|Verify failed",
        "the flash does not keep what was written: try --baudrate 115200 and another supply; else it is worn out",
    ),
    (
        r"will not fit in (\d+) bytes of flash|exceed(?:s|ing) (?:the )?flash (?:chip )?size",
        "the image is larger than the flash of this board: make image with another LAYOUT=",
    ),
    (
        r"enter RAM download mode|start stub flasher|enter flash download mode",
        "the chip refuses esptool's loader: try again with --no-stub",
    ),
    (
        r"serial exception error|device disconnected|device reports readiness|Input/output error",
        LOST,
    ),
    (
        r"Invalid head of packet|serial noise|packet content transfer stopped",
        "what comes back is damaged: end other programs that read {port}, try --baudrate 115200 and another cable",
    ),
    (r"No serial data received|Failed to connect", "no boot loader answers at {port}: " + BOOT_MODE),
    (
        r"Failed to write to target flash|Failed to \w+",
        "the chip refused a command, see above: try --no-stub",
    ),
)
OPENING = re.compile(
    r"Could not open (?:.*), the port is busy or doesn't exist\.(?:.*?\[Errno (\d+)\])?", re.DOTALL
)


def explain(output, port, chip):
    """One sentence on the end of esptool's output, after it has failed."""
    opening = OPENING.search(output)
    if opening:
        number = int(opening[1]) if opening[1] else None
        return ports.why(port, OSError(number, "") if number else OSError(output))
    for expression, sentence in TABLE:
        found = re.search(expression, output)
        if found:
            return sentence.format(*found.groups(), port=port, chip=chip)
    return "esptool failed; it said why above"
