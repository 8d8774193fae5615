# SPDX-License-Identifier: MIT
"""msgin5g repl: mpremote's REPL on the board that is found, in place of this process."""

import os
import shlex
import sys

from tools.errors import UsageError
from tools.image import boards
from tools.line import ports


def add_arguments(parser):
    parser.add_argument("--port", metavar="PORT", help="default: the one board that is plugged in")
    parser.add_argument(
        "--board",
        metavar="BOARD",
        help=f"the kind of board that is looked for: {', '.join(boards.having('usb'))}",
    )


def main(args):
    if args.board:
        boards.board_data(args.board)  # one that is not there is said, whatever the port
    port = args.port or ports.find(args.board)
    # One that was found is there; what does not begin so mpremote knows by names of its own.
    if args.port and port.startswith("/") and not os.path.exists(port):
        raise UsageError(ports.why(port, FileNotFoundError()))
    command = ["mpremote", "connect", port, "repl"]
    print(f"repl: {shlex.join(command)}", flush=True)
    os.execv(sys.executable, [sys.executable, "-m", *command])
