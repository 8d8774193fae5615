# SPDX-License-Identifier: MIT
"""docs/troubleshooting.md: each sentence that a device or a gateway says when something is wrong stands there, or in a
table that it leads to, with what to do."""

import re

from host_tests.tools.pages.said import ROOT, plain, said
from tools.page import events

PAGE = ROOT / "docs/troubleshooting.md"
NO_TROUBLE = {  # what the same calls say where nothing is wrong
    'joined "..." as ...',
    "an error of the server's own",
    "pid .../nginx.pid;\nerror_log .../error.log;",  # of NGINX's configuration, which is printed
}


def told():
    """All sentences in the rows of tables, of the page and of those that it links."""
    text = PAGE.read_text()
    linked = {PAGE.parent / name for name in re.findall(r"\]\(([\w-]+\.md)", text)}
    rows = [
        line for path in (PAGE, *sorted(linked)) for line in path.read_text().split("\n") if line[:1] == "|"
    ]
    return [plain(span) for row in rows for span in re.findall(r"`([^`]+)`", row.partition(" | ")[0])]


def pattern(text):
    return ".*".join(map(re.escape, text.split("...")))


def test_each_sentence_has_its_place():
    there = told()
    found = said()
    assert len(found) > 150
    missing = {
        text: path
        for text, path in found.items()
        if text not in NO_TROUBLE and not any(re.search(pattern(text), span) for span in there)
    }
    assert not missing


def test_each_sentence_of_the_page_is_said():
    """The other way: a row for what nobody says any more goes."""
    rows = PAGE.read_text().partition("## Each sentence")[2].split("\n")
    spans = [
        plain(span)
        for row in rows
        if row[:1] == "|"
        for span in re.findall(r"`([^`]+)`", row.strip("| ").partition(" | ")[0])
    ]
    known = said()
    assert [span for span in spans if span not in known] == []


def test_each_event_is_in_the_table_of_events():
    table = (ROOT / "docs/gateway.md").read_text() + (ROOT / "docs/relay.md").read_text()
    names = {name.partition(" ")[0] for name in events._SENTENCES}
    assert names and {name for name in names if f"`{name}`" not in table} == set()
