# SPDX-License-Identifier: MIT
"""`make release`: builds what is published, below build/release, with checksums and a bill of materials.

    python -m tools.project.release [--draft] [--tag TAG] [--only NAME ...]

Exit status: 0 all is there, 2 it is not, and a sentence says why.
"""

import hashlib
import os
import shutil
import sys
import time

from tools.cli.parser import Parser
from tools.errors import UsageError
from tools.image import workshop
from tools.project.release import bill
from tools.project.release.artefacts import BUILDERS, FOLDER
from tools.project.release.origins import origins
from tools.project.release.standing import standing
from tools.words import why

SUMS = "SHA256SUMS"
BILL = "bill"


def main(words=None):
    parser = Parser("make release", description="Builds what is published, below build/release.")
    parser.add_argument("--tag", help="what it is released as (default: v and the version)")
    parser.add_argument(
        "--draft", action="store_true", help="build what is no release, too, and say why it is none"
    )
    names = (*BUILDERS, BILL)
    parser.add_argument(
        "--only", metavar="NAME", action="append", choices=names, help=f"of {', '.join(names)}; several times"
    )
    args = parser.parse_args(words)
    try:
        return _release(args)
    except UsageError as error:
        print(f"make release: {error}", file=sys.stderr)
    except OSError as error:  # a full disk, a folder of somebody else
        print(f"make release: {error.filename or FOLDER}: {why(error)}", file=sys.stderr)
    return 2


def _release(args):
    found = standing(args.tag)
    if found.objections and not args.draft:
        raise UsageError(
            "this is no release: %s. To build it all the same: make release ARGS=--draft"
            % "; ".join(found.objections)
        )
    began = time.monotonic()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    made = {}
    for name, build in BUILDERS.items():
        if not args.only or name in args.only:
            _say(name)
            made |= build(found.version, found.epoch, _say)
    if not args.only or BILL in args.only:
        _say(BILL)
        sources = origins(workshop.sources(_say))
        made[f"msgin5g-{found.version}.cdx.json"] = bill.of(found.version, found.epoch, sources)
    made[SUMS] = sums(made)
    for name, octets in made.items():
        (FOLDER / name).write_bytes(octets)
    for name, octets in sorted(made.items()):
        print(f"  {len(octets):>12,}  {name}")
    for objection in found.objections:
        _say(f"A DRAFT: {objection}")
    _say(f"{os.path.relpath(FOLDER)}, version {found.version}, {time.monotonic() - began:.0f} s")
    return 0


def sums(files):
    """What `sha256sum --check` reads."""
    return "".join(
        f"{hashlib.sha256(octets).hexdigest()}  {name}\n" for name, octets in sorted(files.items())
    ).encode()


def _say(sentence):
    print(f"release: {sentence}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
