# SPDX-License-Identifier: MIT
"""What went wrong is seen in the picture of the trace that a real device kept of it; those of the documentation say the
same."""

import re
import xml.etree.ElementTree

import pytest

from host_tests.tools.trace import scenes
from tools.device import ROOT

SVG = "{http://www.w3.org/2000/svg}"


def rows(path):
    """(what, detail, whether it is shown as gone wrong) of each row, each once: how often something is sent again, and
    when, is up to the machine. Message IDs are not the same twice."""
    found = []
    for group in xml.etree.ElementTree.parse(path).getroot().iter(SVG + "g"):
        texts = {each.get("class").split()[0]: each.text or "" for each in group.iter(SVG + "text")}
        what = re.sub(r" ×\d+$", "", texts["what"])
        detail = re.sub(r"\b[0-9a-f]{8}\b", "ID", texts.get("more", ""))
        detail = re.sub(r", \d+ of them sent again", "", detail)
        found.append((what, detail, "bad" in (group.get("class") or "")))
    return list(dict.fromkeys(found))


SEEN = {
    scenes.LOST: [
        ("REG", "", False),
        ("2.04", "", False),
        ("registered", "", False),
        ("MSG", "ID, no answer", True),
        ("time-out", "", True),
    ],
    scenes.REFUSED: [
        ("REG", "", False),
        ("2.04", "", False),
        ("refused", "unknown UE service ID", True),
    ],
    scenes.SEGMENT: [
        ("REG", "", False),
        ("2.04", "", False),
        ("registered", "", False),
        ("MSG", "ID: segments 1-3 of 4, no answer to 3", True),
        ("time-out", "", True),
        ("SEGREC", "", False),
        ("MSG", "ID: segments 3-4 of 4", False),
        ("SEGCONFIR", "", False),
        ("accepted", "ID", False),
    ],
}


@pytest.mark.parametrize("name", SEEN)
def test_what_went_wrong_is_in_the_picture(name, tmp_path):
    """docs/NAME is drawn by `python -m host_tests.tools.trace.scenes docs`."""
    scenes.draw(name, tmp_path)
    assert rows(tmp_path / name) == SEEN[name]
    assert rows(ROOT / "docs" / name) == SEEN[name]


def test_what_is_sent_again_is_one_arrow_with_how_often():
    text = (ROOT / "docs" / scenes.LOST).read_text()
    assert "MSG ×3" in text  # max_retransmit is 2 there
