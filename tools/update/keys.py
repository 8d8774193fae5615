# SPDX-License-Identifier: MIT
"""The key that signs updates: HSS of one level (RFC 8554), by pyhsslms. Each signature uses up one of its one-time
keys, and who sees two signatures under one of these can forge: so no number is ever used twice.

The next number stands in two places: in the file of the key, and in a record of this account, by the key's identifier.
Both are on the disk before there is a signature, and the higher one counts: so a file that was restored, or a copy
beside it, goes on where the other was. A file without a record was brought here, and nobody knows what was signed with
it elsewhere: it signs nothing until a person has said how many to leave out.
"""

import contextlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from pyhsslms import pyhsslms

from tools import held, private
from tools.errors import UsageError
from tools.update import public
from tools.words import complain, counted, why

HEIGHTS = {32: 5, 1024: 10, 32768: 15}  # signatures: height of the tree
USUAL = 1024
FEW = 10  # left: it is time for another key
# The one-time signature with digits of 4 bits: of 2,176 octets, and eight times as quick for a device as the shortest.
_KINDS = {5: pyhsslms.lms_sha256_m32_h5, 10: pyhsslms.lms_sha256_m32_h10, 15: pyhsslms.lms_sha256_m32_h15}
_ONE_TIME = pyhsslms.lmots_sha256_n32_w4
_SIZE = 32
_MEMBER, _FORM = "msgin5g signing key", 1
_HEAD = 64  # octets of a file, in which it says that it is one
_LONGEST = 8 << 20  # octets of a file that is looked at
_PATIENCE = 30  # s until another program has signed


@dataclass(frozen=True)
class _Secret:
    """What the file says. `leaves`: the public keys of all one-time keys, one behind the other, which take a second to
    be found anew."""

    public: public.PublicKey
    seed: bytes
    leaves: bytes
    next: int

    def octets(self, number):
        """The file, with this number as the next one."""
        said = {
            _MEMBER: _FORM,
            "public": self.public.octets.hex(),
            "next": number,
            "seed": self.seed.hex(),
            "leaves": self.leaves.hex(),
        }
        return json.dumps(said, indent=0).encode() + b"\n"


class _Tree(pyhsslms.LmsPrivateKey):
    """The library's key of one tree, which signs under one number, and takes the leaves as they are."""

    def __init__(self, secret, number):
        # The library's own would work out each leaf.
        self.lms_type, self.lmots_type = _KINDS[secret.public.height], _ONE_TIME
        self.I, self.SEED, self.q = secret.public.id, secret.seed, number
        self.ots_priv = {number: _one_time(self.I, self.SEED, number)}
        self.ots_pub = [
            pyhsslms.LmotsPublicKey(self.I, b"", secret.leaves[at : at + _SIZE], _ONE_TIME)
            for at in range(0, len(secret.leaves), _SIZE)
        ]
        self._nodes = {}
        self.pub = self._T(1)


def _one_time(identifier, seed, number):
    return pyhsslms.LmotsPrivateKey(I=identifier, q=pyhsslms.u32(number), SEED=seed, lmots_type=_ONE_TIME)


class SigningKey:
    """A key in a file. `public` is what a device has of it, 60 octets; `left`: the signatures that are left of `total`,
    as far as this account knows."""

    def __init__(self, path, secret):
        """`secret`: what the file says, of open() or make()."""
        self.path = path
        self.details = secret.public
        self.public = secret.public.octets
        self.total = 2**secret.public.height
        recorded = _Record(self.details.id).next()
        self.brought = recorded is None  # from elsewhere: it signs nothing
        self.left = self.total - max(secret.next, recorded or 0)

    @classmethod
    def open(cls, path):
        """The key in this file, which other accounts cannot read from then on. Raises UsageError."""
        secret = _read(path)
        if private.mend(path):
            complain(private.MENDED.format(path))
        return cls(Path(path), secret)

    @classmethod
    def make(cls, path, signatures=USUAL):
        """A new key in a new file, for so many signatures at least, and its public part in a file beside it. Raises
        UsageError."""
        path = Path(path)
        total = min((each for each in HEIGHTS if each >= signatures > 0), default=None)
        if total is None:
            raise UsageError(f"a key has 1 to {max(HEIGHTS):,} signatures, not {signatures}")
        for each in (path, public_path(path)):
            if each.exists() or each.is_symlink():
                raise UsageError(f"{each} is there already: take another name, a key is never replaced")
        identifier, seed = os.urandom(16), os.urandom(_SIZE)
        leaves = b"".join(_one_time(identifier, seed, each).publicKey().K for each in range(total))
        kind = pyhsslms.u32(1) + _KINDS[HEIGHTS[total]] + _ONE_TIME
        form = public.parse(kind + identifier + bytes(_SIZE))
        root = _Tree(_Secret(form, seed, leaves, 0), 0).pub
        secret = _Secret(public.parse(kind + identifier + root), seed, leaves, 0)
        with _words("no key was made"), _Record(identifier) as record:
            record.write(0)
            with contextlib.ExitStack() as undone:
                for each in (public_path(path), path):
                    open(each, "x").close()  # not over what came there meanwhile
                    undone.callback(each.unlink, missing_ok=True)
                public_path(path).write_text(secret.public.octets.hex() + "\n")
                _put(path, secret.octets(0))
                undone.pop_all()
        return cls(path, secret)

    def sign(self, octets):
        """The HSS signature of these octets. Raises UsageError where none is left, or where the number that it uses up
        can't be kept; then there is none."""
        with _words("nothing was signed"), _Record(self.details.id) as record:
            secret = _read(self.path)
            if secret.public != self.details:
                raise UsageError(f"{self.path} has become another key meanwhile: begin anew")
            recorded = record.next()
            if recorded is None:
                raise UsageError(
                    f"{self.path} was brought from another machine or account, and what it signed there is not known: "
                    f"msgin5g keys take {self.path} --skip N, where the other one never signs again"
                )
            number = max(secret.next, recorded)
            self.left = self.total - number
            if self.left <= 0:
                raise UsageError(
                    f"{self.path} has no signature left: msgin5g keys make makes another key, which devices have to be "
                    "provisioned with"
                )
            signer = _Tree(secret, number)
            if signer.pub != secret.public.octets[-_SIZE:]:
                raise UsageError(f"{self.path} is damaged: take the copy that you have of it")
            _put(self.path, secret.octets(number + 1))
            record.write(number + 1)
            self.left -= 1
            signature = pyhsslms.u32(0) + signer.sign(octets)
        if not pyhsslms.HssPublicKey.deserialize(self.public).verify(octets, signature):
            raise UsageError(f"{self.path} is damaged: take the copy that you have of it")
        return signature

    def take(self, skip):
        """Has a key that was brought here sign from now on, and leaves out the next `skip` numbers, which may have been
        used elsewhere. Raises UsageError."""
        with _words("it was not taken"), _Record(self.details.id) as record:
            secret = _read(self.path)
            number = min(max(secret.next, record.next() or 0) + skip, self.total)
            _put(self.path, secret.octets(number))
            record.write(number)
        self.brought = False
        self.left = self.total - number

    @property
    def remark(self):
        """A sentence on what is left."""
        said = f"{counted(self.left, 'signature is', 'signatures are')} left of {self.total:,} in {self.path}"
        if self.left > FEW:
            return said
        return f"WARNING: {said}; devices get another key by hand only: make one in time, msgin5g keys make"


def is_one(octets):
    """Whether these are the octets of a file of a key that signs."""
    return _MEMBER.encode() in octets[:_HEAD]


def public_path(path):
    """Where the public part of a key is put: FILE.pub."""
    return path.with_name(path.name + ".pub")


class _Record:
    """What this account knows of a key: the number that is next. Entered, it is held against other programs."""

    def __init__(self, identifier):
        base = os.environ.get("XDG_STATE_HOME", "")
        home = base if base.startswith("/") else os.path.expanduser("~/.local/state")
        self._folder = Path(home) / "msgin5g" / "keys" / identifier.hex()
        self._path = self._folder / "next"
        self._held = None

    def next(self):
        """None where there is no record of it. Raises UsageError."""
        try:
            return int(self._path.read_text())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UsageError(f"{self._path}: {why(error)}") from None
        except ValueError:
            raise UsageError(
                f"{self._path} is damaged: write how many signatures the key has used into it, or more"
            ) from None

    def write(self, number):
        _put(self._path, b"%d\n" % number)

    def __enter__(self):
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                self._held = held.hold_folder(self._folder)
                return self
            except held.Held as error:
                if time.monotonic() > until:
                    raise UsageError(f"{error} is signing with the same key: run it again then") from None
                time.sleep(0.02)

    def __exit__(self, *error):
        os.close(self._held)


def _put(path, octets):
    """Replaces a file, and returns once the disk has it, its name too. Raises OSError."""
    path = Path(os.path.realpath(path))  # where a link leads: not the link is replaced
    private.replace(path, octets)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextlib.contextmanager
def _words(then):
    """An OSError within becomes a UsageError, which says what has not been done."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{then}: {error.filename or 'the key'}: {why(error)}") from None


def _read(path):
    """The _Secret in a file. Raises UsageError, which quotes nothing of it."""
    try:
        with open(path, "rb") as file:
            said = json.loads(file.read(_LONGEST))
        form = said[_MEMBER]
        found = _Secret(
            public.parse(bytes.fromhex(said["public"])),
            bytes.fromhex(said["seed"]),
            bytes.fromhex(said["leaves"]),
            int(said["next"]),
        )
    except OSError as error:
        raise UsageError(f"{path}: {why(error)}") from None
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        raise UsageError(f"{path} is no signing key: msgin5g keys make {path} makes one") from None
    details = found.public
    if form != _FORM or details is None or (details.levels, details.size, details.width) != (1, _SIZE, 4):
        raise UsageError(
            f"{path} is a signing key of a form that this program does not know: take a newer one"
        )
    if (
        details.height not in _KINDS
        or len(found.seed) != _SIZE
        or len(found.leaves) != _SIZE << details.height
        or not 0 <= found.next <= 1 << details.height
    ):
        raise UsageError(f"{path} is damaged: take the copy that you have of it")
    return found
