# SPDX-License-Identifier: MIT
"""Each command that a page shows is one: the program takes it as it stands, `make` has the verb and its variables.

Nothing is run here: host_tests/hardware/test_readme.py types the README.
"""

import contextlib
import io
import re
import shlex

import pytest

from host_tests.tools.site.test_built import sources
from tools.cli import parser_of
from tools.project.site.places import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
VERBS = set(re.findall(r"^([a-z]+):(?!=)", MAKEFILE, re.M))
VARIABLES = set(re.findall(r"\$\((?:call given,)?([A-Z]+)\b", MAKEFILE))
# A command amid a sentence may leave out what its reader has seen in a block.
LEFT_OUT = r"(?:is|are) missing|expected one argument"


def commands(text):
    """[(command, whether it stands in a block)] of a page: lines of blocks, and what is quoted in its sentences."""
    found = []
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S):
        if language in ("", "sh", "console"):
            joined = re.sub(r"\\\n\s*", "", block)
            found += [(line, True) for line in joined.splitlines()]
    found += [(line.strip(), True) for line in re.findall(r"^ {4}(\S.*)$", text, re.M)]
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    found += [(line, False) for line in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", prose)]
    for line, block in found:
        line = re.sub(r"^\$ |\s+# .*", "", line)
        for part in re.split(r" && | [|>] ", line):
            if re.match(r"(?:[\w./]*/)?(?:msgin5g [a-z-]+(?:\s|$)|python -m tools\.)|make [A-Za-z]", part):
                yield part.strip(), block


def shown():
    """(page, command, whether it stands in a block) of all pages; what was so once stands in that of the changes."""
    found = {
        (page, *each) for page, text in sources().items() if page != "changes.md" for each in commands(text)
    }
    return sorted(found)


def refused(words, whole):
    """What the program says of its words, or None where it takes them."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            parser_of(words[:1]).parse_args(words)
    except SystemExit as end:
        reason = said.getvalue()
        if end.code and (whole or not re.search(LEFT_OUT, reason)):
            return reason.splitlines()[-1]
    return None


def unmade(words):
    """The words of a command of `make` that are no verb and no variable; a verb in capitals stands for any."""
    return [
        word
        for word in words
        if word not in VERBS
        and word.partition("=")[0] not in VARIABLES
        and not (word.isalpha() and word.isupper())
    ]


def wrong(command, whole):
    """What is wrong with a command, or None."""
    words = shlex.split(command)
    if words[0] == "make":
        return unmade(words[1:]) or None
    if words[0].endswith("python"):
        return (
            None
            if (ROOT / words[2].replace(".", "/")).with_suffix(".py").exists()
            else f"no module {words[2]}"
        )
    return refused(words[1:], whole)


def test_each_command_of_the_pages_is_one():
    found = shown()
    assert len(found) > 150
    faults = [
        f"{page}: {command}: {fault}" for page, command, whole in found if (fault := wrong(command, whole))
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    "page",
    [
        "```\nmsgin5g gateway --no-such-option\n```",
        "```\n$ .venv/bin/msgin5g provision --no-such-option\n```",
        "    msgin5g never-there\n",
        "as `msgin5g flash --never` says",
        "```\nmsgin5g device examples/sensor.py\n```",
        "```\nmake venv && make never\n```",
        "`make gateway SERIOUS=1`",
        "`.venv/bin/python -m tools.never.there`",
    ],
)
def test_a_command_that_is_none_is_seen(page):
    ((command, whole),) = [each for each in commands(page) if wrong(*each)]
    assert wrong(command, whole)


@pytest.mark.parametrize(
    "page",
    [
        "with `msgin5g device`, or `make VERB BOARD=rp2040 ARGS='--port X'`",
        "```\nmsgin5g provision --ue ue:a@example.org \\\n  --peer coap://192.0.2.1   # onto the board\n```",
        "```\nmsgin5g gateway device list | sort > devices\n```",
        "```python\nmsgin5g is no command here\n```",
        "```\nmsgin5g provisioned: what a program says, and nobody types\n```",
    ],
)
def test_a_command_that_is_one_is_let_be(page):
    assert not [each for each in commands(page) if wrong(*each)]
