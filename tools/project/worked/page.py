# SPDX-License-Identifier: MIT
"""Writes docs/messages.md anew, what stands between its marks: `python -m tools.project.worked.page`."""

import asyncio
import re
from pathlib import Path

from tools.project.worked import binary, octets
from tools.project.worked.optional import optional
from tools.project.worked.story import tell
from tools.words import counted

PAGE = Path(__file__).resolve().parents[3] / "docs/messages.md"
MARKED = re.compile(r"(<!-- shown: ([\w-]+) -->\n).*?(<!-- end -->)", re.S)


def rendered(story, text):
    """The text with what the Story has shown between its marks, in the order of the text. KeyError where a mark names
    what is not shown, ValueError where something shown has no mark."""
    names = octets.Names()
    found = [name for _, name, _ in MARKED.findall(text)]
    missing = story.shown.keys() - set(found)
    if missing or len(found) != len(set(found)):
        raise ValueError("one mark for each, and none for %s" % ", ".join(sorted(missing)))

    def block(match):
        return match[1] + _block(match[2], story.shown[match[2]], names) + match[3]

    return MARKED.sub(block, text)


def _block(name, shown, names):
    names.begin()
    if name.startswith("l3-"):
        request = binary.counted(shown.request, names)
        title, clause, _ = binary.MESSAGES[request[0]]
        rows = "\n".join(octets.row(value, field) for field, value in binary.fields(request))
        return "%s to %s: %s, %s, %s\n\n```\n%s\n```\n" % (
            shown.sender.capitalize(),
            shown.recipient,
            title,
            clause,
            counted(len(request), "octet"),
            rows,
        )
    if name == "trigger":
        return "```json\n%s\n```\n" % shown.request.decode()
    request = names.datagram(shown.request)
    parts = ["**%s to %s:** %s" % (shown.sender.capitalize(), shown.recipient, octets.title(request))]
    parts += _body(request)
    may = optional(shown)
    if may:
        parts.append("May be left out: %s." % ", ".join("`%s`" % each for each in may))
    if shown.answer is None:
        return "\n\n".join([*parts, _octets(request)]) + "\n"
    answer = names.datagram(shown.answer)
    parts.append("**Answer:** " + octets.title(answer))
    parts += _body(answer)
    return "\n\n".join([*parts, _octets(request, answer)]) + "\n"


def _body(datagram):
    said = octets.body(datagram)
    if not said:
        return []
    return ["```%s\n%s\n```" % ("json" if said[0] in "[{" else "", said)]


def _octets(*datagrams):
    sizes = " and ".join("%d" % len(each) for each in datagrams)
    listed = "\n\n".join(map(octets.listing, datagrams))
    return '<details markdown="1"><summary>%s octets</summary>\n\n```\n%s\n```\n\n</details>' % (
        sizes,
        listed,
    )


def main():
    """Write the page."""
    PAGE.write_text(rendered(asyncio.run(tell()), PAGE.read_text()))


if __name__ == "__main__":
    main()
