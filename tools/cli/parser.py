# SPDX-License-Identifier: MIT
"""How all programs read their arguments: each mistake is one line that says what was meant, and the exit code is 2."""

import argparse
import difflib
import re
import sys

from tools.cli import examples
from tools.words import complain

_LOUD = argparse.SUPPRESS


class Parser(argparse.ArgumentParser):
    """argparse's, and so are the parsers of its subcommands. Its --help ends with examples (`cli/examples.py`)."""

    def parse_args(self, args=None, namespace=None):
        given = sys.argv[1:] if args is None else list(args)
        path = self._path(given)
        # First of all: what follows an option that is none would be taken for something else.
        for word in given[: given.index("--") if "--" in given else None]:
            if word.startswith("--"):
                path[-1]._look_at(word.partition("=")[0], path)
        parsed, extra = self.parse_known_args(given, namespace)
        if extra:
            path[-1].error(f"{extra[0]!r} is one word too many")
        return parsed

    def format_help(self):
        lines = examples.of(self.prog.removeprefix("msgin5g").strip())
        shown = "".join(f"  {line}\n" for line in lines)
        return super().format_help() + (f"\nexamples:\n{shown}" if shown else "")

    def error(self, message):
        missing = re.fullmatch(r"the following arguments are required: (.*)", message)
        if missing:
            names = missing[1].split(", ")
            for action in self._actions:
                if isinstance(action, argparse._SubParsersAction) and names[-1] in (
                    action.metavar,
                    action.dest,
                ):
                    names[-1] = f"one of {', '.join(action.choices)}"
            message = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} missing"
        message = " ".join(message.removeprefix("argument ").split())
        program = "msgin5g" if self.prog.startswith("msgin5g") else self.prog
        self.exit(2, f"{program}: {message} (see {self.prog} --help)\n")

    def children(self):
        """{name: parser} of its subcommands."""
        return {
            name: parser
            for action in self._actions
            if isinstance(action, argparse._SubParsersAction)
            for name, parser in action.choices.items()
        }

    def options(self):
        """Its options as they are typed, but for those that are only kept for who knew them."""
        return [
            name for action in self._actions if action.help is not _LOUD for name in action.option_strings
        ]

    def _print_message(self, message, file=None):
        """Unlike argparse's this tells its caller of a disk that is full, and of a reader that ended."""
        print(message or "", end="", file=file or sys.stderr)

    def _check_value(self, action, value):
        if action.choices is None or value in action.choices:
            return
        names = [str(choice) for choice in action.choices]
        if isinstance(action, argparse._SubParsersAction):
            raise argparse.ArgumentError(None, f"there is no command {value}{_meant(value, names)}")
        raise argparse.ArgumentError(action, f"{value!r} is none of {', '.join(names)}{_meant(value, names)}")

    def _path(self, given):
        """The parsers of the subcommands that were named, this one first."""
        path = [self]
        for word in given:
            if word in (children := path[-1].children()):
                path.append(children[word])
        return path

    def _look_at(self, option, path):
        """Ends the program where no parser of the path has the option. argparse takes the beginning of one, too."""
        if not any(name.startswith(option) for parser in path for name in parser._option_string_actions):
            names = [name for parser in reversed(path) for name in parser.options()]
            self.error(f"there is no option {option}{_meant(option, names)}")


class _Renamed(argparse.Action):
    """An option under the name that it had: does what it does now, and says how it is called now."""

    def __init__(self, option_strings, dest, *, now, **_):
        super().__init__(
            option_strings, now.dest, nargs=now.nargs, const=now.const, type=now.type, choices=now.choices,
            default=argparse.SUPPRESS, help=_LOUD,
        )  # fmt: skip
        self._now = now

    def __call__(self, parser, namespace, values, option_string=None):
        name = self._now.option_strings[0]
        complain(f"{option_string} is called {name} now")
        self._now(parser, namespace, values, name)


def renamed(parser, old, now):
    """Keeps `old`, what the option was called before; `now` is what add_argument gave for its name of today."""
    parser.add_argument(old, action=_Renamed, now=now)


def _meant(word, names):
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""
