# SPDX-License-Identifier: MIT
"""Archives whose octets follow from what is in them: sorted names, one time, modes that no umask changes, no owner."""

import gzip
import io
import tarfile
import time
import zipfile

_FILE = 0o644
_REGULAR = 0o100000  # of a mode in a zip archive: a file


def zipped(files, epoch):
    """The octets of a zip archive of {name: octets}."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, octets in sorted(files.items()):
            entry = zipfile.ZipInfo(name, time.gmtime(epoch)[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, wherever it is made
            entry.external_attr = (_REGULAR | _FILE) << 16
            archive.writestr(entry, octets)
    return made.getvalue()


def tarred(files, epoch):
    """The octets of a tar archive, compressed by gzip, of {name: octets}."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, octets in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = len(octets), epoch, _FILE
            archive.addfile(entry, io.BytesIO(octets))
    made = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, made, mtime=epoch) as file:
        file.write(plain.getvalue())
    return made.getvalue()


def unzipped(path):
    """{name: octets} of a zip archive."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


def untarred(path):
    """{name: octets} of the files of a tar archive."""
    with tarfile.open(path) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}
