# SPDX-License-Identifier: MIT
"""Whether what is here can be a release: what git and the changelog say of it."""

import os
import re
import subprocess
from dataclasses import dataclass

from tools.image.boards import ROOT, version

_EPOCH = 315532800  # 1980-01-01: a zip archive knows no time before


@dataclass(frozen=True)
class Standing:
    """`epoch`: the time of the commit, which all files in the artefacts have; `objections`: sentences that say why this
    is no release, and what to do."""

    version: str
    epoch: int
    objections: tuple


def standing(tag=None, root=ROOT):
    """The Standing of the tree; `tag` is what is to be released as, None for "v" and the version."""
    number = version()
    objections = []
    commit = _git(root, "log", "-1", "--format=%ct")
    if commit is None:
        objections.append("this is no clone: a release is made of a commit (git clone)")
    elif _git(root, "status", "--porcelain"):
        objections.append(
            "the tree has changes that are in no commit: git status shows them; commit or remove them"
        )
    objections += _of_changelog((root / "CHANGELOG.md").read_text(), number)
    objections += _of_tag(root, tag, number, commit)
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    epoch = int(given) if given.isdecimal() else int(commit or 0)
    return Standing(number, max(epoch, _EPOCH), tuple(objections))


def _of_changelog(text, number):
    sections = dict(re.findall(r"^## (\S+)[^\n]*\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    if number not in sections:
        yield (
            f'CHANGELOG.md has no section "## {number}": give what is under "Unreleased" that heading, or set'
            " VERSION of firmware/coap/version.py to the one that it has"
        )
    elif sections.get("Unreleased", "").strip():
        yield (
            f'CHANGELOG.md has changes under "Unreleased", which {number} does not have: raise VERSION of'
            " firmware/coap/version.py, and give them its heading"
        )


def _of_tag(root, tag, number, commit):
    wanted = f"v{number}"
    if tag not in (None, wanted):
        yield f"the tag is {tag}, and the version {number}: its tag is {wanted}"
    elif commit is not None:
        at = (_git(root, "tag", "--points-at", "HEAD") or "").split()
        if wanted not in at:
            other = _git(root, "tag", "--list", wanted)
            where = "is on another commit" if other else "is not there"
            yield f"the tag {wanted} of this version {where}: git tag -a {wanted}, or set another VERSION"


def _git(root, *words):
    """What git says, None where it has nothing to say: there is no git, or no clone."""
    try:
        done = subprocess.run(["git", "-C", root, *words], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
