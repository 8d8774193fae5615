# SPDX-License-Identifier: MIT
"""msgin5g: the host command behind the verbs of the Makefile."""

import argparse
import importlib.util
import io
import sys

from tools.errors import UsageError

# Each module has add_arguments(parser) and main(args) -> exit code, and raises UsageError for what the user can put
# right. It is imported only when it is asked for, so that `msgin5g device` does not wait for what the gateway needs.
COMMANDS = {
    "gateway": ("tools.gateway.program", "the emulated gateway with its server"),
    "server": ("tools.gateway.serverprogram", "the MSGin5G Server by itself, for gateways with --upstream"),
    "relay": ("tools.gateway.running.relay.program", "a Relay UE: datagrams between devices and a server"),
    "as": ("tools.application.program", "an Application Server: listens for messages, or sends one"),
    "device": ("tools.device", "a device on this machine: the firmware on real MicroPython"),
    "demo": ("tools.demo", "gateway, server and device together, step by step"),
    "impair": ("tools.impair", "a bad network between devices and the gateway"),
    "image": ("tools.image.program", "the image to flash, under build/BOARD/"),
    "emulate": ("tools.emulator.program", "the image booted in an emulator, for mpremote and the gateway"),
    "provision": (
        "tools.provision.program",
        "a device's configuration and keys, onto its board and to the gateway",
    ),
    "flash": ("tools.flash.program", "the image onto a board"),
    "repl": ("tools.line.repl", "the REPL of a board, by mpremote"),
    "board": ("tools.project.newboard", "a folder of boards/ to begin a board with"),
    "trace": ("tools.trace", "one line for each message of a capture or a serial line"),
    "bench": ("tools.bench", "what things cost, beside their limits and beside peers"),
}


def main(argv=None):
    argv = sys.argv[1:] if argv is None else argv
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal cannot show is no failure
            stream.reconfigure(errors="backslashreplace")
    try:
        args = _parsed(argv)
        return args.main(args)
    except UsageError as error:
        print(f"msgin5g: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parsed(argv):
    """The arguments, with the `main` of their command. Raises UsageError, for options may name what files say."""
    parser = argparse.ArgumentParser(prog="msgin5g", description="Host side of MSGin5G for MicroPython.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, (module, summary) in COMMANDS.items():
        if not is_there(name):
            continue
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if argv[:1] == [name]:
            implementation = importlib.import_module(module)
            implementation.add_arguments(command)
            command.set_defaults(main=implementation.main)
    return parser.parse_args(argv)


def is_there(name):
    """True for a command that this version has."""
    return importlib.util.find_spec(COMMANDS[name][0]) is not None


if __name__ == "__main__":
    sys.exit(main())
