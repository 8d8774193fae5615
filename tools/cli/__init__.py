# SPDX-License-Identifier: MIT
"""msgin5g: the host command behind the verbs of the Makefile."""

import argparse
import importlib
import io
import os
import sys

from tools.cli.parser import Parser
from tools.errors import UsageError
from tools.page.sinks import give_up_stdout
from tools.words import complain, with_name

# Each module has add_arguments(parser) and main(args) -> exit code, and raises UsageError for what the user can put
# right. It is imported only when it is asked for, so that `msgin5g device` does not wait for what the gateway needs.
COMMANDS = {
    "gateway": ("tools.gateway.program", "the emulated gateway with its server"),
    "server": ("tools.gateway.serverprogram", "the MSGin5G Server by itself, for gateways with --upstream"),
    "store": (
        "tools.store.engine.copying.program",
        "a server's store copied from a file into PostgreSQL, or back",
    ),
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
    "keys": ("tools.update.keyprogram", "the key that signs updates of devices"),
    "update": ("tools.update.program", "bundles to devices, by stages, and what becomes of each device"),
    "flash": ("tools.flash.program", "the image onto a board"),
    "bundle": (
        "tools.update.bundle",
        "an update of devices, signed: an application, configuration, MicroPython",
    ),
    "repl": ("tools.line.repl", "the REPL of a board, by mpremote"),
    "board": ("tools.project.newboard", "a folder of boards/ to begin a board with"),
    "trace": ("tools.trace", "who said what to whom: a picture, or one line for each message"),
    "doctor": ("tools.doctor", "what this machine has and lacks, with what to do"),
    "bench": ("tools.bench", "what things cost, beside their limits and beside peers"),
    "completion": ("tools.cli.completion", "what a shell is told so that it completes all of this"),
}

# They want firmware and boards.
OF_A_CLONE = ("device", "demo", "image", "emulate", "provision", "flash", "board", "bench")
_READER_ENDED = 141  # as the shell says it of a program that SIGPIPE ended: 128 + 13


def main(argv=None):
    argv = sys.argv[1:] if argv is None else argv
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal cannot show is no failure
            stream.reconfigure(errors="backslashreplace")
    try:
        return _ended(_run(argv))
    except UsageError as error:
        return _mistake(str(error))
    except BrokenPipeError:  # `| head` has seen enough
        give_up_stdout()
        return _READER_ENDED
    except OSError as error:
        return _mistake(with_name(error))
    except KeyboardInterrupt:
        return 130


def _mistake(sentences):
    complain(sentences)
    try:
        return _ended(2)
    except OSError:  # it is about stdout, and was said
        give_up_stdout()
        return 2


def _ended(code):
    """The exit code, once all is out. Raises OSError where it cannot go out: later nobody could say so in words."""
    if sys.stdout is not None:
        sys.stdout.flush()
    return code


def _run(argv):
    if "_ARGCOMPLETE" in os.environ:
        from tools.cli import completion

        completion.complete(parser_of)
    parser = parser_of(argv[:1])
    if not argv:  # a question, not a mistake: what is there?
        parser.print_help()
        return 0
    try:
        args = parser.parse_args(argv)
    except SystemExit as end:  # --help, or a mistake that was said
        _ended(end.code)
        raise
    if argv[0] in OF_A_CLONE:
        _needs_a_clone(argv[0])
    return args.main(args)


def _needs_a_clone(command):
    from tools.image import boards

    if not boards.is_clone():
        raise UsageError(
            f"{command} is for a clone of the project, which has firmware and boards: a wheel has the tools alone"
        )


def parser_of(names):
    """The parser of `msgin5g`, with the arguments of the commands of these names; the others have but a summary."""
    parser = Parser(prog="msgin5g", description="Host side of MSGin5G for MicroPython.")
    parser.add_argument("--version", action=_Version, nargs=0, help="say which version this is, and end")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, (module, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if name in names:
            implementation = importlib.import_module(module)
            implementation.add_arguments(command)
            command.set_defaults(main=implementation.main)
    return parser


class _Version(argparse.Action):
    """argparse's own wants to know the version of each start."""

    def __call__(self, parser, namespace, values, option_string=None):
        from tools.image.boards import version

        print(f"msgin5g {version()}")
        parser.exit()
