# SPDX-License-Identifier: MIT
"""Programs from Debian packages: installed where that is allowed, else unpacked into a folder of our own.

An unpacked program brings all the libraries that it needs, the C library too, and is started through the dynamic
loader among them. So a program of a newer release runs on an older system, without root, and nothing outside the
folder changes. The mirror is the one that the machine already uses: apt knows its address.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from tools.words import in_words

# Releases that have what the machine's own release lacks, first choice first.
NEWER_RELEASES = {"Debian": ("trixie", "forky"), "Ubuntu": ("questing", "resolute")}
COMPONENTS = {"Debian": "main", "Ubuntu": "main universe"}
KEYRINGS = {
    "Debian": Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    "Ubuntu": Path("/usr/share/keyrings/ubuntu-archive-keyring.gpg"),
}


class PackageError(Exception):
    """A package can't be had this way; the text says why."""


def available():
    """True where apt is, whatever it may have to offer."""
    return all(shutil.which(tool) for tool in ("apt-get", "apt-cache", "dpkg-deb"))


def is_root():
    return os.geteuid() == 0


def _run(command, **more):
    """Output of a command; PackageError with the last lines that it wrote where it fails."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        **more,
    )
    if done.returncode != 0:
        lines = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
        raise PackageError(f"{Path(command[0]).name} failed: " + " / ".join(lines[-3:]))
    return done.stdout


def candidate(package, options=()):
    """The upstream version that apt would install, as a tuple of numbers, or None."""
    found = re.search(r"Candidate: (?:\d+:)?([\d.]+)", _run(["apt-cache", *options, "policy", package]))
    return tuple(int(part) for part in found[1].split(".") if part) if found else None


def install(package, at_least=()):
    """Installs a package of the machine's own release. For root only: we never ask for a password."""
    _run(["apt-get", "update", "-q"])
    version = candidate(package)
    if version is None or version < at_least:
        raise PackageError(f"the package {package} of this release is {_said(version)}")
    _run(["apt-get", "install", "-q", "-y", "--no-install-recommends", package])


def unpack(package, program, folder, at_least=()):
    """Unpacks a package and all that it depends on below `folder`; returns a start script for its program.

    The machine's own release is asked first, then the newer ones of the same distribution.
    """
    folder = Path(folder).absolute()
    reasons = []
    for source in _sources(folder / "sources"):
        shutil.rmtree(folder / "root", ignore_errors=True)
        try:
            script = _unpack_from(source, package, program, folder / "root", at_least)
        except PackageError as error:
            reasons.append(f"{source.name}: {error}")
            # who finds it takes it for whole
            shutil.rmtree(folder / "root", ignore_errors=True)
        else:
            shutil.rmtree(folder / "sources")  # lists and archives: the tree is all that is needed
            return script
    raise PackageError("; ".join(reasons))


def unpack_tree(packages, folder):
    """Unpacks packages of the machine's own release, and what they depend on, into `folder`/root; returns that.

    For programs that start each other and find their files beside them, as a compiler does: no start script can be
    put in between. So they run with the machine's own C library and loader, which are left out of the tree.
    """
    folder = Path(folder).absolute()
    shutil.rmtree(folder, ignore_errors=True)
    source = next(_sources(folder / "sources"))
    source.get("update")
    source.get("install", "--download-only", "-y", "--no-install-recommends", *packages)
    _extract((p for p in source.archives.glob("*.deb") if not p.name.startswith("libc6_")), folder / "root")
    shutil.rmtree(folder / "sources")
    return folder / "root"


class Wanted(NamedTuple):
    """What packages are unpacked for: its name, what is raised where it can't be had, and how to have it elsewhere."""

    name: str
    lacking: type
    advice: str


def provided(find, packages, folder, wanted, begins, unpacked=lambda root: None):
    """What `find()` gives; where that is nothing, once the packages are in `folder`. `begins()` is called before they
    are fetched, `unpacked(root)` after. Raises what `wanted`, a Wanted, says."""
    found = find()
    if found:
        return found
    name, lacking, advice = wanted
    if not available():
        raise lacking(f"there is no {name}, and no apt on this system. {advice}")
    begins()
    try:
        unpacked(unpack_tree(packages, folder))
    except (PackageError, OSError) as error:
        shutil.rmtree(folder, ignore_errors=True)  # half of it is none
        raise lacking(f"there is no {name} ({in_words(error)}). {advice}") from None
    found = find()
    if not found:
        raise lacking(f"the packages of this release hold no {name}. {advice}")
    return found


def libraries(root):
    """By which variable of the environment programs of such a tree find its libraries."""
    folders = {str(path.parent) for top in ("lib", "usr/lib") for path in (root / top).rglob("lib*.so*")}
    return {"LD_LIBRARY_PATH": ":".join(sorted(folders))}


def source_archives(wanted, folder):
    """Fetches original source archives of Debian source packages: {package: path}.

    `wanted` is {package: beginning of its version}; the first release that has it counts.
    """
    return _fetch_all(wanted, Path(folder), _Source.source_archive)


def unpack_single(wanted, folder):
    """Unpacks packages alone, without what they depend on, into `folder`/root: {package: version} as `wanted`."""
    archives = _fetch_all(wanted, Path(folder), _Source.archive)
    _extract(archives.values(), Path(folder) / "root")
    return Path(folder) / "root"


def _fetch_all(wanted, folder, fetch):
    found, reasons = {}, []
    for source in _sources(folder.absolute() / "sources"):
        try:
            source.get("update")
        except PackageError as error:
            reasons.append(f"{source.name}: {error}")
            continue
        for package, version in wanted.items():
            if package not in found:
                try:
                    found[package] = fetch(source, package, version, folder)
                except PackageError as error:
                    reasons.append(f"{source.name}: {error}")
        if len(found) == len(wanted):
            return found
    raise PackageError("; ".join(reasons))


def _extract(archives, root):
    for archive in sorted(archives):
        _run(["dpkg-deb", "--extract", str(archive), str(root)])


class _Source:
    """A private apt: its own lists, its own cache, and nothing installed, so that it fetches all dependencies."""

    def __init__(self, name, folder, line=None):
        self.name = name
        self.archives = folder / "cache" / "archives"
        for path in (folder / "state" / "lists" / "partial", self.archives / "partial"):
            path.mkdir(parents=True, exist_ok=True)
        status = folder / "status"
        status.touch()
        settings = {
            "Dir::State": folder / "state",
            "Dir::State::lists": folder / "state" / "lists",
            "Dir::State::status": status,
            "Dir::Cache": folder / "cache",
            "Debug::NoLocking": "true",
            "Acquire::Languages": "none",
            # As root, apt would change to a user that may not be able to write here.
            "APT::Sandbox::User": "",
        }
        if line:
            sources = folder / "sources.list"
            sources.write_text(line + "\n")
            settings |= {
                "Dir::Etc::sourcelist": sources,
                "Dir::Etc::sourceparts": os.devnull,
                "Dir::Etc::preferences": os.devnull,
                "Dir::Etc::preferencesparts": os.devnull,
            }
        self.options = [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]

    def get(self, *arguments):
        return _run(["apt-get", "-q", *self.options, *arguments])

    def archive(self, package, version, folder):
        """Downloads one package of a version that begins so."""
        exact = self._version("show", package, version)
        _run(["apt-get", "-q", *self.options, "download", f"{package}={exact}"], cwd=folder)
        return next(folder.glob(f"{package}_*.deb"))

    def source_archive(self, package, version, folder):
        """Downloads the original source archive of one package of a version that begins so."""
        exact = self._version("showsrc", package, version)
        _run(["apt-get", "-q", *self.options, "source", "--download-only", f"{package}={exact}"], cwd=folder)
        return next(p for p in folder.glob(f"{package}_*.orig.tar.*") if p.suffix != ".asc")

    def _version(self, verb, package, beginning):
        known = _run(["apt-cache", *self.options, verb, package])
        for exact in re.findall(r"^Version: (\S+)", known, re.MULTILINE):
            if exact.split(":")[-1].startswith(beginning):
                return exact
        raise PackageError(f"it has no {package} {beginning}")


def _sources(folder):
    """The machine's own release, then newer ones from the same mirror."""
    own = _Source("this release", folder / "own")
    yield own
    architecture = _run(["dpkg", "--print-architecture"]).strip()
    # The first line that belongs to the distribution itself; security updates live at another address.
    targets = own.get(
        "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)|$(CODENAME)", "Created-By: Packages"
    )
    for target in targets.splitlines():
        origin, label, mirror, codename = target.split("|")
        if origin == label and origin in NEWER_RELEASES:
            break
    else:
        return
    # Without the distribution's key file, apt's own set of trusted keys decides. It never goes unchecked.
    signed = f" signed-by={KEYRINGS[origin]}" if KEYRINGS[origin].exists() else ""
    for release in NEWER_RELEASES[origin]:
        if release != codename:
            rest = f"[arch={architecture}{signed}] {mirror} {release} {COMPONENTS[origin]}"
            yield _Source(release, folder / release, f"deb {rest}\ndeb-src {rest}")


def _unpack_from(source, package, program, root, at_least):
    source.get("update")
    version = candidate(package, source.options)
    if version is None or version < at_least:
        raise PackageError(f"its package {package} is {_said(version)}")
    source.get("install", "--download-only", "-y", "--no-install-recommends", package)
    _extract(source.archives.glob("*.deb"), root)
    return start_script(root, program)


def start_script(root, program):
    """A script that starts a program of an unpacked tree with the libraries of that tree."""
    places = (root / folder / program for folder in ("usr/bin", "bin", "usr/sbin"))
    binary = next((path for path in places if path.exists()), None)
    if binary is None:
        raise PackageError(f"no program {program} in it")
    # Where loader and libraries lie depends on architecture and release: /lib, /usr/lib/x86_64-linux-gnu,
    # /usr/lib/aarch64-linux-gnu and others. Links are left out: the absolute ones lead out of the tree.
    libraries = [p for top in ("lib", "usr/lib") for p in (root / top).rglob("*.so.*") if not p.is_symlink()]
    loader = next((p for p in libraries if p.name.startswith("ld-linux")), None)
    if loader is None:
        raise PackageError(f"no dynamic loader came with {program}")
    path = ":".join(sorted({str(p.parent) for p in libraries}))
    script = root.parent / program
    script.write_text(f'#!/bin/sh\nexec "{loader}" --library-path "{path}" "{binary}" "$@"\n')
    script.chmod(0o755)
    return script


def _said(version):
    return "version " + ".".join(map(str, version)) if version else "not to be had"
