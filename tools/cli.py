# SPDX-License-Identifier: MIT
"""msgin5g: the host command behind the verbs of the Makefile."""

import argparse
import importlib
import sys

# Each module has add_arguments(parser) and main(args) -> exit code. It is imported only when it is asked for, so that
# `msgin5g device` does not wait for what the gateway needs.
COMMANDS = {
    "gateway": ("tools.gateway.program", "the emulated gateway with its server"),
    "device": ("tools.device", "a device on this machine: the firmware on real MicroPython"),
    "demo": ("tools.demo", "gateway, server and device together, step by step"),
    "impair": ("tools.impair", "a bad network between devices and the gateway"),
    "bench": ("tools.bench", "the measured table of the README"),
}


class UsageError(Exception):
    """The user can put it right; the text is one line that says how. Ends the program with exit code 2."""


def main(argv=None):
    argv = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(prog="msgin5g", description=__doc__.partition(": ")[2])
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, (module, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if argv[:1] == [name]:
            implementation = _implementation(name, module)
            implementation.add_arguments(command)
            command.set_defaults(main=implementation.main)
    args = parser.parse_args(argv)
    try:
        return args.main(args)
    except UsageError as error:
        print(f"msgin5g: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _implementation(name, module):
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        # Only "not there yet" is ours to explain. A module that fails in its own imports shows its traceback.
        if not (module + ".").startswith(f"{error.name}."):
            raise
        print(f"msgin5g: the command {name} is not part of this version", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    sys.exit(main())
