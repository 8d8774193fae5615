# SPDX-License-Identifier: MIT
"""msgin5g completion: what a shell is to be told so that it completes the commands, by argcomplete."""

import os

import argcomplete
from serial.tools import list_ports

from tools.image import boards

SHELLS = ("bash", "zsh", "fish", "tcsh", "powershell")


def add_arguments(parser):
    parser.description = (
        "What completes commands, options and their values in a shell, to be evaluated there."
    )
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))


def main(args):
    print(argcomplete.shellcode(["msgin5g"], shell=args.shell))
    return 0


def complete(parser_of):
    """For the shell that asks, by argcomplete's variables: what the word at the cursor may become. Ends the process.
    `parser_of(names)`: the parser with the arguments of these commands, so that no other is imported at each key."""
    parser = parser_of(os.environ["COMP_LINE"].split()[1:2])
    for each in walk(parser):
        for action in each._actions:
            if action.metavar in _VALUES:
                action.completer = _VALUES[action.metavar]
    argcomplete.autocomplete(parser, always_complete_options=False)


def walk(parser):
    """A parser and those of its subcommands, of theirs too."""
    yield parser
    for child in parser.children().values():
        yield from walk(child)


def _ports(**_):
    return [port.device for port in list_ports.comports()]


def _boards(**_):
    return boards.names()


# What a value of this name may be. Of others the shell offers files.
_VALUES = {"PORT": _ports, "BOARD": _boards}
