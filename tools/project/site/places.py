# SPDX-License-Identifier: MIT
"""Where a file of the project has its page in the site, and its links with it.

The site is made of the Markdown that a reader of the repository has before him. A link that leads out of docs/ leads to
a page all the same: another page of Markdown, or a page that shows the file.
"""

import os.path
import re
from pathlib import Path, PurePosixPath

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[2]
# Pages that lie outside of docs/. Their names there are taken: docs/security.md is about OSCORE.
OUTSIDE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "reporting.md",
    "CHANGELOG.md": "changes.md",
}
FILES = "files"  # the part of the site for all else that a page links to
LANGUAGES = {".py": "python", ".toml": "toml", ".json": "json", ".yml": "yaml"}
_LINK = re.compile(r"(?<=\]\()([^)\s#]+)(?=[)#])")
_NAMED = re.compile(r"\[([\w./-]+\.md)\]\(([^)\s#]+\.md)((?:#[^)\s]*)?)\)")


def place(path):
    """The page, or the picture, in the site of a file or a folder of the project, both relative to their roots."""
    path = PurePosixPath(path)
    if str(path) in OUTSIDE:
        return OUTSIDE[str(path)]
    if path.parts[0] == "docs":
        return str(path.relative_to("docs"))
    if path.parts[0] == "boards" and path.name == "README.md" and len(path.parts) == 3:
        return f"boards/{path.parts[1]}.md"
    if (ROOT / path).is_dir():
        return f"{FILES}/{path}/index.md"
    return f"{FILES}/{path}" if path.suffix in (".md", ".svg", ".png") else f"{FILES}/{path}.md"


def links(origin, text):
    """The files of the project that a page links to; `origin` is its path there."""
    for match in _LINK.finditer(text):
        if "://" not in match[1] and not match[1].startswith("mailto:"):
            yield _target(origin, match[1])


def moved(origin, text):
    """The text of a page with each link as it has to be in the site. One that is named after a file, as is right among
    files, is named after its page there."""

    def link(match):
        if "://" in match[1] or match[1].startswith("mailto:"):
            return match[1]
        return _relative(place(_target(origin, match[1])), place(origin))

    def named(match):
        name, target, section = match.groups()
        path = _target(origin, target)
        if not path.endswith(name) or not (ROOT / path).is_file():
            return match[0]
        return f"[{_title((ROOT / path).read_text()) or name}]({target}{section})"

    return _LINK.sub(link, _NAMED.sub(named, text))


def _title(text):
    found = re.search(r"^# (.+)$", text, re.M)
    return found[1] if found else None


def _target(origin, link):
    return os.path.normpath(f"{PurePosixPath(origin).parent}/{link}")


def _relative(target, page):
    return os.path.relpath(target, PurePosixPath(page).parent)


def pages():
    """{page in the site: (path in the project, its text)} of all that is not in docs/ and belongs to the site.

    What these pages link to belongs to it, too, until there is no more.
    """
    waiting = [*OUTSIDE, *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("boards/*/README.md")))]
    for path in sorted((ROOT / "docs").rglob("*.md")):
        waiting += links(str(path.relative_to(ROOT)), path.read_text())
    found = {}
    while waiting:
        path = waiting.pop()
        page = place(path)
        if path.startswith("docs/") or page in found or not (ROOT / path).exists():
            continue  # a link that leads nowhere is told by the site
        found[page] = path, _text(path)
        waiting += links(path, found[page][1])
    return found


def _text(path):
    """What a page says: a Markdown file itself, the names in a folder, or a file as it stands."""
    there = ROOT / path
    if there.suffix == ".md":
        return there.read_text()
    if there.is_dir():
        names = sorted(each.name for each in there.iterdir() if each.is_file())
        return f"# {path}\n\n" + "".join(f"- [{name}]({there.name}/{name})\n" for name in names)
    return f"# {path}\n\n````{LANGUAGES.get(there.suffix, '')}\n{there.read_text()}````\n"
