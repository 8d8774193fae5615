# SPDX-License-Identifier: MIT
"""What a bundle says, in words, and whether its signature is right."""

import time

from tools.errors import UsageError
from tools.update import format, public
from tools.words import counted, why

_WRONG = 1  # exit code


def read(path):
    """The Bundle in a file. Raises UsageError."""
    try:
        with open(path, "rb") as file:
            octets = file.read(format.MAX_BUNDLE + 1)
        return format.read(octets)
    except OSError as error:
        raise UsageError(f"{path}: {why(error)}") from None
    except format.FormatError as error:
        raise UsageError(f"{path}: {error}") from None


def title(manifest):
    """The bundle in a few words."""
    what = "" if manifest.kind == format.APP else f" ({manifest.kind})"
    return f"{manifest.name} {manifest.version}{what}"


def show(path, path_of_key=None):
    """Prints all that is in a bundle. The exit code: 1 where it is not signed by the key that is in another file."""
    bundle = read(path)
    key = None if path_of_key is None else public.read(path_of_key).octets
    for line in lines(bundle):
        print(line)
    if key is None:
        print(f"signature of {len(bundle.signature):,} octets: --public FILE.pub says whether it is right")
        return 0
    right = is_signed(key, bundle.signed, bundle.signature)
    print(
        "signature is right"
        if right
        else f"signature is wrong: no device with the key of {path_of_key} takes it"
    )
    return 0 if right else _WRONG


def lines(bundle):
    """The manifest as text, and the files with their octets."""
    manifest = bundle.manifest
    yield f"{title(manifest)}, {bundle.id}"
    yield f"number {manifest.number}{_date(manifest.number)}"
    everywhere = manifest.boards == (format.ANY,)
    boards = "any board" if everywhere else ", ".join(manifest.boards)
    mpy = "" if manifest.mpy is None else f", .mpy files of version {manifest.mpy}"
    only, version = manifest.needs.startswith("="), manifest.needs.removeprefix("=")
    yield f"for {boards}{mpy}; firmware {version}{' only' if only else ' or newer'}"
    if manifest.permit is not None:
        yield f"devices may go back to it that have confirmed numbers up to {manifest.permit}{_date(manifest.permit)}"
    proof = "the application confirms it" if manifest.confirm else "the device is registered"
    yield f"on trial for {manifest.trial} s, until {proof}"
    yield f"{counted(len(manifest.files), 'file')}, {counted(manifest.contents, 'octet')}"
    for file in manifest.files:
        yield f"  {file.size:>9,}  {file.path}"


def _date(number):
    """A number that is a time as the default is, as a date."""
    if number < 10**9:
        return ""
    return time.strftime(" (%Y-%m-%d %H:%M:%S UTC)", time.gmtime(number))


def is_signed(key, octets, signature):
    """Whether this is a signature of these octets by who has the secret part of this public key, octets."""
    from pyhsslms import pyhsslms

    try:
        # It passes over what stands behind a signature, which a device does not.
        whole = pyhsslms.HssSignature.deserialize(signature).serialize() == signature
        return whole and bool(pyhsslms.HssPublicKey.deserialize(key).verify(octets, signature))
    except (ValueError, IndexError, KeyError, TypeError):
        return False
