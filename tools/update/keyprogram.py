# SPDX-License-Identifier: MIT
"""msgin5g keys: the key that signs updates, made and looked at."""

from pathlib import Path

from tools.errors import UsageError
from tools.update import public
from tools.update.keys import HEIGHTS, USUAL, SigningKey, public_path

_SLOW = 1024  # signatures: with more it takes longer than somebody waits in silence


def add_arguments(parser):
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    make = _verb(verbs, "make", "a new key: FILE signs, FILE.pub is for devices", _make)
    make.add_argument("file", metavar="FILE", type=Path, help="the key; nobody else may ever have it")
    make.add_argument(
        "--signatures",
        metavar="N",
        type=_count,
        default=USUAL,
        help=f"how many bundles it can sign: {', '.join(f'{each:,}' for each in HEIGHTS)} (default: {USUAL:,})",
    )
    show = _verb(verbs, "show", "what a key is, and how many signatures are left", _show)
    show.add_argument("file", metavar="FILE", type=Path, help="the key, or its FILE.pub")
    show.add_argument(
        "--public", action="store_true", help="print its public part and nothing else, as FILE.pub has it"
    )
    take = _verb(verbs, "take", "has a key sign that was brought from another machine or account", _take)
    take.add_argument(
        "file", metavar="FILE", type=Path, help="the key; where it came from it must never sign again"
    )
    take.add_argument(
        "--skip",
        metavar="N",
        type=_count,
        required=True,
        help="signatures that may have been made since this copy was: 0 where the file itself was moved here",
    )


def main(args):
    return args.verb(args)


def _verb(verbs, name, summary, main):
    verb = verbs.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    verb.set_defaults(verb=main)
    return verb


def _count(text):
    """argparse's own error names no bounds."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise UsageError(f"{text!r} is no number of signatures")
    return int(text)


def _make(args):
    if _SLOW < args.signatures <= max(HEIGHTS):
        _say("this takes a minute")
    key = SigningKey.make(args.file, args.signatures)
    _say(f"{args.file} signs {key.total:,} bundles: whoever has it can give your devices any program")
    _say(f"{public_path(args.file)} is for devices: msgin5g provision --update-key {public_path(args.file)}")
    return 0


def _show(args):
    try:
        found, key = public.read(args.file), None
    except UsageError:
        try:
            key = SigningKey.open(args.file)
        except UsageError as error:
            raise UsageError(
                f"{error}; nor is it a FILE.pub" if args.file.is_file() else str(error)
            ) from None
        found = key.details
    if args.public:
        print(found.octets.hex())
        return 0
    print(f"key          {found.id.hex()}")
    print(f"public key   {found.octets.hex()}")
    print(f"parameters   {found}: a signature of {found.signature:,} octets")
    if key is not None:
        print(f"signatures   {key.remark}")
        if key.brought:
            print(f"             none by this account: msgin5g keys take {args.file} --skip N")
    return 0


def _take(args):
    key = SigningKey.open(args.file)
    key.take(args.skip)
    _say(key.remark)
    return 0


def _say(sentence):
    print(f"keys: {sentence}", flush=True)
