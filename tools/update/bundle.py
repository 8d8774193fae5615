# SPDX-License-Identifier: MIT
"""msgin5g bundle: makes a signed bundle, and says what is in one."""

import argparse
import errno
import os
import time
from pathlib import Path

from tools.errors import UsageError
from tools.image import boards, bytecode
from tools.update import contents, format, shown
from tools.words import why

KEY = "updates.key"
_ESP32 = "esp32"


def add_arguments(parser):
    parser.add_argument(
        "app",
        metavar="APP",
        nargs="*",
        help="app.py, and what belongs to it: modules, folders, data. A folder with an app.py is the application;"
        " another one keeps its name",
    )
    what = parser.add_argument_group("what is in it beside, or instead")
    what.add_argument(
        "--firmware",
        metavar="MODULE",
        nargs="+",
        action="extend",
        default=[],
        help="packages of the firmware in place of those that the device has: firmware/msgin5g/rules, or a module"
        " that is in one",
    )
    what.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="changes of the device's msgin5g.json, members that are null go away (RFC 7396)",
    )
    what.add_argument(
        "--image",
        metavar="FILE",
        type=Path,
        help="MicroPython for the ESP32, from https://micropython.org/download/",
    )
    what.add_argument("--show", metavar="BUNDLE", type=Path, help="only say what is in a bundle")
    what.add_argument(
        "--public", metavar="FILE", type=Path, help="of --show: the public key that its signature is to be of"
    )
    said = parser.add_argument_group("what its manifest says")
    said.add_argument("--version", metavar="TEXT", help="for people: 1.4")
    said.add_argument("--name", metavar="TEXT", help="default: that of the first APP")
    said.add_argument(
        "--board",
        metavar="BOARD",
        action="append",
        help="which boards it is for; may be given again; `any` sends .py files as they are",
    )
    said.add_argument(
        "--number",
        metavar="N",
        type=_whole,
        help="the larger one is newer (default: seconds since 1970, or SOURCE_DATE_EPOCH)",
    )
    said.add_argument("--needs", metavar="VERSION", help="of the firmware at least (default: the one here)")
    said.add_argument(
        "--permit",
        metavar="N",
        type=_whole,
        help="let devices go back to it that have confirmed numbers up to this one",
    )
    said.add_argument(
        "--trial",
        metavar="S",
        type=_whole,
        default=format.TRIAL,
        help="time that it has to prove itself (default: %(default)s)",
    )
    said.add_argument(
        "--confirm",
        action="store_true",
        help="the application says update.confirm(); being registered is not enough",
    )
    parser.add_argument("-o", "--out", metavar="FILE", type=Path, help="default: NAME-VERSION.bundle")
    parser.add_argument(
        "--key", metavar="FILE", default=KEY, help="what signs it, of `msgin5g keys` (default: %(default)s)"
    )


def _whole(text):
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"takes a whole number, not {text!r}") from None


def main(args):
    _refuse_ignored(args)
    if args.show is not None:
        return shown.show(args.show, args.public)
    from tools.update.keys import SigningKey  # --show needs none of it

    bundle = make(args)
    out = args.out or Path(f"{bundle.manifest.name}-{bundle.manifest.version}.bundle")
    key = SigningKey.open(args.key)
    signed = _write(out, bundle, key)
    manifest = signed.manifest
    print(f"bundle: {out}, {len(signed.octets()):,} octets: {shown.title(manifest)}, {signed.id}")
    for remark in [*_remarks(args, manifest), key.remark]:
        print(f"bundle: {remark}")
    return 0


def make(args):
    """The Bundle that the arguments ask for, without a signature. Raises UsageError."""
    if args.version is None:
        raise UsageError("which version is it? --version 1.4, for people: the number decides what is newer")
    named, kind, files = _files(args)
    mpy = [name for name in files if name.endswith(".mpy")]
    try:
        manifest = format.Manifest(
            kind,
            args.name or _name(args),
            args.version,
            _number() if args.number is None else args.number,
            boards=named,
            needs=("=" if args.firmware else "") + (args.needs or boards.version()),
            files=tuple(format.file_of(path, octets) for path, octets in sorted(files.items())),
            mpy=bytecode.mpy_of(files) if mpy else None,
            permit=args.permit,
            trial=args.trial,
            confirm=args.confirm,
        )
        signed = manifest.octets()
    except format.FormatError as error:
        raise UsageError(f"this would be no bundle: {error}") from None
    return format.Bundle(manifest, signed, b"", b"".join(files[file.path] for file in manifest.files))


# ---- what was asked for


def _refuse_ignored(args):
    """Options that would be passed over in silence, and what cannot be together."""
    ways = {
        "APP": args.app or args.firmware,
        "--config": args.config,
        "--image": args.image,
        "--show": args.show,
    }
    given = [way for way, value in ways.items() if value]
    if len(given) != 1:
        raise UsageError(
            "what is it of? Name the files of an application, or one of --config, --image, --show"
            if not given
            else f"{' and '.join(given)}: one bundle is one of them"
        )
    if args.public is not None and not args.show:
        raise UsageError("--public is of --show")
    if args.firmware and args.needs is not None:
        raise UsageError(
            f"--needs has no place beside --firmware: such modules fit firmware {boards.version()} alone, this one"
        )
    if args.show:
        others = ("version", "name", "board", "number", "needs", "permit", "out")
        if idle := [name for name in others if getattr(args, name) is not None]:
            raise UsageError(f"--show only looks: --{idle[0]} has no place beside it")


def _files(args):
    """(boards, kind, {path: octets})"""
    if args.config:
        named = _boards(args.board or [format.ANY])
        return named, format.CONFIG, {format.CONFIG_PATH: contents.configuration(args.config)}
    if args.image:
        named = _boards(args.board or [_ESP32])
        return named, format.IMAGE, {format.IMAGE_PATH: contents.image(args.image, named)}
    if not args.board:
        raise UsageError(f"which board is it for? --board {' or --board '.join(boards.names() or ['BOARD'])}")
    named = _boards(args.board)
    if args.firmware and format.ANY in named:
        raise UsageError("--firmware is compiled, for boards that are named: --board rp2040 in place of any")
    files = contents.application(args.app, format.ANY not in named) if args.app else {}
    return named, format.APP, files | contents.firmware(args.firmware, named)


def _boards(given):
    """Names of boards, each once, in the order of the alphabet."""
    for name in given:
        if name != format.ANY and boards.is_clone():
            boards.board_data(name)
    return tuple(sorted(set(given)))


def _name(args):
    if args.config:
        return "config"
    if args.image:
        return "micropython"
    first = Path((args.app or args.firmware)[0])
    return first.resolve().name if first.is_dir() else first.stem


def _number():
    said = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        return int(time.time() if said is None else said)
    except ValueError:
        raise UsageError(f"SOURCE_DATE_EPOCH is seconds since 1970, not {said!r}") from None


def _remarks(args, manifest):
    """What somebody may not expect of a bundle that holds what was asked for."""
    loaded = sum(file.size for file in manifest.files if file.path.startswith("fw/"))
    if loaded:
        yield f"{loaded:,} octets of the firmware are loaded into the heap, where frozen modules take little of it"
    if args.firmware and not args.app:
        yield "no APP is in it: a device runs the one that was flashed, whatever earlier updates brought"


# ---- the signature


def _write(path, bundle, key):
    """The Bundle, signed, that is now in this file: in one step, so that whoever finds it finds a whole one. It is
    signed last, once there is a place for it: no signature is used up for nothing. Raises UsageError."""
    if path.is_dir():
        raise UsageError(f"--out {path}: {why(IsADirectoryError(errno.EISDIR, ''))}")
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(new, "xb") as file:
            signature = key.sign(bundle.signed)
            signed = format.Bundle(bundle.manifest, bundle.signed, signature, bundle.contents)
            file.write(signed.octets())
        new.replace(path)
    except OSError as error:
        raise UsageError(f"--out {path}: {why(error)}") from None
    finally:
        new.unlink(missing_ok=True)
    return signed
